"""ListenerPolicy from a client's side: who it is, what is logged, what is answered here. Usage: listener_options.py BINARY"""
import contextlib
import json
import pathlib
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from certificates import Certificate, anybody  # noqa: E402
from gateway import free_port, get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

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
    - filter: {durationFilter: {op: LE, value: 60000}}
      headers: {set: [{name: x-why, value: quick}]}
  defaultBodyFormat: {json: {code: "%RESPONSE_CODE%", why: "%LOCAL_REPLY_BODY%", details: "%RESPONSE_CODE_DETAILS%"}}""")
    gateway.backend()
    gateway.route("    - {matches: [{path: {value: /gone}}], backendRefs: [{name: absent, port: 80}]}\n" + TO_ECHO,
                  hostnames="www.example.com")
    gateway.start()
    status, headers, body = get(gateway.port, "/", "other")
    assert (status, headers["content-type"], body) == (410, "application/json", b'{"code":410,"details":"route_not_found","why":"gone"}\n'), (status, headers, body)
    status, headers, body = get(gateway.port, "/gone", "www.example.com")
    assert (status, headers["x-why"]) == (500, "quick") and b"cluster_not_found" in body, (status, headers, body)


def timeouts_end_what_does_not_move(gateway):
    http(gateway, "streamIdleTimeout: 300ms\nidleTimeout: 300ms")
    served(gateway)
    assert get(gateway.port, "/?delay=5000")[0] == 504
    assert raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", until_closed=True).startswith(b"HTTP/1.1 200")


def a_rule_may_be_more_patient_than_its_listener(gateway):
    http(gateway, "streamIdleTimeout: 300ms")
    gateway.write("patient.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: patient}
spec: {timeouts: {streamIdle: 20s}}
""")
    gateway.backend()
    gateway.route("""    - matches: [{path: {value: /patient}}]
      filters: [{type: ExtensionRef, extensionRef: {group: gateway.kgateway.dev, kind: TrafficPolicy, name: patient}}]
      backendRefs: [{name: echo, port: 80}]
""" + TO_ECHO)
    gateway.start()

    def over_http1(path):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
            peer.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nfirst".encode())
            time.sleep(1)
            with contextlib.suppress(OSError):
                peer.sendall(b"other")
                return peer.recv(12)[9:].decode()
            return "closed"

    def over_http2(path):
        with h2.Client(gateway.port) as client:
            client.open(1, [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path)], end=False)
            client.send(h2.frame(h2.DATA, 0, 1, b"first"))
            time.sleep(1)
            client.send(h2.frame(h2.DATA, h2.END_STREAM, 1, b"other"))
            return client.outcome(1)

    for ask in (over_http1, over_http2):
        assert ask("/patient") == "200", ask
        assert ask("/") != "200", ask


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


def policies_by_address_go_by_the_client_that_is_believed(gateway):
    http(gateway, "xffNumTrustedHops: 1")
    gateway.write("acl.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: acl}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]
  acl: {defaultAction: deny, rules: [{action: allow, cidrs: [192.0.2.0/24]}]}
""")
    served(gateway)

    def status(forwarded_for):
        return get(gateway.port, "/", headers={"X-Forwarded-For": forwarded_for} if forwarded_for else {})[0]
    assert status("192.0.2.9") == 200
    assert status("192.0.2.9, 203.0.113.1") == 403, "what stands before the trusted hop's word is the client's own"
    assert status("") == status("nobody") == 403, "then it is the peer"


def the_health_check_path_follows_the_admin_port(gateway):
    http(gateway, "healthCheck: {path: /check/healthz}")
    served(gateway)
    assert get(gateway.port, "/check/healthz")[0] == 200
    get(gateway.admin, "/healthcheck/fail", method="POST")
    wait_for(lambda: get(gateway.port, "/check/healthz")[0] == 503, "the path fails")
    assert get(gateway.port, "/check/healthz")[1]["x-envoy-immediate-health-check-fail"] == "true"
    assert get(gateway.port, "/")[0] == 200
    get(gateway.admin, "/healthcheck/ok", method="POST")
    wait_for(lambda: get(gateway.port, "/check/healthz")[0] == 200, "the path is well again")


def heads_have_the_policys_limits(gateway):
    http(gateway, "maxHeadersCount: 5\nmaxRequestHeadersKb: 2")
    served(gateway)
    three = b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\n"
    assert raw(gateway.port, three + b"\r\n").startswith(b"HTTP/1.1 200")
    assert raw(gateway.port, three + b"X-1: a\r\nX-2: b\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert raw(gateway.port, three + b"X-1: a\r\nX-2: b\r\nX-3: c\r\n\r\n").startswith(b"HTTP/1.1 431")
    assert raw(gateway.port, three + b"X-1: " + 3000 * b"a" + b"\r\n\r\n").startswith(b"HTTP/1.1 431")


def large_heads_are_taken_where_a_policy_allows_them(gateway):
    http(gateway, "maxRequestHeadersKb: 256")
    bodies = []

    def script(peer, number):
        while True:
            head, body = upstream.head(peer)
            while b"content-length: 5\r\n" in head.lower() + b"\r\n" and len(body) < 5:
                body += peer.recv(65536)
            bodies.append(body)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.start()
    large = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Large: " + 200_000 * b"x" + b"\r\n\r\nabcde"
    small = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
    last = small.replace(b"/small", b"/last").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = raw(gateway.port, small + large + small + large + last, until_closed=True)
    assert answer.count(b"HTTP/1.1 200") == 5, answer
    sizes = [len(head) > 200_000 for head in upstream.heads]
    assert sizes == [False, True, False, True, False] and bodies == [b"", b"abcde", b"", b"abcde", b""], (sizes, bodies)
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:  # in pieces, the body later
        for at in range(0, len(large) - 5, 50_021):
            peer.sendall(large[at:min(at + 50_021, len(large) - 5)])
        peer.sendall(b"abcde")
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
    assert bodies[-1] == b"abcde", bodies
    path = b"GET /" + 100_000 * b"p" + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    assert raw(gateway.port, path).startswith(b"HTTP/1.1 200")
    assert raw(gateway.port, large.replace(b"X-Large: ", b"X-Large: " + 80_000 * b"y")).startswith(b"HTTP/1.1 431")


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def integer(value, first=0, bits=7):
    """Source: RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes([*out, value])


def large_heads_come_over_http2_too(gateway):
    http(gateway, "maxRequestHeadersKb: 1024")
    upstream = ScriptedUpstream(lambda peer, number: (upstream.head(peer), peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")))
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.start()
    block = b"\x82\x86\x84\x41\x01a"  # GET http / a
    for i in range(10):
        block += b"\x00\x03x-" + str(i).encode() + integer(50_000) + 50_000 * b"y"
    pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
    data = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    for i, piece in enumerate(pieces):
        data += frame(9 if i else 1, (4 if i == len(pieces) - 1 else 0) | (0 if i else 1), 1, piece)
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.settimeout(5)
        peer.sendall(data)
        answer = b""
        while b"\x89" not in answer:  # :status 204
            chunk = peer.recv(65536)
            assert chunk, answer
            answer += chunk
    assert len(upstream.heads[0]) > 500_000, len(upstream.heads[0])


def connect_is_no_way_out(gateway):
    http(gateway, "upgradeConfig: {enabledUpgrades: [websocket, CONNECT]}")
    served(gateway)
    answer = raw(gateway.port, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", until_closed=True)
    assert answer.startswith(b"HTTP/1.1 501") and answer.count(b"HTTP/1.1") == 1, answer
    assert "CONNECT is answered with 501" in gateway.log(), gateway.log()


def a_port_that_listeners_share_trusts_no_more_than_each_of_them(gateway):
    log = gateway.config.with_name("clients")
    more = f"    - {{name: careful, protocol: HTTP, port: {gateway.port}, hostname: careful.example.com}}\n"
    gateway.write("gateway.yaml", gateway.gateway_yaml(more))
    gateway.write("p.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: g, sectionName: http}}]
  default:
    httpSettings:
      xffNumTrustedHops: 1
      accessLog: [{{fileSink: {{path: {log}, stringFormat: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\\n"}}}}]
""")
    served(gateway)
    seen(gateway, x_forwarded_for="198.51.100.1, 192.0.2.9")
    assert wait_for(log.read_text, "the line is there") == "127.0.0.1\n", log.read_text()
    status = gateway.object("listenerpolicies", "p", "apis/gateway.kgateway.dev/v1alpha1")["status"]
    lost = gateway.condition(status["ancestors"][0]["conditions"], "Overridden")
    assert lost["status"] == "True" and lost["reason"] == "Conflicted" and "listener careful" in lost["message"], status
    assert "shares port" in gateway.log(), gateway.log()
    gateway.write("gateway.yaml", gateway.gateway_yaml())  # alone it is believed again

    def believed():
        seen(gateway, x_forwarded_for="198.51.100.1, 192.0.2.9")
        return "192.0.2.9\n" in log.read_text()
    wait_for(believed, "the policy holds when the port is its own")


def http2_has_the_policys_windows(gateway):
    http(gateway, "http2ProtocolOptions: {initialStreamWindowSize: 128Ki, maxConcurrentStreams: 100, allowConnect: false}")
    served(gateway)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        stream = peer.makefile("rb")
        head = stream.read(9)
        assert head[3] == 4, head
        size = int.from_bytes(head[:3], "big")
        settings = dict(struct.iter_unpack("!HI", stream.read(size)))
    assert settings[3] == 100 and settings[4] == 131072 and settings.get(8, 0) == 0, settings


def ports_of_hosts_are_taken_off(gateway):
    http(gateway, "stripHostPortMode: MatchingPort")
    served(gateway)

    def host(asked):
        return json.loads(get(gateway.port, "/", asked)[2])["host"]
    assert host(f"www.example.com:{gateway.port}") == "www.example.com"
    assert host("www.example.com:9999") == "www.example.com:9999"


def a_request_id_from_outside_may_be_refused(gateway):
    http(gateway, "preserveExternalRequestId: false\nxffNumTrustedHops: 1")
    served(gateway)
    assert seen(gateway, x_request_id="mine", x_forwarded_for="192.0.2.1")["x-request-id"] != ["mine"]
    http(gateway, "generateRequestId: false")
    wait_for(lambda: "x-request-id" not in seen(gateway), "no id is made")
    assert seen(gateway, x_request_id="mine")["x-request-id"] == ["mine"]


def https(port, context):
    """The status line, and the fields that the backend saw; empty where no connection comes about."""
    with contextlib.suppress(ssl.SSLError, OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="a.example.com") as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a.example.com\r\nX-Forwarded-Client-Cert: Hash=forged\r\n"
                         b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: peer.recv(65536), b""))
            head, _, body = answer.partition(b"\r\n\r\n")
            return head[:12], json.loads(body)["headers"] if body else {}
    return b"", {}


def clients_show_the_certificates_that_a_policy_wants(gateway):
    folder = gateway.config.parent
    authority, other = Certificate(folder, "authority"), Certificate(folder, "other")
    authority.config_map(gateway, "ca")
    good = Certificate(folder, "good", authority).client_context
    bad = Certificate(folder, "bad", other).client_context
    Certificate(folder, "a.example.com").secret(gateway, "s")
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: https, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"))

    def wanted(mode, name="ca"):
        policy(gateway, f"""  default:
    clientCertificateValidation: {{mode: {mode}, caCertificateRefs: [{{group: "", kind: ConfigMap, name: {name}}}]}}
    httpSettings:
      forwardClientCertDetails: {{mode: SanitizeSet, details: {{subject: true, dns: true}}}}
""")
    wanted("Require")
    served(gateway)
    status, headers = https(port, good())
    forwarded = headers["x-forwarded-client-cert"][0]
    assert status == b"HTTP/1.1 200" and forwarded.endswith(";Subject=\"CN=good\";DNS=good"), (status, forwarded)
    assert forwarded.startswith("Hash=") and "forged" not in forwarded
    assert https(port, anybody())[0] == https(port, bad())[0] == b""

    wanted("Optional")
    wait_for(lambda: https(port, anybody())[0] == b"HTTP/1.1 200", "nobody has to show one")
    assert "x-forwarded-client-cert" not in https(port, anybody())[1]
    assert https(port, good())[0] == b"HTTP/1.1 200" and https(port, bad())[0] == b""

    # An authority that is not there closes the listener, and no other.
    wanted("Optional", "missing")
    wait_for(lambda: https(port, anybody())[0] == b"", "the listener is closed")
    assert https(port, good())[0] == b"" and get(gateway.port, "/")[0] == 200
    listeners = gateway.object("gateways", "g")["status"]["listeners"]
    closed = gateway.condition(next(one for one in listeners if one["name"] == "https")["conditions"], "Accepted")
    assert closed["reason"] == "NoValidCACertificate", closed


def a_listener_that_gives_tls_up_ends_who_is_not_that_far(gateway):
    """Of its PROXY header, or its handshake: that connection began where TLS was demanded."""
    port = free_port()
    Certificate(gateway.config.parent, "a.example.com").secret(gateway, "s")
    https = f"    - {{name: other, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"
    policy(gateway, "  default: {proxyProtocol: {}}\n")
    gateway.write("gateway.yaml", gateway.gateway_yaml(https))
    served(gateway)
    header = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 5) as early, socket.create_connection(("127.0.0.1", port), 5) as later:
        early.sendall(header[:10])
        later.sendall(header)
        gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: other, protocol: HTTP, port: {port}}}\n"))

        def plain():
            with contextlib.suppress(OSError):
                return b" 200 " in raw(port, header + request)
        wait_for(plain, "the port speaks plain HTTP")
        for peer, rest in ((early, header[10:]), (later, b"")):
            with contextlib.suppress(OSError):
                peer.sendall(rest + request)
                assert not peer.recv(4096).startswith(b"HTTP/1.1 200"), "it was served without what its listener demanded"
    assert b" 200 " in raw(port, header + request)


def a_header_of_the_proxy_protocol_may_be_missing_where_that_is_allowed(gateway):
    policy(gateway, "  default: {proxyProtocol: {allowRequestsWithoutProxyProtocol: true}}\n")
    served(gateway)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert b'"192.0.2.7"' in raw(gateway.port, b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n" + request)
    assert raw(gateway.port, request).startswith(b"HTTP/1.1 200")


def a_forwarded_certificate_of_a_trusted_proxy_is_passed_on(gateway):
    http(gateway, "forwardClientCertDetails: {mode: AlwaysForwardOnly}")
    served(gateway)
    claim = "By=spiffe://cluster.local/ns/default/sa/backend;Hash=abc123"
    assert seen(gateway, x_forwarded_client_cert=claim)["x-forwarded-client-cert"] == [claim]
    http(gateway, "forwardClientCertDetails: {mode: ForwardOnly}")
    wait_for(lambda: "x-forwarded-client-cert" not in seen(gateway, x_forwarded_client_cert=claim), "not in the clear")


TESTS = [a_listener_that_gives_tls_up_ends_who_is_not_that_far, logs_go_to_files_with_formats_and_filters, a_wrong_format_makes_the_policy_invalid,
         the_client_is_found_behind_trusted_hops, requests_are_changed_and_answered_before_routing,
         local_replies_have_the_policys_form, timeouts_end_what_does_not_move,
         a_rule_may_be_more_patient_than_its_listener, the_proxy_protocol_names_the_client,
         a_port_has_its_own_settings, the_older_name_works_too,
         policies_by_address_go_by_the_client_that_is_believed, the_health_check_path_follows_the_admin_port,
         heads_have_the_policys_limits, large_heads_are_taken_where_a_policy_allows_them,
         large_heads_come_over_http2_too, connect_is_no_way_out,
         a_port_that_listeners_share_trusts_no_more_than_each_of_them, http2_has_the_policys_windows, ports_of_hosts_are_taken_off,
         a_request_id_from_outside_may_be_refused, clients_show_the_certificates_that_a_policy_wants,
         a_header_of_the_proxy_protocol_may_be_missing_where_that_is_allowed,
         a_forwarded_certificate_of_a_trusted_proxy_is_passed_on]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
