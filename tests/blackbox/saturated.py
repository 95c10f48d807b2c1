"""The admin, readiness and metrics ports while every worker has more to do than it can. Usage: saturated.py BINARY"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, sanitized, wait_for  # noqa: E402

PAGES = ["/ready", "/server_info", "/stats?format=json", "/stats/prometheus", "/clusters?format=json", "/listeners", "/config_dump", "/configfiles", "/",
         "/certs", "/memory", "/apis/gateway.networking.k8s.io/v1/httproutes", "/explain?url=http://www.example.com/"]


def answered(gateway):
    return json.loads(get(gateway.admin, "/stats?format=json&filter=downstream_rq_completed$")[2])["stats"][0]["value"]


def every_page_comes_within_seconds(gateway):
    gateway.backend()
    rules = "".join(f"    - matches: [{{path: {{value: /{i}}}}}]\n      backendRefs: [{{name: echo, port: 80}}]\n" for i in range(15))
    for i in range(100):
        gateway.route(rules, name=f"route-{i}", hostnames=f"a{i}.example.com")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", hostnames="www.example.com")
    gateway.start()
    load = subprocess.Popen(["h2load", "-c200", "-m10", "-t2", "-D60", "-H", ":authority: www.example.com", f"http://127.0.0.1:{gateway.port}/"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        before = answered(gateway)
        wait_for(lambda: answered(gateway) > before + 5000, "the workers are busy", 30)
        slow = {}
        for _ in range(3):
            for port, path in [(gateway.admin, page) for page in PAGES] + [(gateway.metrics, "/metrics"), (gateway.ready, "/ready")]:
                started = time.monotonic()
                status, _, body = get(port, path, timeout=30)
                took = time.monotonic() - started
                assert status == 200 and body, (path, status)
                slow[path] = max(slow.get(path, 0), took)
        assert load.poll() is None, "the load ended too early to say anything"
        late = {path: round(took, 2) for path, took in slow.items() if took > (10 if sanitized(gateway.binary) else 3)}
        assert not late, late
        # A change is served, too.
        gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", name="fresh", hostnames="fresh.example.com")
        gateway.wait_for_route(host="fresh.example.com")
        assert load.poll() is None
    finally:
        load.kill()
        load.wait()


TESTS = [every_page_comes_within_seconds]

if __name__ == "__main__":
    assert shutil.which("h2load"), "h2load is not on the PATH (Debian: nghttp2-client)"
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
