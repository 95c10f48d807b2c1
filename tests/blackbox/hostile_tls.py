"""Peers that try to get round TLS: sessions made elsewhere, renegotiation, bytes in the clear. Usage: hostile_tls.py BINARY"""
import pathlib
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody  # noqa: E402
from gateway import free_port, get, main  # noqa: E402
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


TESTS = [a_session_made_without_a_certificate_does_not_stand_in_for_one, renegotiation_is_refused, a_backend_that_speaks_before_the_handshake_is_not_heard]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
