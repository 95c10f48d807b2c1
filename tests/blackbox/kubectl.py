"""The real kubectl against the admin port; where there is none, the same by hand over HTTP. Usage: kubectl.py BINARY"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
import http.client  # noqa: E402

ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
KUBECTL = shutil.which("kubectl")


def kubectl(gateway, *words, status=0):
    home = pathlib.Path(gateway.folder.name) / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run([KUBECTL, "--server", f"http://127.0.0.1:{gateway.admin}", *words], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "HOME": str(home), "KUBECONFIG": ""})
    assert (done.returncode == 0) == (status == 0), (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def prepared(gateway):
    gateway.backend()
    gateway.route(TO_ECHO, hostnames="www.example.com")
    gateway.route(TO_ECHO.replace("echo", "nobody"), name="bad")
    gateway.start()


def get_lists_tables_with_conditions(gateway):
    prepared(gateway)
    text = kubectl(gateway, "get", "gateways,httproutes,services", "-A")
    assert "PROGRAMMED" in text and "www.example.com" in text and "service/echo" in text, text
    bad = next(line for line in kubectl(gateway, "get", "httproutes", "-o", "wide").splitlines() if line.startswith("bad"))
    assert "False" in bad and "bad.yaml:1" in bad, bad
    assert "status:" in kubectl(gateway, "get", "gtw", "g", "-o", "yaml")
    assert "BackendNotFound" in kubectl(gateway, "get", "httproute/bad", "-o", "jsonpath={.status.parents[*].conditions[*].reason}")
    assert "not found" in kubectl(gateway, "get", "httproute", "nope", status=1)


def describe_shows_problems_with_file_and_line(gateway):
    prepared(gateway)
    text = kubectl(gateway, "describe", "httproute", "bad")
    assert "Warning" in text.split("Events:")[1] and "bad.yaml:7" in text, text


def explain_wait_version_and_api_resources(gateway):
    prepared(gateway)
    client = json.loads(kubectl(gateway, "version", "--client", "-o", "json"))["clientVersion"]
    if int(client["minor"].rstrip("+")) >= 27:  # older ones read only protobuf, which is not served
        assert "port" in kubectl(gateway, "explain", "gateway.spec.listeners")
        assert "integer" in kubectl(gateway, "explain", "httproute.spec.rules.backendRefs.port")
    kubectl(gateway, "wait", "--for=condition=Programmed", "gateway/g", "--timeout", "10s")
    assert "Server Version" in kubectl(gateway, "version")
    assert "backendtlspolicies" in kubectl(gateway, "api-resources")


def a_change_is_refused_and_the_file_is_named(gateway):
    prepared(gateway)
    text = kubectl(gateway, "delete", "httproute", "bad", status=1)
    assert "read-only" in text and "bad.yaml:1" in text, text


def get_w_follows_changes(gateway):
    prepared(gateway)
    home = {**os.environ, "HOME": gateway.folder.name, "KUBECONFIG": ""}
    watch = subprocess.Popen([KUBECTL, "--server", f"http://127.0.0.1:{gateway.admin}", "get", "httproutes", "-w"], env=home,
                             stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        threading.Thread(target=lambda: lines.extend(iter(watch.stdout.readline, "")), daemon=True).start()
        wait_for(lambda: any("www.example.com" in line for line in lines), "the list", 30)
        gateway.route(TO_ECHO, hostnames="new.example.com")
        wait_for(lambda: any("new.example.com" in line for line in lines), "the change", 30)
    finally:
        watch.kill()
        watch.wait()


def a_watch_is_told_of_changes_and_does_not_hold_others_up(gateway):
    prepared(gateway)
    version = json.loads(get(gateway.admin, ROUTES)[2])["metadata"]["resourceVersion"]
    watches = []
    for _ in range(20):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.admin, timeout=10)
        connection.request("GET", f"{ROUTES}?watch=true&resourceVersion={version}")
        watches.append(connection.getresponse())
    started = time.monotonic()
    assert get(gateway.admin, "/ready")[0] == 200
    assert time.monotonic() - started < 1
    gateway.route(TO_ECHO, hostnames="new.example.com")
    for watch in watches:
        assert watch.status == 200 and watch.getheader("Transfer-Encoding") == "chunked"
        event = json.loads(watch.readline())
        assert event["type"] == "MODIFIED" and event["object"]["metadata"]["name"] == "route", event
    assert time.monotonic() - started < 3
    for watch in watches:
        watch.close()


def a_watch_ends_when_its_time_is_over(gateway):
    prepared(gateway)
    started = time.monotonic()
    body = get(gateway.admin, f"{ROUTES}?watch=true&timeoutSeconds=1")[2]
    assert [json.loads(line)["type"] for line in body.splitlines()] == ["ADDED", "ADDED"], body
    assert time.monotonic() - started < 8


WITHOUT = [a_watch_is_told_of_changes_and_does_not_hold_others_up, a_watch_ends_when_its_time_is_over]
WITH = [get_lists_tables_with_conditions, describe_shows_problems_with_file_and_line, explain_wait_version_and_api_resources,
        a_change_is_refused_and_the_file_is_named, get_w_follows_changes]

if __name__ == "__main__":
    if not KUBECTL:
        print("SKIP the tests with the real kubectl: there is none on the PATH", flush=True)
    sys.exit(1 if main(WITHOUT + (WITH if KUBECTL else []), sys.argv[1]) else 0)
