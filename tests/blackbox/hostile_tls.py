"""Peers that try to get round TLS: sessions made elsewhere, renegotiation, bytes in the clear. Usage: hostile_tls.py BINARY"""
import contextlib
import ctypes
import ctypes.util
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"


def ask(port, context, session=None, name="a.example.com", host=None):
    """The first bytes of the answer, the session, and whether it was resumed; empty where the handshake fails."""
    try:
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with context.wrap_socket(plain, server_hostname=name, session=session) as peer:
            peer.sendall(f"GET / HTTP/1.1\r\nHost: {host or name}\r\nConnection: close\r\n\r\n".encode())
            out = b""
            while data := peer.recv(65536):
                out += data
            return out[:12], peer.session, peer.session_reused
    except (ssl.SSLError, ConnectionError):
        return b"", None, False


def a_session_made_without_a_certificate_does_not_stand_in_for_one(gateway):
    """CVE-2025-23419: a ticket of a listener that asks nobody, shown to one that asks for a certificate."""
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    Certificate(folder, "a.example.com").secret(gateway, "s")
    good = Certificate(folder, "good", authority).client_context
    gateway.backend()
    gateway.route(TO_ECHO)
    closed, open_port = free_port(), free_port()
    listeners = "".join(f"    - {{name: tls{port}, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n" for port in (closed, open_port))
    gateway.write("gateway.yaml", gateway.gateway_yaml(listeners + f"""  tls:
    frontend:
      default: {{validation: {{caCertificateRefs: [{{group: '', kind: ConfigMap, name: ca}}]}}}}
      perPort: [{{port: {open_port}, tls: {{}}}}]
"""))
    gateway.start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = anybody()
        context.minimum_version = context.maximum_version = version
        answer, session, _ = ask(open_port, context)
        assert answer == b"HTTP/1.1 200", (version, answer)
        assert ask(open_port, context, session)[0] == b"HTTP/1.1 200", version
        answer, _, resumed = ask(closed, context, session)
        assert answer == b"" and not resumed, (version, answer)
        # One who has shown a certificate may come back; its session opens no other door than its own.
        context = good()
        context.minimum_version = context.maximum_version = version
        answer, session, _ = ask(closed, context)
        assert answer == b"HTTP/1.1 200", (version, answer)
        assert ask(closed, context, session)[0] == b"HTTP/1.1 200", version


def by_name(gateway, *names, options=""):
    """Listeners for each of the names (empty: any) at one port, which comes back. `options` are the first one's."""
    gateway.backend()
    gateway.route(TO_ECHO)
    port, listeners = free_port(), ""
    for i, name in enumerate(names):
        Certificate(gateway.config.parent, name or "any.example.com").secret(gateway, f"s{i}")
        listeners += (f"    - {{name: tls{i}, protocol: HTTPS, port: {port}, {f'hostname: {name}, ' if name else ''}"
                      f"tls: {{certificateRefs: [{{name: s{i}}}]{options if i == 0 else ''}}}}}\n")
    gateway.write("gateway.yaml", gateway.gateway_yaml(listeners))
    gateway.start()
    gateway.wait_for_route("/")
    return port


def a_resumed_session_is_for_the_name_it_is_resumed_with(gateway):
    port = by_name(gateway, "a.example.com", "b.example.com", "")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = anybody()
        context.minimum_version = context.maximum_version = version
        for name in ("a.example.com", "b.example.com", "other.example.com"):
            answer, session, _ = ask(port, context, name=name)
            assert answer == b"HTTP/1.1 200", (version, name, answer)
            for host in ("a.example.com", "b.example.com", "other.example.com"):
                answer, _, resumed = ask(port, context, session, name, host)
                assert resumed and answer == (b"HTTP/1.1 200" if host == name else b"HTTP/1.1 421"), (version, name, host, answer)


class OpenSsl:
    """A client of TLS 1.3 that does what Python's does not let one do."""

    def __init__(self, port, name, groups):
        self.lib = ctypes.CDLL(ctypes.util.find_library("ssl"))
        for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self.lib, function).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.SSL_CTX_new(ctypes.c_void_p(self.lib.TLS_client_method())))
        self.ssl = ctypes.c_void_p(self.lib.SSL_new(self.context))
        self.control(92, groups)  # SSL_CTRL_SET_GROUPS_LIST
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setblocking(False)
        self.lib.SSL_set_fd(self.ssl, self.socket.fileno())
        self.name(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.lib.SSL_free(self.ssl)
        self.lib.SSL_CTX_free(self.context)

    def control(self, what, text):
        assert self.lib.SSL_ctrl(self.ssl, what, ctypes.c_long(0), ctypes.c_char_p(text.encode())) == 1

    def name(self, name):
        self.control(55, name)  # SSL_CTRL_SET_TLSEXT_HOSTNAME

    def step(self, function, *arguments):
        """One call; None: nothing is there yet."""
        self.lib.ERR_clear_error()  # an old one would be taken for this call's
        done = getattr(self.lib, function)(self.ssl, *arguments)
        if done > 0:
            return done
        return None if self.lib.SSL_get_error(self.ssl, done) in (2, 3) else 0

    def until_done(self, function, *arguments):
        while (done := self.step(function, *arguments)) is None:
            if not select.select([self.socket], [], [], 5)[0]:
                return None
        return done

    def get(self, host):
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        if not self.until_done("SSL_write", request, len(request)):
            return b""
        answer = ctypes.create_string_buffer(4096)
        return answer.raw[:12] if self.until_done("SSL_read", answer, 4096) else b""

    def new_keys(self):
        assert self.lib.SSL_key_update(self.ssl, 0) == 1
        return self.until_done("SSL_do_handshake")


def a_second_hello_names_nobody_else(gateway):
    """The gateway asks for a hello with another key (RFC 8446 section 4.1.4), which has another name as well."""
    port = by_name(gateway, "a.example.com", "b.example.com", options=", options: {kgateway.dev/ecdh-curves: P-384}")
    for second in ("a.example.com", "b.example.com"):
        for _ in range(50):
            with OpenSsl(port, "a.example.com", "X25519:P-384") as client:
                if client.step("SSL_connect") is not None:  # all came while the first hello was sent: too late for another name
                    continue
                client.name(second)
                if not client.until_done("SSL_connect"):
                    assert second != "a.example.com"  # to refuse the hello is as good
                    break
                assert client.get("b.example.com") == b"HTTP/1.1 421", second
                assert client.get("a.example.com") == b"HTTP/1.1 200", second
                break
        else:
            raise AssertionError("the first hello never stood alone")


def keys_that_are_new_all_the_time_end_the_connection(gateway):
    """OpenSSL reads them as long as they come, and the worker's other connections wait."""
    port = by_name(gateway, "a.example.com")
    with OpenSsl(port, "a.example.com", "X25519") as client:
        assert client.until_done("SSL_connect")
        for _ in range(3):  # beside requests they are usual
            for _ in range(20):
                assert client.new_keys() == 1
            assert client.get("a.example.com") == b"HTTP/1.1 200"

        def over():
            try:
                return not client.new_keys() or client.socket.recv(65536) == b""
            except BlockingIOError:
                return False
            except ConnectionError:
                return True
        wait_for(over, "the connection is closed")
    assert ask(port, anybody())[0] == b"HTTP/1.1 200"


def renegotiation_is_refused(gateway):
    Certificate(gateway.config.parent, "a.example.com").secret(gateway, "s")
    gateway.backend()
    gateway.route(TO_ECHO)
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: tls, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"))
    gateway.start()
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "a.example.com", "-tls1_2"], input=b"R\nR\n",
                          capture_output=True, timeout=20, check=False)
    said = (done.stdout + done.stderr).decode()
    assert "RENEGOTIATING" in said and ("no renegotiation" in said or "error" in said), said[-800:]
    assert get(gateway.port, "/")[0] == 200


def a_backend_that_speaks_before_the_handshake_is_not_heard(gateway):
    """CVE-2026-1642: an answer in the clear, sent as soon as the gateway has connected."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    def script(peer, _):
        peer.sendall(evil)
        peer.settimeout(5)
        while peer.recv(65536):
            peer.sendall(evil)
    upstream = ScriptedUpstream(script)
    gateway.service("echo", upstream.port)
    Certificate(gateway.config.parent, "authority").config_map(gateway, "ca")
    gateway.route(TO_ECHO)
    gateway.write("policy.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: policy}
spec:
  targetRefs: [{group: "", kind: Service, name: echo}]
  validation: {hostname: backend.example.com, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
""")
    gateway.start()
    for _ in range(20):
        status, _, body = get(gateway.port, "/")
        assert status in (502, 503) and b"evil" not in body, (status, body)


def client_hello():
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        anybody().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a.example.com").do_handshake()
    return outgoing.read()


def told(port, data):
    """What comes back until the end of the connection, and after how many seconds."""
    began, out = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(data)
        while got := peer.recv(65536):
            out += got
            if time.monotonic() - began > 8:
                break
    return out, time.monotonic() - began


def who_takes_the_wrong_port_is_told_at_once(gateway):
    Certificate(gateway.config.parent, "a.example.com").secret(gateway, "s")
    gateway.backend()
    gateway.route(TO_ECHO)
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: tls, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"))
    entries = gateway.config.parent / "access.log"
    gateway.arguments = ["--access-log", str(entries), "--access-log-format", "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"]
    gateway.start()
    gateway.wait_for_route("/")
    head = b"GET / HTTP/1.1\r\nHost: a.example.com\r\n" + b"x: y\r\n" * 50 + b"\r\n"
    for name, at, data, text, details, log in (
            ("TLS", gateway.port, client_hello(), b"TLS was sent to a port of plain HTTP: use http://\n", "tls_on_plain_port", f"sent TLS to port {gateway.port}, which speaks plain HTTP"),
            ("plain HTTP", port, head, b"plain HTTP was sent to a port of HTTPS: use https://\n", "plain_http_on_tls_port", f"sent plain HTTP to port {port}, which speaks TLS")):
        answer, seconds = told(at, data)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n") and answer.endswith(b"\r\n\r\n" + text), (name, answer)
        assert seconds < 5, f"{name}: {seconds} s"
        wait_for(lambda details=details: f"400 DPE {details}\n" in entries.read_text(), f"{name}: the access log says it: {entries.read_text()}")
        wait_for(lambda log=log: log in gateway.log(), f"{name}: the log says it: {gateway.log()}")
    answer, seconds = told(gateway.port, b"\x00\x01\x02")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"malformed method\n") and seconds < 5, answer
    assert ask(port, anybody())[0] == b"HTTP/1.1 200" and get(gateway.port, "/")[0] == 200


TESTS = [a_resumed_session_is_for_the_name_it_is_resumed_with, a_second_hello_names_nobody_else, keys_that_are_new_all_the_time_end_the_connection,
         who_takes_the_wrong_port_is_told_at_once, a_session_made_without_a_certificate_does_not_stand_in_for_one, renegotiation_is_refused, a_backend_that_speaks_before_the_handshake_is_not_heard]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
