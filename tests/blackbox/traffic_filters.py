"""TrafficPolicy: rbac, compression, faultInjection, buffer, from the manifest to the bytes. Usage: traffic_filters.py BINARY"""
import gzip
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

POLICY = """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: {kind}, name: {target}}}]
{spec}
"""


def policy(gateway, spec, name="policy", kind="HTTPRoute", target="route"):
    gateway.write(f"{name}.yaml", POLICY.format(name=name, kind=kind, target=target, spec=spec))


def accepted(gateway, name="policy"):
    found = gateway.object("trafficpolicies", name, "apis/gateway.kgateway.dev/v1alpha1")
    conditions = found["status"]["ancestors"][0]["conditions"]
    return gateway.condition(conditions, "Accepted")


def echo_route(gateway):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")


def answering(gateway, answer):
    """A backend that says the same to everybody."""
    def script(peer, number):
        while True:
            backend.head(peer)
            peer.sendall(answer)
    backend = ScriptedUpstream(script)
    gateway.backends.append(backend)
    gateway.service("fixed", backend.port)
    gateway.route("    - backendRefs: [{name: fixed, port: 80}]\n")


def access_is_decided_by_expressions(gateway):
    echo_route(gateway)
    policy(gateway, """  rbac:
    policy:
      matchExpressions:
        - request.headers['x-user'] == 'alice'
        - request.path.startsWith('/public/') && request.method in ['GET', 'HEAD']""")
    gateway.start()
    assert get(gateway.port, "/", headers={"x-user": "alice"})[0] == 200
    assert get(gateway.port, "/public/a")[0] == 200
    status, fields, body = get(gateway.port, "/", headers={"x-user": "bob"})
    assert (status, body) == (403, b"RBAC: access denied") and fields["content-type"].startswith("text/plain"), (status, body)
    assert get(gateway.port, "/public/a", method="POST", body=b"x")[0] == 403
    policy(gateway, """  rbac: {action: Deny, policy: {matchExpressions: ["request.headers['x-user'] == 'mallory'"]}}""")
    wait_for(lambda: get(gateway.port, "/")[0] == 200, "the policy denies only now")
    assert get(gateway.port, "/", headers={"x-user": "mallory"})[0] == 403
    metrics = get(gateway.metrics, "/metrics")[2]
    assert b"envoy_http_rbac_denied" in metrics and b"envoy_http_rbac_allowed" in metrics


def an_expression_that_does_not_compile_lets_nobody_pass(gateway):
    echo_route(gateway)
    policy(gateway, """  rbac:
    policy:
      matchExpressions:
        - request.method ==""")
    gateway.start()
    condition = accepted(gateway)
    assert condition["status"] == "False" and condition["reason"] == "Invalid", condition
    assert "1:18: the expression ends too early" in condition["message"], condition
    assert "policy.yaml:9: " in gateway.log(), gateway.log()
    assert get(gateway.port, "/")[0] == 500


def answers_are_compressed_for_who_accepts_it(gateway):
    text = b"<p>compress me</p>" * 500
    answering(gateway, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"1\"\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
    policy(gateway, "  compression: {responseCompression: {}}")
    gateway.start()
    status, fields, body = get(gateway.port, "/", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert status == 200 and fields["content-encoding"] == "gzip" and gzip.decompress(body) == text, fields
    assert fields["vary"] == "Accept-Encoding" and fields["etag"] == 'W/"1"' and "content-length" not in fields, fields
    status, fields, body = get(gateway.port, "/", headers={"Accept-Encoding": "identity"})
    assert body == text and "content-encoding" not in fields and fields["vary"] == "Accept-Encoding", fields
    status, fields, body = get(gateway.port, "/", method="HEAD", headers={"Accept-Encoding": "gzip"})
    assert body == b"" and "content-encoding" not in fields, fields
    policy(gateway, "  compression: {responseCompression: {libraries: [Brotli, Zstd]}}")
    wait_for(lambda: get(gateway.port, "/", headers={"Accept-Encoding": "gzip, br"})[1].get("content-encoding") == "br", "brotli")


def request_bodies_are_decompressed(gateway):
    echo_route(gateway)
    policy(gateway, "  compression: {requestDecompression: {}}")
    gateway.start()
    plain = b"Hello, world! " * 1000
    packed = gzip.compress(plain)
    status, _, body = get(gateway.port, "/", method="POST", body=packed, headers={"Content-Encoding": "gzip"})
    seen = json.loads(body)
    assert status == 200 and seen["bodyBytes"] == len(plain) and "content-encoding" not in seen["headers"], seen
    status, _, body = get(gateway.port, "/", method="POST", body=packed, headers={"Content-Encoding": "br"})
    assert json.loads(body)["bodyBytes"] == len(packed)
    bomb = gzip.compress(b"\0" * 30_000_000)
    for bad in (b"no gzip at all", bomb):
        assert broken_off(gateway, bad)


def broken_off(gateway, body):
    """400 where the body came with the head; else the exchange with the backend is under way, and is cut."""
    try:
        return get(gateway.port, "/", method="POST", body=body, headers={"Content-Encoding": "gzip"})[0] == 400
    except ConnectionError:  # RemoteDisconnected is one
        return True


def faults_are_injected(gateway):
    echo_route(gateway)
    policy(gateway, "  faultInjection: {abort: {httpStatus: 503}, delay: {fixedDelay: 200ms}}")
    gateway.start()
    start = time.monotonic()
    status, _, body = get(gateway.port, "/")
    assert (status, body) == (503, b"fault filter abort") and time.monotonic() - start >= 0.2, (status, body)
    policy(gateway, "  faultInjection: {abort: {httpStatus: 503}}", "on-gateway", "Gateway", "g")
    policy(gateway, "  faultInjection: {disable: {}}")
    wait_for(lambda: get(gateway.port, "/")[0] == 200, "the route opts out")
    policy(gateway, "  faultInjection: {responseRateLimit: {kbitsPerSecond: 8}}")  # 1000 bytes a second

    def slowed():
        start = time.monotonic()
        status, _, body = get(gateway.port, "/")
        return status == 200 and time.monotonic() - start > (len(body) / 1000) * 0.5
    wait_for(slowed, "the answer comes slowly")


def bodies_beyond_the_buffer_are_refused(gateway):
    echo_route(gateway)
    policy(gateway, "  buffer: {maxRequestSize: 1Ki}")
    gateway.start()
    status, _, body = get(gateway.port, "/", method="POST", body=b"x" * 1024)
    assert status == 200 and json.loads(body)["bodyBytes"] == 1024
    status, _, body = get(gateway.port, "/", method="POST", body=b"x" * 1025)
    assert (status, body) == (413, b"Payload Too Large"), (status, body)
    status, _, body = get(gateway.port, "/", method="POST", body=iter([b"x" * 600, b"x" * 600]))
    assert status == 413, status
    status, _, body = get(gateway.port, "/", method="POST", body=iter([b"x" * 300, b"x" * 300]))
    assert json.loads(body)["headers"].get("content-length", ["600"]) == ["600"] and json.loads(body)["bodyBytes"] == 600, body


TESTS = [access_is_decided_by_expressions, an_expression_that_does_not_compile_lets_nobody_pass, answers_are_compressed_for_who_accepts_it,
         request_bodies_are_decompressed, faults_are_injected, bodies_beyond_the_buffer_are_refused]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
