"""Peers that try to get round TLS: sessions made elsewhere, renegotiation, bytes in the clear. Usage: hostile_tls.py BINARY"""
import contextlib
import pathlib
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


def ask(port, context, session=None):
    """The first bytes of the answer, the session, and whether it was resumed; empty where the handshake fails."""
    try:
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with context.wrap_socket(plain, server_hostname="a.example.com", session=session) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n")
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


TESTS = [who_takes_the_wrong_port_is_told_at_once, a_session_made_without_a_certificate_does_not_stand_in_for_one, renegotiation_is_refused, a_backend_that_speaks_before_the_handshake_is_not_heard]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
