"""ListenerPolicy from a client's side: who it is, what is logged, what is answered here. Usage: listener_options.py BINARY"""
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"


def policy(gateway, default, kind="ListenerPolicy", name="p"):
    gateway.write(f"{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: {kind}
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: g}}]
{default}""")


def http(gateway, settings):
    policy(gateway, "  default:\n    httpSettings:\n" + "".join(f"      {line}\n" for line in settings.splitlines()))


def served(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()


def seen(gateway, **headers):
    return json.loads(get(gateway.port, "/", headers={k.replace("_", "-"): v for k, v in headers.items()})[2])["headers"]


def logs_go_to_files_with_formats_and_filters(gateway):
    text, errors = gateway.config.with_name("text"), gateway.config.with_name("errors")
    http(gateway, f"""accessLog:
  - fileSink: {{path: {text}, stringFormat: "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\\n"}}
  - fileSink: {{path: {errors}, jsonFormat: {{status: "%RESPONSE_CODE%", a: {{path: "%REQ(:PATH)%"}}}}}}
    filter: {{statusCodeFilter: {{op: GE, value: 500}}}}""")
    gateway.service("empty", 1)
    gateway.backend()
    gateway.route("    - {matches: [{path: {value: /gone}}], backendRefs: [{name: absent, port: 80}]}\n" + TO_ECHO)
    gateway.start()
    get(gateway.port, "/fine")
    get(gateway.port, "/gone")
    lines = wait_for(lambda: text.read_text().count("\n") == 2 and text.read_text(), "both lines are there")
    lines = sorted(lines.splitlines())  # two workers write
    assert lines == ["/fine 200 - via_upstream", "/gone 500 NC cluster_not_found"], lines
    assert errors.read_text() == '{"a":{"path":"/gone"},"status":500}\n', errors.read_text()
    raw(gateway.port, b"no request at all\r\n\r\n")
    wait_for(lambda: "- 400 DPE http1.codec_error" in text.read_text(), "what is no request has a line")


def a_wrong_format_makes_the_policy_invalid(gateway):
    http(gateway, "accessLog: [{fileSink: {path: /dev/null, stringFormat: \"%UPSTREAM_HOSTS%\"}}]")
    served(gateway)
    status = json.loads(get(gateway.admin, "/apis/gateway.kgateway.dev/v1alpha1/namespaces/default/listenerpolicies/p")[2])["status"]
    accepted = next(c for c in status["ancestors"][0]["conditions"] if c["type"] == "Accepted")
    assert accepted["status"] == "False" and "did you mean %UPSTREAM_HOST%?" in accepted["message"], accepted
    assert get(gateway.port, "/")[0] == 200


def the_client_is_found_behind_trusted_hops(gateway):
    log = gateway.config.with_name("clients")
    http(gateway, f"""xffNumTrustedHops: 1
accessLog: [{{fileSink: {{path: {log}, stringFormat: "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%\\n"}}}}]""")
    served(gateway)
    headers = seen(gateway, x_forwarded_for="198.51.100.1, 192.0.2.9", x_forwarded_proto="https")
    assert headers["x-forwarded-for"] == ["198.51.100.1, 192.0.2.9, 127.0.0.1"], headers
    assert headers["x-forwarded-proto"] == ["https"], headers
    line = wait_for(log.read_text, "the line is there")
    assert line == "192.0.2.9:0 127.0.0.1\n", line


def requests_are_changed_and_answered_before_routing(gateway):
    http(gateway, """healthCheck: {path: /healthz}
serverHeaderTransformation: Overwrite
stripHostPortMode: AnyPort
earlyRequestHeaderModifier: {remove: [x-internal], set: [{name: x-edge, value: "1"}]}
acceptHttp10: false
upgradeConfig: {enabledUpgrades: [other]}""")
    gateway.backend()
    gateway.route(TO_ECHO, hostnames="www.example.com")
    gateway.start()
    assert get(gateway.port, "/healthz", "nobody")[0] == 200
    status, headers, body = get(gateway.port, "/", "www.example.com:1234", headers={"x-internal": "forged"})
    assert status == 200 and headers["server"] == "envoy", headers
    backend = json.loads(body)["headers"]
    assert "x-internal" not in backend and backend["x-edge"] == ["1"], backend
    assert raw(gateway.port, b"GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n").startswith(b"HTTP/1.1 426")
    upgrade = b"GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert raw(gateway.port, upgrade).startswith(b"HTTP/1.1 403")


def local_replies_have_the_policys_form(gateway):
    http(gateway, """localReplies:
  mappers:
    - filter: {statusCodeFilter: {op: EQ, value: 404}}
      statusCode: 410
      body: gone
  defaultBodyFormat: {json: {code: "%RESPONSE_CODE%", why: "%LOCAL_REPLY_BODY%"}}""")
    gateway.backend()
    gateway.route(TO_ECHO, hostnames="www.example.com")
    gateway.start()
    status, headers, body = get(gateway.port, "/", "other")
    assert (status, headers["content-type"], body) == (410, "application/json", b'{"code":410,"why":"gone"}\n'), (status, headers, body)


def timeouts_end_what_does_not_move(gateway):
    http(gateway, "streamIdleTimeout: 300ms\nidleTimeout: 300ms")
    served(gateway)
    assert get(gateway.port, "/?delay=5000")[0] == 504
    assert raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", until_closed=True).startswith(b"HTTP/1.1 200")


def the_proxy_protocol_names_the_client(gateway):
    policy(gateway, "  default: {proxyProtocol: {}}\n")
    served(gateway)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = raw(gateway.port, b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n" + request)
    assert b'"192.0.2.7"' in answer, answer
    ends = socket.inet_aton("192.0.2.8") + socket.inet_aton("198.51.100.1") + b"\x12\x67\x00\x50"
    answer = raw(gateway.port, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + ends + request)
    assert b'"192.0.2.8"' in answer, answer
    assert raw(gateway.port, request, until_closed=True) == b"", "no header, no service"


def a_port_has_its_own_settings(gateway):
    policy(gateway, f"""  default: {{httpSettings: {{serverHeaderTransformation: Overwrite}}}}
  perPort: [{{port: {gateway.port}, listener: {{httpSettings: {{xffNumTrustedHops: 0}}}}}}]
""")
    served(gateway)
    assert "server" not in get(gateway.port, "/")[1] or get(gateway.port, "/")[1]["server"] != "envoy"


def the_older_name_works_too(gateway):
    policy(gateway, "  serverHeaderTransformation: Overwrite\n", kind="HTTPListenerPolicy")
    served(gateway)
    assert get(gateway.port, "/")[1]["server"] == "envoy"


TESTS = [logs_go_to_files_with_formats_and_filters, a_wrong_format_makes_the_policy_invalid,
         the_client_is_found_behind_trusted_hops, requests_are_changed_and_answered_before_routing,
         local_replies_have_the_policys_form, timeouts_end_what_does_not_move, the_proxy_protocol_names_the_client,
         a_port_has_its_own_settings, the_older_name_works_too]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
