"""What kgateway adds to what a rule does with a request: bodies of DirectResponses made by formats, redirects that are followed,
metrics of routes, headers from Secrets. Usage: route_actions.py BINARY"""
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402


def direct_response(name, spec):
    return (f"apiVersion: gateway.kgateway.dev/v1alpha1\nkind: DirectResponse\nmetadata: {{name: {name}}}\n"
            f"spec: {spec}\n")


def names(name):
    return (f"      filters: [{{type: ExtensionRef, extensionRef: {{group: gateway.kgateway.dev, kind: DirectResponse, name: {name}}}}}]\n")


def a_body_is_made_by_its_format(gateway):
    gateway.write("text.yaml", direct_response("text", r'{status: 418, bodyFormat: {text: "%REQ(:METHOD)% %REQ(X-KEY)% %RESPONSE_CODE% %%\n"}}'))
    gateway.write("json.yaml", direct_response(
        "json", '{status: 200, bodyFormat: {contentType: application/problem+json, '
        'json: {path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%", key: "%REQ(X-KEY)%", in: {list: ["%PROTOCOL%", 1]}}}}'))
    gateway.route("    - matches: [{path: {value: /text}}]\n" + names("text") +
                  "    - matches: [{path: {value: /json}}]\n" + names("json"))
    gateway.start()
    gateway.wait_for_route("/text", status=418)
    status, fields, body = get(gateway.port, "/text", method="PUT", headers={"X-Key": "k"})
    assert (status, body) == (418, b"PUT k 418 %\n") and fields["content-type"] == "text/plain", (status, fields, body)
    assert get(gateway.port, "/text")[2] == b"GET - 418 %\n"
    status, fields, body = get(gateway.port, "/json/x?y", headers={"X-Key": 'a"b\\c'})
    assert status == 200 and fields["content-type"] == "application/problem+json", (status, fields)
    assert json.loads(body) == {"path": "/json/x?y", "code": 200, "key": 'a"b\\c', "in": {"list": ["HTTP/1.1", 1]}}, body
    head = raw(gateway.port, b"HEAD /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True)
    assert head.lower().count(b"content-length: 13") == 1 and head.endswith(b"\r\n\r\n"), head


def a_format_that_is_wrong_closes_its_rule_and_says_where(gateway):
    gateway.write("bad.yaml", direct_response("bad", '{status: 200, bodyFormat: {text: "ab %REQUEST(:PATH)%"}}'))
    gateway.route(names("bad").replace("      f", "    - f"))
    gateway.start()
    gateway.wait_for_route(status=500)
    wait_for(lambda: "bodyFormat: position 3" in gateway.log(), "the log says where")
    gateway.write("bad.yaml", direct_response("bad", '{status: 200, bodyFormat: {text: "ab %REQ(:PATH)%"}}'))
    gateway.wait_for_route()


def policy(gateway, spec, name="p", target="kind: HTTPRoute, name: route"):
    gateway.write(f"policy-{name}.yaml", f"apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {name}}}\n"
                  f"spec:\n  targetRefs: [{{group: gateway.networking.k8s.io, {target}}}]\n  {spec}\n")


class Redirector:
    """A backend that answers every request with `answer(head)`, and keeps bodies whose length is told."""

    def __init__(self, gateway, answer):
        self.bodies = []

        def script(peer, number):
            while True:
                head, body = self.upstream.head(peer)
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                while len(body) < length:
                    body += peer.recv(65536)
                self.bodies.append(body)
                peer.sendall(answer(head))
        self.upstream = ScriptedUpstream(script)
        gateway.backends.append(self.upstream)
        gateway.service("moved", self.upstream.port)

    def heads(self):
        return self.upstream.heads


def redirect(location, status=302, more=""):
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n{more}Content-Length: 5\r\n\r\nmoved".encode()


def counted(gateway, name):
    """The sum of a counter over its series."""
    text = get(gateway.metrics, "/metrics")[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name) and line[len(name)] in "{ ")


TWO_RULES = ("    - {name: moved, matches: [{path: {value: /old}}], backendRefs: [{name: moved, port: 80}]}\n"
             "    - {matches: [{path: {value: /new}}], backendRefs: [{name: echo, port: 80}]}\n")


def a_redirect_of_the_backend_is_followed(gateway):
    now = ["http://www.example.com/new/x?y#z"]
    moved = Redirector(gateway, lambda head: redirect(now[0], more="X-Ticket: t1\r\n"))
    gateway.backend()
    gateway.route(TWO_RULES, hostnames="www.example.com")
    policy(gateway, "internalRedirect: {responseHeadersToCopy: [X-Ticket, X-Gone]}", target="kind: HTTPRoute, name: route, sectionName: moved")
    gateway.start()
    status, fields, body = get(gateway.port, "/old?a", "www.example.com", headers={"X-Gone": "1", "X-Ticket": "mine"})
    seen = json.loads(body)
    assert status == 200 and "location" not in fields, (status, fields)
    headers = seen["headers"]
    assert (seen["path"], seen["query"], seen["host"]) == ("/new/x", "y", "www.example.com"), seen
    assert headers["x-envoy-original-url"] == ["http://www.example.com/old?a"] and headers["x-ticket"] == ["t1"], headers
    assert "x-gone" not in headers and len(headers["x-forwarded-for"]) == 1 and "," not in headers["x-forwarded-for"][0], headers
    assert counted(gateway, "envoy_cluster_upstream_internal_redirect_succeeded_total") == 1
    # A body whose length is told goes along; 303 makes a GET of it.
    status, _, body = get(gateway.port, "/old", "www.example.com", method="POST", body=b"hello")
    assert status == 200 and json.loads(body)["bodyBytes"] == 5 and json.loads(body)["method"] == "POST", body
    assert moved.bodies[-1] == b"hello"
    policy(gateway, "internalRedirect: {redirectResponseCodes: [303]}")
    wait_for(lambda: get(gateway.port, "/old", "www.example.com")[0] == 302, "other statuses are the client's")


def a_see_other_is_got(gateway):
    Redirector(gateway, lambda head: redirect("http://www.example.com/new", 303))
    gateway.backend()
    gateway.route(TWO_RULES)
    policy(gateway, "internalRedirect: {redirectResponseCodes: [303]}")
    gateway.start()
    status, _, body = get(gateway.port, "/old", method="POST", body=b"hello")
    seen = json.loads(body)
    assert (status, seen["method"], seen["bodyBytes"]) == (200, "GET", 0), seen


def a_redirect_that_may_not_be_followed_is_the_clients(gateway):
    now = [""]
    moved = Redirector(gateway, lambda head: redirect(now[0]))
    gateway.backend()
    gateway.route(TWO_RULES, hostnames="www.example.com")
    policy(gateway, "internalRedirect: {maxRedirects: 2}")
    gateway.start()

    def asked(location, body=None):
        now[0] = location
        moved.heads().clear()
        chunked = {"Transfer-Encoding": "chunked"} if body else {}
        status, fields, text = get(gateway.port, "/old", "www.example.com", method="POST" if body else "GET", headers=chunked, body=body)
        assert (status, fields.get("location"), text) == (302, location, b"moved"), (location, status, fields, text)
        return len(moved.heads())
    assert asked("/new") == 1 and asked("http://user@www.example.com/new") == 1
    assert counted(gateway, "envoy_http_passthrough_internal_redirect_bad_location") == 2
    assert asked("https://www.example.com/new") == 1
    assert counted(gateway, "envoy_http_passthrough_internal_redirect_unsafe_scheme") == 1
    assert asked("http://elsewhere.example.com/new") == 1 and asked("http://www.example.com/nowhere") == 1
    assert counted(gateway, "envoy_http_passthrough_internal_redirect_no_route") == 2
    assert asked("http://www.example.com/old") == 3
    assert counted(gateway, "envoy_http_passthrough_internal_redirect_too_many_redirects") == 1
    now[0] = "http://www.example.com/new"
    stream = (b"POST /old HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
              b"2\r\nab\r\n")
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.sendall(stream)  # and more may come: it cannot be sent twice
        peer.settimeout(5)
        assert peer.recv(65536).startswith(b"HTTP/1.1 302 ")
    assert counted(gateway, "envoy_cluster_upstream_internal_redirect_failed_total") == 7
    policy(gateway, "internalRedirect: {allowCrossSchemeRedirect: true}")
    now[0] = "https://www.example.com/new"
    wait_for(lambda: get(gateway.port, "/old", "www.example.com")[0] == 200, "another scheme is allowed now")


def filters_act_again_on_the_way(gateway):
    Redirector(gateway, lambda head: redirect("http://www.example.com/new"))
    gateway.backend()
    gateway.route(TWO_RULES)
    policy(gateway, "internalRedirect: {}")
    gateway.write("users.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {jane: k-jane}\n")
    rule = TWO_RULES.replace("    - {matches", "    - {name: new, matches")
    gateway.route(rule)
    policy(gateway, "apiKeyAuth: {secretRef: {name: keys}, keySources: [{header: X-Key}]}", "keys", "kind: HTTPRoute, name: route, sectionName: new")
    gateway.start()
    assert get(gateway.port, "/old")[0] == 401
    assert get(gateway.port, "/old", headers={"X-Key": "k-jane"})[0] == 200


def a_route_is_counted_under_its_prefix(gateway):
    gateway.backend()
    gateway.route("    - {name: main, backendRefs: [{name: echo, port: 80}]}\n", hostnames="www.example.com")
    policy(gateway, 'statPrefix: "{{ route_namespace }}.{{route_name}}-x.{{rule_name}}"')
    gateway.start()
    for _ in range(3):
        assert get(gateway.port, "/", "www.example.com")[0] == 200
    host = f'listener~{gateway.port}~www_example_com'
    counted = f'envoy_vhost_route_upstream_rq_total{{envoy_route="default.route-x.main",envoy_virtual_host="{host}"}} 3'
    wait_for(lambda: counted in get(gateway.metrics, "/metrics")[2].decode(), "all three are counted")  # an answer comes before its count
    text = get(gateway.metrics, "/metrics")[2].decode()
    assert ('envoy_vhost_route_upstream_rq_xx{envoy_response_code_class="2",envoy_route="default.route-x.main",'
            f'envoy_virtual_host="{host}"}} 3') in text, text
    stats = get(gateway.admin, "/stats?filter=vhost")[2].decode()
    assert f"vhost.{host}.route.default.route-x.main.upstream_rq_2xx: 3" in stats, stats


def a_header_comes_from_a_secret_and_is_shown_nowhere(gateway):
    secret = "s3cr3t-value"
    gateway.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                  f"stringData: {{x-token: {secret}, other: {secret}-2}}\n")
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    policy(gateway, "headerModifiers: {request: {set: [{secretRef: {name: s}}], add: [{name: X-Named, secretRef: {name: s, key: other}}]},"
           " response: {set: [{name: x-token, secretRef: {name: s}}]}}")
    gateway.start()
    status, fields, body = get(gateway.port, "/", headers={"X-Token": "mine"})
    headers = json.loads(body)["headers"]
    assert status == 200 and fields["x-token"] == secret, (status, fields)
    assert headers["x-token"] == [secret] and headers["x-named"] == [secret + "-2"] and headers["other"] == [secret + "-2"], headers
    for page in ("/config_dump", "/snapshot", "/configfiles", "/explain?url=http://a/", "/apis/gateway.kgateway.dev/v1alpha1/trafficpolicies"):
        assert secret not in get(gateway.admin, page)[2].decode(), page
    assert secret not in gateway.log()
    gateway.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {x-token: changed, other: o}\n")
    wait_for(lambda: get(gateway.port, "/")[1].get("x-token") == "changed", "a change of the Secret is followed")
    gateway.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {x-token: \"a\\nb\", other: o}\n")
    gateway.wait_for_route(status=500)
    assert "Secret default/s, key x-token: the value has control characters" in gateway.log(), gateway.log()


TESTS = [a_body_is_made_by_its_format, a_format_that_is_wrong_closes_its_rule_and_says_where, a_redirect_of_the_backend_is_followed,
         a_see_other_is_got, a_redirect_that_may_not_be_followed_is_the_clients, filters_act_again_on_the_way,
         a_route_is_counted_under_its_prefix, a_header_comes_from_a_secret_and_is_shown_nowhere]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
