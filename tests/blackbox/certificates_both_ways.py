"""Who must show a certificate to whom: BackendTLSPolicy, the Gateway's own certificate, clients'. Usage: certificates_both_ways.py BINARY"""
import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody, subject  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"


def tls_backend(gateway, certificate, clients=None):
    """HTTP over TLS; answers with the SNI and the client certificate's name that it saw."""
    context = certificate.server_context(clients)
    seen = {}
    context.sni_callback = lambda connection, name, _: seen.__setitem__(id(connection), name)

    def script(peer, number):
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(peer, server_side=True) as secure:
            while True:
                upstream.head(secure)
                shown = subject(secure) if secure.getpeercert(True) else "nobody"
                body = f"{next(iter(seen.values()), '')} {shown}".encode()
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)


def policy(gateway, hostname, authority="ca", more="", name="policy"):
    gateway.write(f"{name}.yaml", f"""apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: "", kind: Service, name: echo}}]
  validation:
    hostname: {hostname}
    caCertificateRefs: [{{group: "", kind: ConfigMap, name: {authority}}}]
{more}""")


def ancestor(gateway, name="policy"):
    found = gateway.object("backendtlspolicies", name)
    ancestors = (found or {}).get("status", {}).get("ancestors")
    return ancestors[0]["conditions"] if ancestors else []


def accepted(gateway, name="policy"):
    return gateway.condition(ancestor(gateway, name), "Accepted")["reason"]


def a_backend_must_have_the_name_and_the_authority_of_its_policy(gateway):
    folder = gateway.config.parent
    authority, other = Certificate(folder, "authority"), Certificate(folder, "other")
    authority.config_map(gateway, "ca")
    other.config_map(gateway, "other")
    tls_backend(gateway, Certificate(folder, "backend.example.com", authority, san="DNS:backend.example.com,URI:spiffe://a/b"))
    gateway.route(TO_ECHO)
    policy(gateway, "backend.example.com")
    gateway.start()
    status, _, body = get(gateway.port, "/")
    assert (status, body) == (200, b"backend.example.com nobody"), (status, body)
    assert accepted(gateway) == "Accepted"

    uri = "    subjectAltNames: [{type: URI, uri: 'spiffe://a/b'}]\n"
    for hostname, ca, more, expected in [
            ("wrong.example.com", "ca", "", 502), ("backend.example.com", "other", "", 502), ("backend.example.com", "ca", "", 200),
            ("any.example.com", "ca", uri, 200), ("any.example.com", "ca", uri.replace("a/b", "a/c"), 502),
            ("backend.example.com", "missing", "", 503), ("backend.example.com", "ca", "    surprise: 1\n", 200)]:
        policy(gateway, hostname, ca, more)
        gateway.wait_for_route(status=expected)
    # A policy that is not valid does not open the way in the clear.
    policy(gateway, "'*.example.com'")
    gateway.wait_for_route(status=503)
    policy(gateway, "backend.example.com")
    gateway.wait_for_route(status=200)
    text = (gateway.config / "policy.yaml").read_text()  # also where it names more than it may
    gateway.write("policy.yaml", text.replace("name: echo}", "name: echo}" + "".join(f", {{group: '', kind: Service, name: other{i}}}" for i in range(16))))
    gateway.wait_for_route(status=503)
    policy(gateway, "backend.example.com", "missing")
    wait_for(lambda: accepted(gateway) == "NoValidCACertificate", "the status says why")
    policy(gateway, "backend.example.com")
    policy(gateway, "backend.example.com", name="younger")
    wait_for(lambda: accepted(gateway, "younger") == "Conflicted", "the younger one is told")
    gateway.wait_for_route(status=200)


def a_name_with_a_zero_byte_is_another_name(gateway):
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    names = b"".join(bytes([0x80 | kind, len(name)]) + name for kind, name in (
        (2, b"good.example.com"), (2, b"backend.example.com\0.evil.com"), (2, b"\0"), (6, b"spiffe://a/b\0c"), (6, b"spiffe://good")))
    san = "DER:" + (bytes([0x30, len(names)]) + names).hex()
    tls_backend(gateway, Certificate(folder, "zero", authority, san=san))
    gateway.route(TO_ECHO)
    policy(gateway, "good.example.com")
    gateway.start()
    uri = "    subjectAltNames: [{{type: URI, uri: '{}'}}]\n"
    for hostname, more, expected in [("good.example.com", "", 200), ("backend.example.com", "", 502), ("any.example.com", uri.format("spiffe://good"), 200),
                                     ("any.example.com", uri.format("spiffe://a/b"), 502), ("good.example.com", "", 200)]:
        policy(gateway, hostname, more=more)
        gateway.wait_for_route(status=expected)


def a_common_name_is_no_name(gateway):
    """RFC 9525 section 2: names are SANs, also where there is none."""
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    tls_backend(gateway, Certificate(folder, "backend.example.com", authority, san="email:x@backend.example.com,URI:spiffe://a/b"))
    gateway.route(TO_ECHO)
    policy(gateway, "any.example.com", more="    subjectAltNames: [{type: URI, uri: 'spiffe://a/b'}]\n")
    gateway.start()
    gateway.wait_for_route(status=200)
    policy(gateway, "backend.example.com")
    gateway.wait_for_route(status=502)


def a_gateway_shows_its_certificate_to_backends(gateway):
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    tls_backend(gateway, Certificate(folder, "backend.example.com", authority), clients=authority)
    Certificate(folder, "gateway.example.com", authority).secret(gateway, "own")
    gateway.route(TO_ECHO)
    policy(gateway, "backend.example.com")
    gateway.start()
    gateway.wait_for_route(status=502)
    gateway.write("gateway.yaml", gateway.gateway_yaml("  tls: {backend: {clientCertificateRef: {name: own}}}\n"))
    gateway.wait_for_route(status=200)
    assert get(gateway.port, "/")[2].endswith(b" gateway.example.com")
    # Renewed under the same name: connections that are made from now on show the new one.
    Certificate(folder, "renewed.example.com", authority).secret(gateway, "own")
    wait_for(lambda: get(gateway.port, "/")[2].endswith(b" renewed.example.com"), "the renewed certificate is shown")


def a_gateway_shows_its_certificate_to_services_of_policies(gateway):
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    tls_backend(gateway, Certificate(folder, "backend.example.com", authority), clients=authority)  # Service echo: it allows all
    Certificate(folder, "gateway.example.com", authority).secret(gateway, "own")
    policy(gateway, "backend.example.com")
    gateway.backend("app")
    gateway.write("auth.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayExtension
metadata: {name: auth}
spec: {extAuth: {httpService: {backendRef: {name: echo, port: 80}}}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: auth}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  extAuth: {extensionRef: {name: auth}}
""")
    gateway.route("    - backendRefs: [{name: app, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route(status=403)  # the handshake fails, and who asks is not let in
    gateway.write("gateway.yaml", gateway.gateway_yaml("  tls: {backend: {clientCertificateRef: {name: own}}}\n"))
    gateway.wait_for_route(status=200)
    assert accepted(gateway) == "Accepted"


def https(port, context):
    """What a GET is answered with; empty where the handshake fails (TLS 1.3 tells a client when it reads)."""
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="a.example.com") as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n")
            out = b""
            while data := peer.recv(65536):
                out += data
            return out[:12]
    except (ssl.SSLError, ConnectionError):
        return b""


def clients_must_show_a_certificate_where_the_gateway_says_so(gateway):
    folder = gateway.config.parent
    authority, other = Certificate(folder, "authority"), Certificate(folder, "other")
    authority.config_map(gateway, "ca")
    good = Certificate(folder, "good", authority).client_context
    bad = Certificate(folder, "bad", other).client_context
    Certificate(folder, "a.example.com").secret(gateway, "s")
    gateway.backend()
    gateway.route(TO_ECHO)
    first, second = free_port(), free_port()
    listeners = "".join(f"    - {{name: tls{port}, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"
                        for port in (first, second))

    def tls(validation):
        gateway.write("gateway.yaml", gateway.gateway_yaml(listeners + f"""  tls:
    frontend:
      default: {{validation: {{{validation}}}}}
      perPort: [{{port: {second}, tls: {{}}}}]
"""))
    ca = "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]"
    tls(ca)
    gateway.start()
    ok = b"HTTP/1.1 200"
    assert https(first, good()) == ok and https(first, bad()) == b"" and https(first, anybody()) == b""
    assert https(second, anybody()) == ok  # its port says: no validation
    with contextlib.ExitStack() as kept:
        def connect(port, context):
            peer = kept.enter_context(context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="a.example.com"))
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n")
            assert peer.recv(65536).startswith(ok)
            return peer
        shown, other = connect(first, good()), connect(second, anybody())
        tls(ca + ", mode: AllowInsecureFallback")
        wait_for(lambda: https(first, anybody()) == ok and https(first, bad()) == ok, "everybody is let in")
        nothing = connect(first, anybody())
        tls(ca)
        wait_for(lambda: https(first, anybody()) == b"", "a certificate is demanded again")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert nothing.recv(65536) == b"", "who has shown none may not go on"
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert shown.recv(65536) == b"", "nor who has shown one when the demand was another"
        other.sendall(b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n")
        assert other.recv(65536).startswith(ok), "nobody else is bothered"
    tls(ca + ", mode: AllowInsecureFallback")
    wait_for(lambda: https(first, anybody()) == ok and https(first, bad()) == ok, "everybody is let in")
    conditions = gateway.object("gateways", "g")["status"]["conditions"]
    assert gateway.condition(conditions, "InsecureFrontendValidationMode")["status"] == "True", conditions
    # An authority that is not there closes the listener, and no other.
    tls(ca.replace("name: ca", "name: missing"))

    def refused():
        with contextlib.suppress(OSError):
            return https(first, good()) == b""
        return True
    wait_for(refused, "the listener is closed")
    assert https(second, anybody()) == ok and get(gateway.port, "/")[0] == 200


def listener_sets_join_a_gateway_and_leave_it(gateway):
    gateway.backend()
    port = free_port()
    allow = "  allowedListeners: {namespaces: {from: Same}}\n"
    gateway.write("gateway.yaml", gateway.gateway_yaml(allow))
    gateway.write("set.yaml", f"""apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: more}}
spec:
  parentRef: {{name: g}}
  listeners: [{{name: extra, protocol: HTTP, port: {port}}}, {{name: taken, protocol: HTTP, port: {gateway.port}}}]
""")
    gateway.write("route.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route}
spec:
  parentRefs: [{kind: ListenerSet, name: more}]
  rules:
""" + TO_ECHO)
    gateway.start()
    assert get(port, "/")[0] == 200 and get(gateway.port, "/")[0] == 404
    shown = gateway.object("listenersets", "more")["status"]
    assert gateway.condition(shown["conditions"], "Programmed")["status"] == "True", shown
    by_name = {one["name"]: one for one in shown["listeners"]}
    assert gateway.condition(by_name["taken"]["conditions"], "Accepted")["reason"] == "HostnameConflict", by_name
    assert by_name["extra"]["attachedRoutes"] == 1
    gateway.write("gateway.yaml", gateway.gateway_yaml())

    def closed():
        try:
            get(port, "/")
        except ConnectionError:
            return True
    wait_for(closed, "the Gateway allows it no more, so its port is closed")
    shown = gateway.object("listenersets", "more")["status"]
    assert gateway.condition(shown["conditions"], "Accepted")["reason"] == "NotAllowed", shown


def files_of_the_proxys_machine_are_read_and_followed(gateway):
    folder = gateway.config.parent
    disk = folder / "disk"
    disk.mkdir()
    authority, other = Certificate(folder, "authority"), Certificate(folder, "other")
    tls_backend(gateway, Certificate(folder, "backend.example.com", authority), clients=authority)
    first = Certificate(folder, "first.example.com", authority)

    def put(name, source):
        """Whole, as a tool that renews certificates does."""
        shutil.copy(source, disk / ("." + name))
        os.replace(disk / ("." + name), disk / name)

    def said():
        shown = gateway.object("backendconfigpolicies", "files", "apis/gateway.kgateway.dev/v1alpha1")["status"]["ancestors"][0]["conditions"]
        return gateway.condition(shown, "Accepted")
    gateway.write("files.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata: {{name: files}}
spec:
  targetRefs: [{{group: "", kind: Service, name: echo}}]
  tls:
    sni: backend.example.com
    verifySubjectAltNames: [backend.example.com]
    files: {{tlsCertificate: {disk}/tls.crt, tlsKey: {disk}/tls.key, rootCA: {disk}/ca.crt}}
""")
    gateway.route(TO_ECHO)
    gateway.start()
    # Nothing is there yet: nothing goes out in the clear.
    assert get(gateway.port, "/")[0] == 503 and f"{disk}/ca.crt cannot be read: No such file" in said()["message"], said()
    for name, source in (("ca.crt", authority.chain), ("tls.crt", first.chain), ("tls.key", first.key)):
        put(name, source)
    gateway.wait_for_route(status=200)
    assert get(gateway.port, "/")[2] == b"backend.example.com first.example.com" and said()["status"] == "True"
    # Renewed on the disk.
    second = Certificate(folder, "second.example.com", authority)
    put("tls.crt", second.chain)
    wait_for(lambda: "does not belong to" in said()["message"], "the two do not fit for a moment")
    put("tls.key", second.key)
    wait_for(lambda: get(gateway.port, "/")[2].endswith(b" second.example.com"), "the renewed certificate is shown")
    put("ca.crt", other.chain)
    gateway.wait_for_route(status=502)
    # What is no certificate is said by the file's name, and nothing of what is in it.
    (disk / "secret").write_text("swordfish")
    put("ca.crt", disk / "secret")
    gateway.wait_for_route(status=503)
    wait_for(lambda: said()["message"] == f"file {disk}/ca.crt is no PEM certificate", "the status names the file")
    (disk / "ca.crt").unlink()
    os.mkfifo(disk / "ca.crt")
    wait_for(lambda: "no regular file" in said()["message"], "a pipe is not waited for")
    dump = get(gateway.admin, "/config_dump")[2].decode() + gateway.log()
    key = second.key.read_text().splitlines()[1]
    assert key not in dump and "swordfish" not in dump


TESTS = [files_of_the_proxys_machine_are_read_and_followed, a_backend_must_have_the_name_and_the_authority_of_its_policy, a_name_with_a_zero_byte_is_another_name, a_common_name_is_no_name, a_gateway_shows_its_certificate_to_backends,
         a_gateway_shows_its_certificate_to_services_of_policies,
         clients_must_show_a_certificate_where_the_gateway_says_so, listener_sets_join_a_gateway_and_leave_it]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
