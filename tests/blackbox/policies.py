"""TrafficPolicies against the running proxy: retries, time-outs, statuses, and what a broken policy closes. Usage: policies.py BINARY"""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def policy(name, body, target="HTTPRoute, name: route"):
    return (f"apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {name}}}\nspec:\n"
            f"  targetRefs: [{{group: gateway.networking.k8s.io, kind: {target}}}]\n  {body}\n")


def scripted(gateway, script, body):
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.write("policy.yaml", policy("p", body))
    gateway.start()
    return upstream


def attached(gateway, name):
    found = gateway.object("trafficpolicies", name, "apis/gateway.kgateway.dev/v1alpha1")
    ancestors = found["status"]["ancestors"]
    return {one["type"]: (one["status"], one["reason"]) for one in ancestors[0]["conditions"]} if ancestors else {}


def a_post_is_tried_again_when_the_policy_names_its_status(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" if len(upstream.heads) < 3 else OK)
    upstream = scripted(gateway, script, "retry: {retryOn: [gateway-error], attempts: 3, backoffBaseInterval: 1ms}")
    assert get(gateway.port, "/", method="POST")[0] == 200
    assert len(upstream.heads) == 3, len(upstream.heads)


def what_the_policy_does_not_name_is_not_tried_again(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    upstream = scripted(gateway, script, "retry: {retryOn: [connect-failure], attempts: 3, backoffBaseInterval: 1ms}")
    assert get(gateway.port, "/")[0] == 500
    assert len(upstream.heads) == 1, len(upstream.heads)


def a_slow_try_is_given_up_and_made_again(gateway):
    def script(peer, number):
        upstream.head(peer)
        if len(upstream.heads) == 1:
            peer.recv(1)  # silent until the other side has had enough
            return
        peer.sendall(OK)
    upstream = scripted(gateway, script, "retry: {retryOn: [reset], attempts: 1, perTryTimeout: 100ms, backoffBaseInterval: 1ms}")
    assert get(gateway.port, "/")[2] == b"ok"
    assert len(upstream.heads) == 2


def a_stream_on_which_nothing_moves_ends(gateway):
    def script(peer, number):
        head, _ = upstream.head(peer)
        if b"/started" in head:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        peer.recv(1)
    upstream = scripted(gateway, script, "timeouts: {request: 0s, streamIdle: 150ms}")
    began = time.monotonic()
    assert get(gateway.port, "/silent")[0] == 504
    assert time.monotonic() - began < 5
    try:
        body = get(gateway.port, "/started")[2]
    except Exception as cut:  # the body ends before its length says so
        body = getattr(cut, "partial", b"ok")
    assert body == b"ok", body


def a_policy_on_the_gateway_holds_until_the_route_has_its_own(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.write("gateway-policy.yaml",
                  policy("everywhere", "headerModifiers: {response: {set: [{name: x-policy, value: gateway}]}}", "Gateway, name: g"))
    gateway.start()
    assert get(gateway.port, "/")[1]["x-policy"] == "gateway"
    assert attached(gateway, "everywhere") == {"Accepted": ("True", "Valid"), "Attached": ("True", "Attached")}
    gateway.write("route-policy.yaml", policy("own", "headerModifiers: {response: {set: [{name: x-policy, value: route}]}}"))
    wait_for(lambda: get(gateway.port, "/")[1].get("x-policy") == "route", "the route's own policy holds")


def a_policy_that_is_not_valid_closes_its_routes_and_says_why(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.route(TO_ECHO, name="other", hostnames="other.example.com")
    gateway.write("policy.yaml", policy("p", 'urlRewrite: {pathRegex: {pattern: "(", substitution: x}}'))
    gateway.start()
    status, _, body = get(gateway.port, "/", "www.example.com")
    assert status == 500 and b"invalid route configuration" in body, (status, body)
    assert get(gateway.port, "/", "other.example.com")[0] == 200
    assert attached(gateway, "p")["Accepted"] == ("False", "Invalid")
    assert "policy.yaml:6: TrafficPolicy default/p: ( is no RE2 expression" in gateway.log(), gateway.log()
    gateway.write("policy.yaml", policy("p", 'urlRewrite: {pathRegex: {pattern: "^/a", substitution: "/b c"}}'))
    wait_for(lambda: "it holds a character that no path may have" in gateway.log(), "a path that cannot be is refused")
    assert get(gateway.port, "/a", "www.example.com")[0] == 500
    gateway.write("policy.yaml", policy("p", 'urlRewrite: {pathRegex: {pattern: "^/a", substitution: /b}}'))
    wait_for(lambda: get(gateway.port, "/a/x", "www.example.com")[0] == 200, "the route is open again")
    assert json.loads(get(gateway.port, "/a/x?y", "www.example.com")[2])["path"] == "/b/x"


def host_becomes_the_name_of_the_backend(gateway):
    echo = gateway.backend()
    gateway.write("service-echo.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: echo}\nspec:\n  type: ExternalName\n"
                  f"  externalName: localhost\n  ports: [{{port: 80, targetPort: {echo.port}}}]\n")
    gateway.route(TO_ECHO)
    gateway.write("policy.yaml", policy("p", "autoHostRewrite: true"))
    gateway.start()
    gateway.wait_for_route(host="www.example.com")
    assert json.loads(get(gateway.port, "/", "www.example.com")[2])["host"] == "localhost"


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__" and name not in ("scripted", "policy", "attached")]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
