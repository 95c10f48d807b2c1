"""Spans and log entries as their collectors get them. Usage: tracing.py BINARY"""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from collector import GarbageCollector, GrpcCollector, HttpCollector, fields  # noqa: E402
from gateway import get, main, wait_for  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACING = """tracing:
  provider: {openTelemetry: {grpcService: {backendRef: {name: collector, port: 80}%s}, serviceName: shop%s}}
%s"""


def policy(gateway, settings):
    lines = "".join(f"      {line}\n" for line in settings.splitlines())
    gateway.write("p.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: g}}]
  default:
    httpSettings:
{lines}""")


def served(gateway, collector, settings, app_protocol="", rules=TO_ECHO):
    gateway.backends.append(collector)
    gateway.service("collector", collector.port, app_protocol)
    policy(gateway, settings)
    gateway.backend()
    gateway.route(rules)
    gateway.start()


def traced(more="", service="", provider=""):
    return TRACING % (service, provider, more)


def seen(gateway, path="/", **headers):
    """The headers that the backend gets, and the answer's."""
    _, answer, body = get(gateway.port, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return json.loads(body)["headers"], answer


def spans(collector, count):
    wait_for(lambda: len(collector.records()) >= count, f"{count} spans come")
    return collector.records()


def an_exchange_has_a_span(gateway):
    collector = GrpcCollector()
    gateway.environment = {"OTEL_RESOURCE_ATTRIBUTES": "service.namespace=prod", "COLOUR": "green", "API_TOKEN": "s3cret"}
    served(gateway, collector, traced("""  maxPathTagLength: 8
  attributes:
    - {name: fixed, literal: {value: "1"}}
    - {name: colour, environment: {name: COLOUR}}
    - {name: token, environment: {name: API_TOKEN, defaultValue: hidden}}
    - {name: tenant, requestHeader: {name: X-Tenant, defaultValue: nobody}}
    - {name: absent, requestHeader: {name: X-Absent}}
    - {name: route, metadata: {kind: Route, metadataKey: {key: dev.kgateway.route_source, path: [{key: name}]}}}
"""))
    headers, _ = seen(gateway, "/a/long/path?q=1", X_Tenant="acme", User_Agent="me")
    span = spans(collector, 1)[0]
    assert span.text(5) == "ingress" and span.number(6) == 2 and not span.hex(4), span.fields
    version, trace, parent, flags = headers["traceparent"][0].split("-")
    assert (version, trace, parent, flags) == ("00", span.hex(1), span.hex(2), "01"), headers
    assert span.number(16) == 0x101 and span.number(8) >= span.number(7) > 1.6e18
    assert span.resource["service.name"] == "shop" and span.resource["service.namespace"] == "prod", span.resource
    tags = span.attributes(9)
    expected = {"component": "proxy", "http.method": "GET", "http.status_code": "200", "response_flags": "-", "http.protocol": "HTTP/1.1",
                "http.url": f"http://127.0.0.1:{gateway.port}/a/long/", "peer.address": "127.0.0.1", "user_agent": "me", "request_size": "0",
                "upstream_cluster": "kube_default_echo_80", "node_id": "g.default", "zone": "", "downstream_cluster": "-",
                "fixed": "1", "colour": "green", "token": "hidden", "tenant": "acme", "route": "route"}
    assert {k: tags.get(k) for k in expected} == expected, tags
    assert "absent" not in tags and "error" not in tags, tags
    request_id = headers["x-request-id"][0]
    assert tags["guid:x-request-id"] == request_id and request_id[14] == "9", request_id
    # What is not UTF-8 would make the collector refuse all that comes with it.
    assert get(gateway.port, "/", headers={"X-Tenant": "caf\xe9"})[0] == 200
    assert spans(collector, 2)[1].attributes(9)["tenant"] == "caf!"
    wait_for(lambda: b"envoy_tracing_opentelemetry_spans_sent" in get(gateway.metrics, "/metrics")[2], "it is counted")


def the_clients_trace_goes_on(gateway):
    collector = GrpcCollector()
    served(gateway, collector, traced("  verbose: true\n"))
    headers, _ = seen(gateway, traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=b", baggage="k=v", b3="0")
    span = spans(collector, 1)[0]
    assert (span.hex(1), span.hex(4), span.text(3)) == (TRACE, PARENT, "a=b"), span.fields
    assert span.number(16) == 0x301
    assert headers["traceparent"] == [f"00-{TRACE}-{span.hex(2)}-01"], headers
    assert (headers["tracestate"], headers["baggage"], headers["b3"]) == (["a=b"], ["k=v"], ["0"]), headers
    names = [fields(one)[2][0].decode() for one in span.fields[11]]
    assert names[0] == "request headers" and "last downstream tx byte" in names, names
    # Who calls has decided against it: the ids go on, nothing is recorded.
    headers, _ = seen(gateway, traceparent=f"00-{TRACE}-{PARENT}-00")
    assert headers["traceparent"][0].startswith(f"00-{TRACE}-") and headers["traceparent"][0].endswith("-00"), headers
    # What is malformed is left alone.
    for wrong in (f"00-{TRACE}-{PARENT}-0", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", "x"):
        assert seen(gateway, traceparent=wrong)[0]["traceparent"] == [wrong]
    headers, _ = seen(gateway, traceparent=f"01-{TRACE}-{PARENT}-01-later")
    assert headers["traceparent"][0].startswith(f"00-{TRACE}-"), headers
    assert len(spans(collector, 2)) == 2


def sampling_is_what_the_policies_say(gateway):
    collector = GrpcCollector()
    served(gateway, collector, traced("  randomSampling: 0\n"))
    headers, _ = seen(gateway)
    assert headers["traceparent"][0].endswith("-00") and headers["x-request-id"][0][14] == "4", headers
    headers, answer = seen(gateway, x_client_trace_id="me")
    assert headers["traceparent"][0].endswith("-01"), headers
    assert answer["x-request-id"] == headers["x-request-id"][0] and answer["x-request-id"][14] == "b", answer
    assert spans(collector, 1)[0].attributes(9)["guid:x-client-trace-id"] == "me"
    # A route decides for itself.
    def route(tracing):
        gateway.write("route-policy.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: r}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}}]
  tracing: {tracing}
""")
    route("{randomSampling: 100, attributes: [{name: own, literal: {value: yes}}]}".replace("yes", '"yes"'))
    wait_for(lambda: seen(gateway)[0]["traceparent"][0].endswith("-01"), "the route is sampled")
    wait_for(lambda: any(one.attributes(9).get("own") == "yes" for one in collector.records()), "its attribute is there")
    route("{disable: {}}")
    wait_for(lambda: seen(gateway, x_client_trace_id="me")[0]["traceparent"][0].endswith("-00"), "the route is not traced")


def each_attempt_has_a_span(gateway):
    collector = GrpcCollector()
    gateway.service("dead", 1)
    served(gateway, collector, traced("  spawnUpstreamSpan: true\n"),
           rules="    - {matches: [{path: {value: /dead}}], backendRefs: [{name: dead, port: 80}]}\n" + TO_ECHO)
    headers, _ = seen(gateway)
    assert get(gateway.port, "/dead")[0] in (502, 503)
    assert get(gateway.port, "/", host="other")[0] == 200
    found = spans(collector, 6)
    by_id = {one.hex(2): one for one in found}
    egress = by_id[headers["traceparent"][0].split("-")[2]]
    assert egress.text(5) == "router kube_default_echo_80 egress" and egress.number(6) == 3, egress.fields
    assert egress.attributes(9)["http.status_code"] == "200" and egress.attributes(9)["upstream_address"].startswith("127.0.0.1:")
    assert by_id[egress.hex(4)].text(5) == "ingress"
    failed = [one for one in found if one.text(5) == "router kube_default_dead_80 egress"][0]
    tags = failed.attributes(9)
    assert (tags["error"], tags["error.reason"], tags["response_flags"]) == ("true", "remote connection failure", "UF"), tags
    assert by_id[failed.hex(4)].attributes(9)["error"] == "true"
    assert fields(by_id[failed.hex(4)].fields[15][0])[3] == [2]


def a_collector_of_http_is_told_in_http(gateway):
    collector = HttpCollector([503, 429])
    served(gateway, collector, traced("", ', initialMetadata: [{key: Api-Key, value: k}], retryPolicy: {numRetries: 3, retryBackOff: {baseInterval: 20ms}}'), "http")
    seen(gateway)
    span = spans(collector, 1)[0]
    assert span.resource["service.name"] == "shop" and collector.paths == ["/v1/traces"] * 3, collector.paths
    assert collector.headers[0]["content-type"] == "application/x-protobuf" and collector.headers[0]["api-key"] == "k", collector.headers
    dump = get(gateway.admin, "/config_dump")[2].decode()
    assert '"k"' not in dump, "a secret is in the dump"


LOGS = """accessLog:
  - openTelemetry:
      grpcService: {backendRef: {name: collector, port: 80}, logName: main}
      body: "%REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-ABSENT)%"
      attributes: {values: [{key: path, value: {stringValue: "%REQ(:PATH)%"}}, {key: list, value: {arrayValue: [{stringValue: a}, {stringValue: "%PROTOCOL%"}]}}]}
    filter: {statusCodeFilter: {op: GE, value: 200}}
"""


def log_entries_go_to_a_collector(gateway):
    collector = GrpcCollector()
    served(gateway, collector, LOGS + traced())
    seen(gateway, "/x")
    wait_for(lambda: len(collector.records()) == 2, "an entry and a span")
    log = next(one for one in collector.records() if "log_name" in one.resource)
    span = next(one for one in collector.records() if "log_name" not in one.resource)
    assert log.resource["log_name"] == "main" and log.resource["node_name"] == "g.default", log.resource
    assert fields(log.fields[5][0])[1] == [b"GET 200 -"], log.fields
    assert log.attributes(6) == {"path": "/x", "list": ["a", "HTTP/1.1"]}, log.attributes(6)
    assert (log.hex(9), log.hex(10)) == (span.hex(1), span.hex(2))
    # What is known when the process ends goes out before that.
    get(gateway.port, "/last")
    assert gateway.terminate() == 0
    assert any(one.attributes(6)["path"] == "/last" for one in collector.records() if "log_name" in one.resource), "the last entry is lost"


def log_entries_go_to_envoys_service(gateway):
    collector = GrpcCollector()
    served(gateway, collector, """accessLog:
  - grpcService:
      backendRef: {name: collector, port: 80}
      logName: als
      additionalRequestHeadersToLog: [X-Tenant]
""")
    seen(gateway, "/x", X_Tenant="acme")
    wait_for(lambda: collector.requests, "an entry comes")
    message = fields(collector.requests[0])
    identifier = fields(message[1][0])
    assert identifier[2] == [b"als"] and fields(identifier[1][0])[1] == [b"g.default"], identifier
    entry = fields(fields(message[2][0])[1][0])
    request = fields(entry[3][0])
    assert (request[1], request[5]) == ([1], [b"/x"]), request
    assert fields(request[13][0]) == {1: [b"x-tenant"], 2: [b"acme"]}, request
    assert fields(fields(entry[4][0])[1][0])[1] == [200], entry
    common = fields(entry[1][0])
    assert common[15] == [b"kube_default_echo_80"] and common[33] == [6], common


def timed(gateway, count=200):
    start = time.monotonic()
    for _ in range(count):
        assert get(gateway.port, "/")[0] == 200
    return time.monotonic() - start


def a_collector_that_is_no_good_does_not_hold_traffic_back(gateway):
    for collector in (None, GrpcCollector(status=None), GarbageCollector(), GrpcCollector(status=3)):
        port = 1
        if collector:
            gateway.backends.append(collector)
            port = collector.port
        gateway.service("collector", port)
        if not gateway.process:
            policy(gateway, traced("", ", timeout: 100ms, retryPolicy: {numRetries: 1, retryBackOff: {baseInterval: 10ms}}"))
            gateway.backend()
            gateway.route(TO_ECHO)
            gateway.start()
        before = dropped(gateway)
        assert timed(gateway) < 5
        wait_for(lambda: dropped(gateway) > before, "what cannot be sent is dropped and counted")
        if collector:
            wait_for(lambda: collector.calls, "the collector is tried")


def dropped(gateway):
    for line in get(gateway.metrics, "/metrics")[2].decode().splitlines():
        if line.startswith('tidegate_telemetry_items_dropped_total{sink="traces/'):
            return int(float(line.split()[-1]))
    return 0


def a_collector_that_is_not_there_makes_the_policy_invalid(gateway):
    policy(gateway, traced())
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    assert get(gateway.port, "/")[0] == 200
    one = gateway.object("listenerpolicies", "p", "apis/gateway.kgateway.dev/v1alpha1")
    accepted = gateway.condition(one["status"]["ancestors"][0]["conditions"], "Accepted")
    assert accepted["status"] == "False" and "collector" in accepted["message"], accepted


if __name__ == "__main__":
    sys.exit(1 if main([
        an_exchange_has_a_span,
        the_clients_trace_goes_on,
        sampling_is_what_the_policies_say,
        each_attempt_has_a_span,
        a_collector_of_http_is_told_in_http,
        log_entries_go_to_a_collector,
        log_entries_go_to_envoys_service,
        a_collector_that_is_no_good_does_not_hold_traffic_back,
        a_collector_that_is_not_there_makes_the_policy_invalid,
    ], sys.argv[1]) else 0)
