"""examples/monitoring with the real Prometheus: every query of the dashboards, the rules, promtool. Usage: monitoring.py BINARY"""
import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from certificates import Certificate  # noqa: E402
from gateway import SERVICE, free_port, get, main, raw, wait_for  # noqa: E402
from grpc_service import GrpcService, proto  # noqa: E402

FOLDER = ROOT / "examples/monitoring"
DASHBOARDS = ["traffic.json", "control-loop.json"]
RATE_LIMIT = "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"

# What a healthy gateway has none of; a query of nothing else may come back empty.
NOT_HERE = {"envoy_server_watchdog_miss", "envoy_server_watchdog_mega_miss", "envoy_cluster_upstream_rq_retry_overflow",
            "envoy_cluster_lb_healthy_panic", "envoy_cluster_ratelimit_error", "envoy_http_ext_authz_denied", "envoy_cluster_ratelimit_over_limit"}

POLICIES = {
    "limited": "rateLimit: {local: {tokenBucket: {maxTokens: 2, tokensPerFill: 1, fillInterval: 1s}}}",
    "asked": "extAuth: {extensionRef: {name: asks}}",
    "unasked": "extAuth: {extensionRef: {name: gone}}",
    "globally": "rateLimit: {global: {descriptors: [{entries: [{type: Generic, generic: {key: a, value: b}}]}], extensionRef: {name: counts}}}",
    "users": "basicAuth: {secretRef: {name: users}}",
    "keys": "apiKeyAuth: {secretSelector: {matchLabels: {app: keys}}, keySources: [{header: x-api-key}]}",
    "people": "rbac: {policy: {matchExpressions: [\"request.headers['x-user'] == 'alice'\"]}}",
    "away": "acl: {defaultAction: deny, rules: [{cidrs: [192.0.2.0/24], action: allow}]}",
    "csrf": "csrf: {percentageEnabled: 100}",
    "cors": "cors: {allowOrigins: ['https://friend.example'], allowMethods: [GET]}",
    "small": "compression: {responseCompression: {}}",
    "tokens": "jwtAuth: {extensionRef: {name: tokens}}",
    "retried": "retry: {attempts: 1, retryOn: [connect-failure, gateway-error, '5xx'], statusCodes: [500]}",
}
KEY_SET = ('{"keys": [{"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "e": "AQAB", "n": "ks83imqCdO3KulKNVf4zXJiHDkfo9m6kTkUrJ3IjzwKSbXSvTh57BOMN'
           '-NaotSqBG4LHNVSy7S_eAyCGcT3IlaTfTgTaadeix4meBwVsHCNtwZXoVsr4DcF0hGv32uea1cEn6E6URNdV4VyrButxkLxMLnZj-otWBqCFRlGb44MhWkXBFpxOyNOuriPX-XifRHWyYQyrDMnpwX2-7'
           'mnWnk27goxWx9LSS7nEUbnohpRhaaSW54_znZDoifHRyJMyS5dftvM3hbTY-L74NQnP0-6rhta8rF_bpDsbkW7yr13y_vRx2uDyMAf9I0lIkCVevMxVZhBi1qzY-kM8OlxRGQ"}]}')


class Flaky:
    """A backend of its own kind by the first character of the path: 5 answers 500, f fails now and then, r resets, s is silent."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.one, args=(self.socket.accept()[0],), daemon=True).start()

    def one(self, peer):
        with peer, contextlib.suppress(OSError):
            while head := peer.recv(65536):
                self.asked += 1
                kind = head.split(b" ")[1][1:2]
                if kind == b"r":
                    return
                if kind == b"s":
                    time.sleep(2)
                bad = kind == b"5" or (kind == b"f" and self.asked % 2)
                peer.sendall(b"HTTP/1.1 " + (b"500 Bad" if bad else b"200 OK") + b"\r\nContent-Length: 2\r\n\r\nok")

    def stop(self):
        self.socket.close()


class Datagrams:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                data, peer = self.socket.recvfrom(2048)
                self.socket.sendto(data, peer)

    def stop(self):
        self.socket.close()


def resource(kind, name, spec, version="gateway.kgateway.dev/v1alpha1"):
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{spec}\n---\n"


def prepared(gateway):
    """A gateway with something of everything that the dashboards show."""
    api = "gateway.networking.k8s.io/v1"
    gateway.folder_path = pathlib.Path(gateway.folder.name)
    gateway.tls_port, gateway.tcp_port, gateway.udp_port = (free_port() for _ in range(3))
    gateway.certificate = Certificate(gateway.folder_path, "www.example.com")
    gateway.certificate.secret(gateway, "cert")
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: https, protocol: HTTPS, port: {gateway.tls_port}, tls: {{certificateRefs: [{{name: cert}}]}}}}\n"
        f"    - {{name: tcp, protocol: TCP, port: {gateway.tcp_port}}}\n    - {{name: udp, protocol: UDP, port: {gateway.udp_port}}}\n"))
    gateway.backend()
    gateway.flaky, datagrams = Flaky(), Datagrams()
    gateway.backends += [gateway.flaky, datagrams]
    gateway.service("flaky", gateway.flaky.port)
    gateway.service("gone", free_port())
    gateway.write("datagrams.yaml", SERVICE.format(name="datagrams", port=f"{datagrams.port}, protocol: UDP", app_protocol=", protocol: UDP"))
    gateway.write("empty.yaml", SERVICE.format(name="empty", port=1, app_protocol="").replace("[{addresses: [127.0.0.1]}]", "[]"))
    ok = proto(1, 1)
    GrpcService(gateway, ok, RATE_LIMIT, "counts")
    text = ""
    rules = {name: "backendRefs: [{name: echo, port: 80}]" for name in POLICIES}
    rules["retried"] = "backendRefs: [{name: flaky, port: 80}]"
    rules.update(plain="backendRefs: [{name: echo, port: 80}]", flaky="timeouts: {request: 500ms}, backendRefs: [{name: flaky, port: 80}]",
                 tried="timeouts: {request: 500ms, backendRequest: 200ms}, backendRefs: [{name: flaky, port: 80}]",
                 gone="backendRefs: [{name: gone, port: 80}]", empty="backendRefs: [{name: empty, port: 80}]",
                 moved="filters: [{type: RequestRedirect, requestRedirect: {hostname: other.example.com}}]")
    for name, rule in rules.items():
        text += resource("HTTPRoute", name, f"spec:\n  parentRefs: [{{name: g}}]\n  hostnames: [{name}.example.com]\n  rules: [{{{rule}}}]", api)
    text += resource("TCPRoute", "tcp", "spec: {parentRefs: [{name: g, sectionName: tcp}], rules: [{backendRefs: [{name: echo, port: 80}]}]}", api)
    text += resource("UDPRoute", "udp", "spec: {parentRefs: [{name: g, sectionName: udp}], rules: [{backendRefs: [{name: datagrams, port: 80}]}]}", api)
    for name, spec in POLICIES.items():
        text += resource("TrafficPolicy", name, f"spec:\n  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {name}}}]\n  {spec}")
    for name, backend in (("asks", "echo"), ("gone", "gone")):
        text += resource("GatewayExtension", name, f"spec: {{extAuth: {{httpService: {{backendRef: {{name: {backend}, port: 80}}}}}}}}")
    text += resource("GatewayExtension", "counts", "spec: {rateLimit: {domain: d, grpcService: {backendRef: {name: counts, port: 80}}}}")
    text += resource("GatewayExtension", "tokens", "spec: {jwt: {providers: [{name: p, issuer: i, jwks: {local: {inline: '" + KEY_SET + "'}}}]}}")
    text += resource("BackendConfigPolicy", "flaky", """spec:
  targetRefs: [{group: '', kind: Service, name: flaky}]
  circuitBreakers: {maxConnections: 50, maxPendingRequests: 50, maxRequests: 1, maxRetries: 3, trackRemaining: true}""")
    text += resource("BackendConfigPolicy", "gone", """spec:
  targetRefs: [{group: '', kind: Service, name: gone}]
  healthCheck: {interval: 1s, timeout: 500ms, unhealthyThreshold: 1, healthyThreshold: 1, http: {path: /}}
  outlierDetection: {consecutive5xx: 1, interval: 2s, baseEjectionTime: 30s, maxEjectionPercent: 100}""")
    text += "apiVersion: v1\nkind: Secret\nmetadata: {name: users}\nstringData: {.htpasswd: 'user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='}\n---\n"
    text += "apiVersion: v1\nkind: Secret\nmetadata: {name: keys, labels: {app: keys}}\nstringData: {alice: abc}\n---\n"
    gateway.write("all.yaml", text)
    gateway.start()
    # What is wrong comes later: an object that is refused, a backend that is not there, a parent that is not.
    gateway.write("wrong.yaml", resource("HTTPRoute", "wrong", "spec: {parentRefs: [{name: g}], hostnames: ['not a host']}", api)
                  + resource("HTTPRoute", "nowhere", "spec: {parentRefs: [{name: g}], hostnames: [nowhere.example.com], rules: [{backendRefs: [{name: nowhere, port: 80}]}]}", api)
                  + resource("HTTPRoute", "orphan", "spec: {parentRefs: [{name: none}], rules: [{backendRefs: [{name: echo, port: 80}]}]}", api))
    gateway.wait_for_route(host="nowhere.example.com", status=500)


def changed(gateway, times):
    """A backend and a listener come, are changed, and go again."""
    gateway.service("changing", free_port())
    rest = "    - {name: https, protocol: HTTPS, port: %d, tls: {certificateRefs: [{name: cert}]}}\n    - {name: tcp, protocol: TCP, port: %d}\n"
    rest = (rest + "    - {name: udp, protocol: UDP, port: %d}\n") % (gateway.tls_port, gateway.tcp_port, gateway.udp_port)
    gateway.write("gateway.yaml", gateway.gateway_yaml(rest + (f"    - {{name: more, protocol: HTTP, port: {free_port()}}}\n" if times % 2 else "")))
    backend = "echo" if times % 3 == 0 else "changing"
    gateway.route(f"    - backendRefs: [{{name: {backend}, port: 80}}]\n", name="changing", hostnames=f"a{times}.example.com")


def ask(gateway, name, path="/", **more):
    with contextlib.suppress(OSError):
        return get(gateway.port, path, f"{name}.example.com", **more)[0]


def traffic(gateway):
    """Some of everything, once."""
    for name in list(POLICIES) + ["plain", "gone", "nowhere", "empty", "moved", "unknown"]:
        ask(gateway, name, headers={"Accept-Encoding": "gzip"})
        ask(gateway, name, headers={"Origin": "https://stranger.example", "x-user": "alice", "x-api-key": "abc", "Authorization": "Bearer x"}, method="POST")
    for _ in range(3):
        ask(gateway, "limited")
    ask(gateway, "cors", headers={"Origin": "https://friend.example"})
    for path in ("/ok", "/5", "/reset", "/silent"):
        ask(gateway, "flaky", path)
    ask(gateway, "tried", "/silent")
    for path in ("/f", "/f", "/f", "/5"):
        ask(gateway, "retried", path)
    at_once = [threading.Thread(target=ask, args=(gateway, "flaky", "/silent")) for _ in range(4)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    raw(gateway.port, b"nothing that is HTTP\r\n\r\n")
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:  # one that leaves
        peer.sendall(b"GET /silent HTTP/1.1\r\nHost: flaky.example.com\r\n\r\n")
        time.sleep(0.1)
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    session = None
    for _ in range(2):
        with anyone.wrap_socket(socket.create_connection(("127.0.0.1", gateway.tls_port)), server_hostname="www.example.com", session=session) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: plain.example.com\r\n\r\n")
            peer.recv(65536)
            session = peer.session
    raw(gateway.tls_port, b"no TLS either\r\n\r\n")
    subprocess.run(["nghttp", "-n", f"http://127.0.0.1:{gateway.port}/", "-H", ":authority: plain.example.com"], capture_output=True, timeout=10)
    raw(gateway.tcp_port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(2)
        peer.sendto(b"hello", ("127.0.0.1", gateway.udp_port))
        with contextlib.suppress(OSError):
            peer.recv(100)


class Prometheus:
    """The real one, with the example's configuration on the test's port and scraped each second."""

    def __init__(self, gateway):
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-prometheus-")
        folder = pathlib.Path(self.folder.name)
        text = (FOLDER / "prometheus.yml").read_text()
        assert '"127.0.0.1:9091"' in text and "15s" in text
        (folder / "prometheus.yml").write_text(text.replace("127.0.0.1:9091", f"127.0.0.1:{gateway.metrics}").replace("15s", "1s"))
        shutil.copy(FOLDER / "rules.yml", folder)
        self.port = free_port()
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                         f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)
        gateway.backends.append(self)
        wait_for(self.ready, "Prometheus is ready", 60)

    def ready(self):
        assert self.process.poll() is None, "Prometheus has ended: " + pathlib.Path(self.log.name).read_text()[-2000:]
        try:
            return get(self.port, "/-/ready")[0] == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        status, _, body = get(self.port, f"/api/v1/{path}?" + urllib.parse.urlencode(parameters), timeout=30)
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", (path, parameters, answer.get("error"))
        return answer["data"]

    def query(self, expression):
        return self.api("query", query=expression)["result"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()


def substituted(text, values):
    for name, value in values.items():
        text = re.sub(r"\$(\{%s\}|%s\b)" % (name, name), lambda _: value, text)
    assert "$" not in text, text
    return text


def queries(board):
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def variables(board):
    for one in board["templating"]["list"]:
        if one["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]["query"]).groups()
            yield one["name"], metric, label


def every_query_of_the_dashboards_answers(gateway):
    prepared(gateway)
    prometheus = Prometheus(gateway)
    fixed = {"__rate_interval": "30s", "__interval": "5s", "datasource": "p", "job": "tidegate", "instance": f"127.0.0.1:{gateway.metrics}"}
    expected = {}
    for name in DASHBOARDS:
        board = json.loads((FOLDER / name).read_text())
        values = dict(fixed, **{variable: ".*" for variable, _, _ in variables(board) if variable not in fixed})
        for title, expression in queries(board):
            expected[f"{name}: {title}: {expression}"] = substituted(expression, values)
        for one in board["annotations"]["list"]:
            prometheus.query(substituted(one["expr"], values))
        for variable, metric, _ in variables(board):
            values_of = substituted(metric, values)
            expected[f"{name}: variable {variable}: {metric}"] = f"count({values_of})"
    assert len(expected) > 90, len(expected)

    def empty():
        out = {}
        for what, expression in expected.items():
            result = prometheus.query(expression)
            numbers = [float(one["value"][1]) for one in result]
            if not any(number == number for number in numbers):  # NaN is nothing, too
                if not set(re.findall(r"\b(?:envoy|kgateway|tidegate|gatewayapi|process|dev)_\w+", expression)) & NOT_HERE:
                    out[what] = expression
        return out

    end = time.monotonic() + 60
    times = 0
    while True:
        traffic(gateway)
        times += 1
        changed(gateway, times)
        left = empty()
        if not left:
            break
        assert time.monotonic() < end, "nothing came back of:\n" + "\n".join(left)


def the_rules_are_evaluated_and_fire(gateway):
    prepared(gateway)
    prometheus = Prometheus(gateway)

    def firing():
        groups = prometheus.api("rules")["groups"]
        assert groups
        wrong = {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"}
        assert not wrong, wrong
        return {rule["name"] for group in groups for rule in group["rules"] if rule["state"] != "inactive"}

    # The configuration has an error, a certificate of two days, a backend without a healthy endpoint.
    wanted = {"TidegateConfigurationErrors", "TidegateCertificateExpires", "TidegateNoHealthyEndpoint"}
    wait_for(lambda: wanted <= firing(), f"{wanted} fire or wait to", 30)
    assert "TidegateDown" not in firing() and "TidegateNotServing" not in firing()


def promtool_finds_nothing_wrong(gateway):
    for arguments in (["check", "config", FOLDER / "prometheus.yml"], ["check", "rules", FOLDER / "rules.yml"]):
        done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    prepared(gateway)
    traffic(gateway)
    text = get(gateway.metrics, "/metrics")[2].decode()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    # Envoy's names are not all as promtool's style wants them (status 3); what does not parse is an error (1).
    assert done.returncode in (0, 3), (done.returncode, done.stdout, done.stderr)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("tidegate_", "process_", "gatewayapi_"))
            and "_info" not in line]
    assert not ours, ours


def dashboards_are_whole(gateway):
    for name in DASHBOARDS:
        board = json.loads((FOLDER / name).read_text())
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)) and board["uid"] and board["title"], name
        places = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24, panel["title"]
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    assert (x, y) not in places, f"{name}: {panel['title']} lies over another"
                    places.add((x, y))
    for name in ("README.md",):
        for one in re.findall(r"`(\w[\w-]*\.(?:json|yml))`", (FOLDER / name).read_text()):
            assert (FOLDER / one).exists(), one


TESTS = [dashboards_are_whole, promtool_finds_nothing_wrong, every_query_of_the_dashboards_answers, the_rules_are_evaluated_and_fire]

if __name__ == "__main__":
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        print("SKIP all with Prometheus: it is not on the PATH (Debian: prometheus)", flush=True)
        TESTS = [dashboards_are_whole]
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
