"""TrafficPolicy's rateLimit and extAuth, and the GatewayExtensions behind them. Usage: policy_services.py BINARY"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
from grpc_service import GrpcService, header, proto  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

SHOULD_RATE_LIMIT = "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"


def policy(gateway, spec, name="p", target="{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}"):
    gateway.write(f"policy-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{target}]
{spec}""")


def extension(gateway, spec, name="e"):
    gateway.write(f"extension-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayExtension
metadata: {{name: {name}}}
spec:
{spec}""")


def start(gateway):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()


def status(gateway, path="/", **headers):
    return get(gateway.port, path, headers=headers)[0]


def accepted(gateway, name="p"):
    one = gateway.object("trafficpolicies", name, "apis/gateway.kgateway.dev/v1alpha1")
    return [gateway.condition(each["conditions"], "Accepted") for each in one.get("status", {}).get("ancestors", [])]


def a_bucket_lets_as_many_through_as_it_has(gateway):
    policy(gateway, "  rateLimit: {local: {tokenBucket: {maxTokens: 3, tokensPerFill: 1, fillInterval: 100s}}}\n")
    start(gateway)
    assert [status(gateway) for _ in range(3)] == [200] * 3
    code, fields, body = get(gateway.port, "/")
    assert (code, body, fields["x-envoy-ratelimited"]) == (429, b"local_rate_limited", "true"), (code, fields, body)
    # What changes elsewhere does not fill it.
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", name="other", hostnames="other.example.com")
    gateway.wait_for_route(host="other.example.com", status=200)
    assert status(gateway) == 429
    policy(gateway, "  rateLimit: {local: {tokenBucket: {maxTokens: 3, fillInterval: 100s}, percentEnforced: 0}}\n")
    gateway.wait_for_route(status=200)
    assert [status(gateway) for _ in range(9)] == [200] * 9


def a_bucket_fills_again(gateway):
    policy(gateway, "  rateLimit: {local: {tokenBucket: {maxTokens: 1, tokensPerFill: 1, fillInterval: 200ms}}}\n")
    start(gateway)
    assert status(gateway) == 200 and status(gateway) == 429
    wait_for(lambda: status(gateway) == 200, "a token has come in")


def a_route_takes_a_limit_of_the_gateway_away(gateway):
    policy(gateway, "  rateLimit: {local: {tokenBucket: {maxTokens: 1, fillInterval: 100s}}}\n", "all",
           "{group: gateway.networking.k8s.io, kind: Gateway, name: g}")
    start(gateway)
    assert status(gateway) == 200 and status(gateway) == 429
    policy(gateway, "  rateLimit: {local: {}}\n")
    gateway.wait_for_route(status=200)
    assert [status(gateway) for _ in range(4)] == [200] * 4


def limit(gateway, more=""):
    extension(gateway, f"""  rateLimit:
    domain: test
    timeout: 5s
    grpcService: {{backendRef: {{name: limits, port: 80}}}}
{more}""")
    policy(gateway, """  rateLimit:
    global:
      extensionRef: {name: e}
      descriptors:
        - entries: [{type: Header, header: X-User}, {type: RemoteAddress}]
        - entries: [{type: Generic, generic: {key: all, value: "1"}}]
""")


def a_service_counts_for_everybody(gateway):
    fine = proto(1, 1) + proto(4, proto(1, b"x-counted") + proto(2, b"yes")) + proto(3, proto(1, b"x-left") + proto(2, b"9"))
    GrpcService(gateway, fine, SHOULD_RATE_LIMIT, "limits")
    limit(gateway, "    failOpen: false\n")
    start(gateway)
    gateway.wait_for_route(status=200)
    code, fields, body = get(gateway.port, "/", headers={"X-User": "jane"})
    assert code == 200 and fields["x-left"] == "9", (code, fields)
    assert json.loads(body)["headers"]["x-counted"] == ["yes"], body
    quota = proto(2, proto(1, 2) + proto(2, proto(1, 5) + proto(2, 2)) + proto(4, proto(1, 30)))
    over = GrpcService(gateway, proto(1, 2) + quota + proto(5, b"too many"), SHOULD_RATE_LIMIT, "limits")
    limit(gateway, "    failOpen: false\n    xRateLimitHeaders: DraftVersion03\n")
    gateway.wait_for_route(status=429)
    wait_for(lambda: "x-ratelimit-limit" in get(gateway.port, "/")[1], "the limits are told")
    _, fields, body = get(gateway.port, "/")
    assert (fields["x-ratelimit-limit"], fields["x-ratelimit-remaining"], fields["x-ratelimit-reset"]) == ("5, 5;w=60", "0", "30"), fields
    assert body == b"too many" and fields["x-envoy-ratelimited"] == "true", (body, fields)
    over.stop()
    wait_for(lambda: status(gateway) == 500, "a service that is away lets nothing through")
    limit(gateway, "    failOpen: true\n")
    gateway.wait_for_route(status=200)


def authorization(gateway, service, more="", policy_more=""):
    extension(gateway, f"  extAuth:\n    {service}\n{more}")
    policy(gateway, f"  extAuth:\n    extensionRef: {{name: e}}\n{policy_more}")


def who_may_come_in_is_asked_over_grpc(gateway):
    allow = proto(1, b"") + proto(3, proto(2, header(b"x-user", b"jane")) + proto(6, header(b"x-told", b"1")) +
                                  proto(7, proto(1, b"a") + proto(2, b"2 3")) + proto(8, b"secret"))
    GrpcService(gateway, allow)
    authorization(gateway, "grpcService: {backendRef: {name: auth, port: 80}, requestTimeout: 5s}", "    statusOnError: 503\n")
    start(gateway)
    gateway.wait_for_route(status=200)
    code, fields, body = get(gateway.port, "/p?a=1&b=2&secret=x")
    seen = json.loads(body)
    assert code == 200 and fields["x-told"] == "1" and seen["headers"]["x-user"] == ["jane"], (code, fields, body)
    assert seen["path"] == "/p" and seen["query"] == "b=2&a=2%203", seen
    denied = proto(2, proto(1, b"\x08\x91\x03") + proto(2, header(b"x-why", b"because")) + proto(3, b"no"))
    service = GrpcService(gateway, proto(1, proto(1, 7)) + denied)
    gateway.wait_for_route(status=401)
    assert get(gateway.port, "/")[1]["x-why"] == "because"
    service.stop()
    gateway.wait_for_route(status=503)
    authorization(gateway, "grpcService: {backendRef: {name: auth, port: 80}}", "    failOpen: true\n")
    gateway.wait_for_route(status=200)
    authorization(gateway, "grpcService: {backendRef: {name: nowhere, port: 80}}", "    failOpen: true\n")
    gateway.wait_for_route(status=500)
    assert accepted(gateway)[0]["status"] == "False" and "nowhere" in gateway.log(), accepted(gateway)
    policy(gateway, "  extAuth: {disable: {}}\n")
    gateway.wait_for_route(status=200)


def who_may_come_in_is_asked_over_http(gateway):
    def script(peer, number):
        while True:
            head, _ = service.head(peer)
            if b"authorization: good" in head.lower():
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-User: jane\r\nX-Hidden: 1\r\nSet-Cookie: s=1\r\nContent-Length: 0\r\n\r\n")
            elif b"authorization: broken" in head.lower():
                peer.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
            else:
                peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nX-Hidden: 1\r\nContent-Length: 0\r\n\r\n")
    service = ScriptedUpstream(script)
    gateway.backends.append(service)
    gateway.service("auth", service.port)
    authorization(gateway, """httpService:
      backendRef: {name: auth, port: 80}
      pathPrefix: /verify
      authorizationRequest: {headersToAdd: {X-From: gateway}}
      authorizationResponse: {headersToBackend: [x-user], headersToClient: [location], headersToClientOnSuccess: [set-cookie]}
    headersToForward: [x-key]""")
    start(gateway)
    code, fields, body = get(gateway.port, "/a", headers={"Authorization": "good", "X-Key": "k", "X-Other": "o"})
    seen = json.loads(body)["headers"]
    assert code == 200 and fields["set-cookie"] == "s=1" and "x-hidden" not in seen and seen["x-user"] == ["jane"], (code, fields, seen)
    asked = service.heads[0].lower()
    assert asked.startswith(b"get /verify/a http/1.1") and b"x-from: gateway" in asked and b"x-key: k" in asked, asked
    assert b"x-other" not in asked, asked
    code, fields, _ = get(gateway.port, "/a")
    assert code == 302 and fields["location"] == "/login" and "x-hidden" not in fields, (code, fields)
    assert status(gateway, Authorization="broken") == 403


def http_answers(gateway, answer):
    """An authorization service: `answer(head)` gives the bytes of each answer; empty: the connection is closed."""
    def script(peer, number):
        while True:
            head, _ = service.head(peer)
            bytes_ = answer(head)
            if not bytes_:
                return
            peer.sendall(bytes_)
    service = ScriptedUpstream(script)
    gateway.backends.append(service)
    gateway.service("auth", service.port)
    return service


def an_http_service_that_fails_is_asked_again(gateway):
    answers = [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
    service = http_answers(gateway, lambda head: answers[min(len(service.heads), 3) - 1])
    retry = "retry: {attempts: 2, backoff: {baseInterval: 1ms, maxInterval: 2ms}}"
    authorization(gateway, f"httpService: {{backendRef: {{name: auth, port: 80}}, {retry}}}")
    start(gateway)
    assert status(gateway) == 200 and len(service.heads) == 3, len(service.heads)
    answers[:] = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"] * 3
    service.heads.clear()
    assert status(gateway) == 403 and len(service.heads) == 3, len(service.heads)
    answers[:] = [b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"] * 3  # an answer, and not a failure
    service.heads.clear()
    assert status(gateway) == 401 and len(service.heads) == 1, len(service.heads)


def fields_of_the_question_are_made_by_formats(gateway):
    service = http_answers(gateway, lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    authorization(gateway, """httpService:
      backendRef: {name: auth, port: 80}
      authorizationRequest:
        headersToAdd: {X-Was: "%REQ(:METHOD)% %REQ(:PATH)%", X-None: "%REQ(X-No)%", X-Key: "mine%%", X-From: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
    headersToForward: [x-key]""")
    start(gateway)
    assert status(gateway, "/a?b", **{"X-Key": "theirs"}) == 200
    asked = service.heads[0].lower()
    for wanted in (b"\r\nx-was: get /a?b", b"\r\nx-key: mine%\r\n", b"\r\nx-from: 127.0.0.1"):
        assert wanted in asked + b"\r\n", (wanted, asked)
    assert b"x-none" not in asked and b"theirs" not in asked, asked
    authorization(gateway, """httpService:
      backendRef: {name: auth, port: 80}
      authorizationRequest: {headersToAdd: {X-Was: "%NOPE%"}}""")
    gateway.wait_for_route(status=500)
    assert "headersToAdd[X-Was]: position 0" in gateway.log(), gateway.log()


def a_request_goes_where_the_authorization_leads_it(gateway):
    service = http_answers(gateway, lambda head: b"HTTP/1.1 200 OK\r\nX-Group: " +
                           (b"a" if b"/a" in head.split(b"\r\n")[0] else b"none") + b"\r\nContent-Length: 0\r\n\r\n")
    for name in "abc":
        gateway.write(f"answer-{name}.yaml", f"apiVersion: gateway.kgateway.dev/v1alpha1\nkind: DirectResponse\nmetadata: {{name: {name}}}\n"
                      f"spec: {{status: 200, body: {name}}}\n")
    answers = "filters: [{type: ExtensionRef, extensionRef: {group: gateway.kgateway.dev, kind: DirectResponse, name: %s}}]\n"
    rules = ("    - name: all\n      " + answers % "b" + "    - name: of-group\n      matches: [{headers: [{name: X-Group, value: a}]}]\n      " + answers % "a")
    gateway.route(rules)
    question = "httpService: {backendRef: {name: auth, port: 80}, authorizationResponse: {headersToBackend: [x-group]}}\n"
    authorization(gateway, question + "    clearRouteCache: true")
    gateway.start()
    assert get(gateway.port, "/a")[2] == b"a" and get(gateway.port, "/b")[2] == b"b"
    assert len(service.heads) == 2, service.heads  # who has been asked is not asked again
    # What holds for the rule that it goes to now holds for it, also what would have stood before.
    gateway.write("users.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {jane: k-jane}\n")
    policy(gateway, "  apiKeyAuth: {secretRef: {name: keys}, keySources: [{header: X-Key}]}\n", "keys",
           "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route, sectionName: of-group}")
    wait_for(lambda: status(gateway, "/a") == 401, "the other rule's policy holds")
    assert status(gateway, "/b") == 200 and status(gateway, "/a", **{"X-Key": "k-jane"}) == 200
    # Without it, the route stays.
    authorization(gateway, question)
    wait_for(lambda: get(gateway.port, "/a")[2] == b"b", "the first route has it")
    # Where nothing has the request any more, there is no route.
    authorization(gateway, question + "    clearRouteCache: true")
    gateway.route("    - matches: [{headers: [{name: X-Group, value: none}]}]\n      " + answers % "c" )
    wait_for(lambda: status(gateway, "/a", **{"X-Group": "none"}) == 404, "no route is left")
    assert get(gateway.port, "/b", headers={"X-Group": "none"})[2] == b"c"


def metrics(gateway, *parts):
    """The value of the one series whose line has all parts; 0 where there is none."""
    lines = [line for line in get(gateway.metrics, "/metrics")[2].decode().splitlines() if line[0] != "#" and all(part in line for part in parts)]
    assert len(lines) < 2, lines
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0


def a_service_with_a_prefix_is_counted_under_it(gateway):
    http_answers(gateway, lambda head: b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"403 No" if b"/no" in head.split(b"\r\n")[0] else b"200 OK"))
    service = "httpService: {backendRef: {name: auth, port: 80}}"
    authorization(gateway, service, "    statPrefix: waf\n")
    extension(gateway, f"  extAuth:\n    {service}\n    statPrefix: 'b: \"c\"'\n", "other")
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", "second", "second.example.com")
    policy(gateway, "  extAuth: {extensionRef: {name: other}}\n", "q", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: second}")
    gateway.start()
    assert [status(gateway, path) for path in ("/", "/", "/no")] == [200, 200, 403]
    assert get(gateway.port, "/no", "second.example.com")[0] == 403
    stats = get(gateway.admin, "/stats?filter=ext_authz")[2].decode()
    for line in ("http.http.ext_authz.waf.ok: 2", "http.http.ext_authz.waf.denied: 1", "http.http.ext_authz.b__\"c\".denied: 1"):
        assert line + "\n" in stats, (line, stats)
    assert ".ext_authz.ok: 0" in stats or ".ext_authz.ok:" not in stats, stats
    assert "cluster.kube_default_echo_80.ext_authz.waf.ok: 2\n" in stats, stats
    assert metrics(gateway, "envoy_http_ext_authz_ok{", 'envoy_ext_authz_prefix="waf"') == 2
    assert metrics(gateway, "envoy_cluster_ext_authz_denied{", 'envoy_ext_authz_prefix="waf"') == 1
    assert metrics(gateway, "envoy_http_ext_authz_denied{", r'envoy_ext_authz_prefix="b__\"c\""') == 1
    # Its counters go on when the configuration changes elsewhere.
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", "third", "third.example.com")
    wait_for(lambda: gateway.object("httproutes", "third"), "the change is there")
    assert status(gateway) == 200
    assert metrics(gateway, "envoy_http_ext_authz_ok{", 'envoy_ext_authz_prefix="waf"') == 3


def each_route_has_a_bucket(gateway):
    limit_text = "  rateLimit: {local: {tokenBucket: {maxTokens: 1, fillInterval: 100s}}}\n"
    gateway.backend()
    two = ("    - {name: one, matches: [{path: {value: /a}}, {path: {value: /b}}], backendRefs: [{name: echo, port: 80}]}\n"
           "    - {name: two, matches: [{path: {value: /c}}], backendRefs: [{name: echo, port: 80}]}\n")
    gateway.route(two, hostnames="x.example.com, y.example.com")
    policy(gateway, limit_text)
    gateway.start()
    places = [(path, host) for path in ("/a", "/b", "/c") for host in ("x.example.com", "y.example.com")]
    assert [get(gateway.port, *place)[0] for place in places] == [200] * 6
    assert [get(gateway.port, *place)[0] for place in places] == [429] * 6
    # What changes elsewhere does not fill them, nor does another rule in front.
    gateway.route("    - {matches: [{path: {value: /new}}], backendRefs: [{name: echo, port: 80}]}\n" + two, hostnames="x.example.com, y.example.com")
    wait_for(lambda: get(gateway.port, "/new", "x.example.com")[0] == 200, "the change is there")
    assert [get(gateway.port, *place)[0] for place in places] == [429] * 6


def a_gateway_has_a_bucket_and_a_listener_one_for_each_host(gateway):
    gateway.backend()
    gateway.route("    - {matches: [{path: {value: /a}}, {path: {value: /b}}], backendRefs: [{name: echo, port: 80}]}\n",
                  hostnames="x.example.com, y.example.com")
    limit_text = "  rateLimit: {local: {tokenBucket: {maxTokens: %s, fillInterval: 100s}}}\n"
    policy(gateway, limit_text % 3, "all", "{group: gateway.networking.k8s.io, kind: Gateway, name: g}")
    gateway.start()
    places = [(path, host) for path in ("/a", "/b") for host in ("x.example.com", "y.example.com")]
    assert [get(gateway.port, *place)[0] for place in places] == [200, 200, 200, 429]
    policy(gateway, limit_text % 1, "one", "{group: gateway.networking.k8s.io, kind: Gateway, name: g, sectionName: http}")
    wait_for(lambda: get(gateway.port, "/a", "x.example.com")[0] == 200, "the listener's policy goes first")
    assert [get(gateway.port, *place)[0] for place in places] == [429, 200, 429, 429]


TESTS = [a_service_with_a_prefix_is_counted_under_it, an_http_service_that_fails_is_asked_again, fields_of_the_question_are_made_by_formats, a_request_goes_where_the_authorization_leads_it,
         each_route_has_a_bucket, a_gateway_has_a_bucket_and_a_listener_one_for_each_host, a_bucket_lets_as_many_through_as_it_has, a_bucket_fills_again, a_route_takes_a_limit_of_the_gateway_away,
         a_service_counts_for_everybody, who_may_come_in_is_asked_over_grpc, who_may_come_in_is_asked_over_http]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
