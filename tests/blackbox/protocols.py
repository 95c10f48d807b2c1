"""Each protocol through the binary: TLS with SNI and ALPN, HTTP/2 both ways, WebSocket, upgrades. Usage: protocols.py BINARY"""
import base64
import contextlib
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody, subject  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"


def tls_gateway(gateway, *hostnames):
    gateway.backend()
    gateway.route(TO_ECHO)
    port = free_port()
    listeners = ""
    for i, hostname in enumerate(hostnames):
        Certificate(gateway.config.parent, hostname).secret(gateway, f"s{i}")
        listeners += (f"    - {{name: tls{i}, protocol: HTTPS, port: {port}, hostname: {hostname}, "
                      f"tls: {{certificateRefs: [{{name: s{i}}}]}}}}\n")
    gateway.write("gateway.yaml", gateway.gateway_yaml(listeners))
    gateway.start()
    return port


def connect(port, sni, alpn=("http/1.1",)):
    context = anybody()
    context.set_alpn_protocols(list(alpn))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname=sni)


def sni_picks_the_certificate_and_alpn_the_protocol(gateway):
    port = tls_gateway(gateway, "a.example.com", "b.example.com")
    for name in ("a.example.com", "b.example.com"):
        with connect(port, name) as peer:
            assert subject(peer) == name and peer.selected_alpn_protocol() == "http/1.1"
            peer.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while chunk := peer.recv(65536):
                answer += chunk
            assert b" 200 " in answer and b'"x-forwarded-proto":["https"]' in answer, answer
    with connect(port, "a.example.com", ("h2", "http/1.1")) as peer:
        assert peer.selected_alpn_protocol() == "h2"
    try:
        connect(port, "c.example.com").close()
        raise AssertionError("a name without a listener was served")
    except ssl.SSLError as refused:
        assert "UNRECOGNIZED_NAME" in str(refused).upper(), refused


def a_request_for_another_listeners_host_is_misdirected(gateway):
    port = tls_gateway(gateway, "a.example.com", "b.example.com")
    with connect(port, "a.example.com") as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: b.example.com\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 421 ")


def listener_options_restrict_tls(gateway):
    port = tls_gateway(gateway, "a.example.com")
    gateway.write("gateway.yaml", (gateway.config / "gateway.yaml").read_text().replace(
        "certificateRefs: [{name: s0}]", "certificateRefs: [{name: s0}], options: {kgateway.dev/min-tls-version: '1.3', "
        "kgateway.dev/cipher-suites: TLS_CHACHA20_POLY1305_SHA256, kgateway.dev/alpn-protocols: http/1.1}"))

    def restricted():
        with connect(port, "a.example.com", ("h2", "http/1.1")) as peer:
            return peer.selected_alpn_protocol() == "http/1.1" and peer.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"
    wait_for(restricted, "the options act")
    old = anybody()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        old.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="a.example.com").close()
        raise AssertionError("TLS 1.2 was spoken")
    except (ssl.SSLError, ConnectionError):
        pass


def each_listener_of_a_port_restricts_its_own_tls(gateway):
    port = tls_gateway(gateway, "a.example.com", "b.example.com", "c.example.com")
    lines = (gateway.config / "gateway.yaml").read_text()
    lines = lines.replace("[{name: s1}]", "[{name: s1}], options: {kgateway.dev/min-tls-version: '1.3', kgateway.dev/cipher-suites: "
                          "TLS_CHACHA20_POLY1305_SHA256, kgateway.dev/ecdh-curves: P-384}")
    gateway.write("gateway.yaml", lines.replace("[{name: s2}]", "[{name: s2}], options: {kgateway.dev/max-tls-version: '1.2'}"))
    with_curve = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername"]

    def spoken(name, *more):
        done = subprocess.run([*with_curve, name, *more], input=b"", capture_output=True, check=False)
        return next((line.split(",")[1].strip() for line in done.stdout.decode().splitlines() if line.startswith("New, TLSv")), None) \
            if done.returncode == 0 else None
    wait_for(lambda: spoken("b.example.com", "-tls1_2") is None and spoken("b.example.com") is not None, "the second speaks 1.3 alone")
    assert spoken("b.example.com", "-curves", "P-384") is not None and spoken("b.example.com", "-curves", "X25519") is None
    assert spoken("a.example.com", "-tls1_2") is not None and spoken("a.example.com", "-curves", "X25519") is not None
    assert spoken("c.example.com", "-tls1_3") is None and spoken("c.example.com", "-tls1_2") is not None


def a_listener_whose_tls_cannot_be_made_is_served_by_no_other(gateway):
    port = tls_gateway(gateway, "a.example.com", "'*.example.com'")
    with connect(port, "a.example.com") as peer:
        assert subject(peer) == "a.example.com"
    # OpenSSL reads this key, and does not use one as small.
    Certificate(gateway.config.parent, "a.example.com", key=["-newkey", "rsa:1024", "-nodes"]).secret(gateway, "s0")

    def refused():
        try:
            connect(port, "a.example.com").close()
            return False
        except (ssl.SSLError, OSError):
            return True
    wait_for(refused, "the name is refused")
    with connect(port, "x.example.com") as peer:
        assert peer.version() == "TLSv1.3"


def a_certificate_is_rotated_without_dropping_a_connection(gateway):
    port = tls_gateway(gateway, "a.example.com")
    request = b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n"
    with connect(port, "a.example.com") as kept:
        kept.sendall(request)
        assert b" 200 " in kept.recv(65536)
        before = kept.getpeercert(True)
        Certificate(gateway.config.parent, "a.example.com").secret(gateway, "s0")

        def rotated():
            with connect(port, "a.example.com") as peer:
                return peer.getpeercert(True) != before
        wait_for(rotated, "the new certificate is shown")
        kept.sendall(request)
        assert b" 200 " in kept.recv(65536)


def nghttp(*arguments):
    done = subprocess.run(["nghttp", "--no-dep", *arguments], capture_output=True, timeout=20, check=False)
    return done.stdout


def http2_over_tls_and_with_prior_knowledge(gateway):
    port = tls_gateway(gateway, "localhost")
    seen = json.loads(nghttp(f"https://localhost:{port}/x"))
    assert seen["path"] == "/x" and seen["headers"]["x-forwarded-proto"] == ["https"], seen
    seen = json.loads(nghttp("-H", "cookie: a=1", f"http://127.0.0.1:{gateway.port}/x?y=z"))
    assert seen["path"] == "/x" and seen["query"] == "y=z" and seen["version"] == "HTTP/1.1", seen
    body = gateway.config.with_name("body")
    body.write_bytes(os.urandom(3_000_000))
    seen = json.loads(nghttp("-d", str(body), f"http://127.0.0.1:{gateway.port}/up"))
    assert seen["method"] == "POST" and seen["bodyBytes"] == 3_000_000, seen
    assert len(nghttp(f"http://127.0.0.1:{gateway.port}/?bytes=20000000")) == 20_000_000


def grpc_routes_send_calls_by_method(gateway):
    gateway.backend()
    gateway.write("grpc.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls}
spec:
  parentRefs: [{name: g}]
  hostnames: [grpc.example.com]
  rules:
  - matches: [{method: {service: p.S, method: Get}}]
    backendRefs: [{name: echo, port: 80}]
""")
    call = ("-d", "/dev/null", "-H", ":authority: grpc.example.com", "-H", "content-type: application/grpc", "-H", "te: trailers")
    url = f"http://127.0.0.1:{gateway.port}/p.S/"
    gateway.start()
    gateway.wait_for_route("/p.S/Get", "grpc.example.com")
    seen = json.loads(nghttp(*call, url + "Get"))
    assert seen["version"] == "HTTP/2.0" and seen["path"] == "/p.S/Get", seen
    answer = nghttp("-v", "--no-verify-peer", *call, url + "Other").decode()
    assert ":status: 200" in answer and "grpc-status: 12" in answer and "content-type: application/grpc" in answer, answer


def an_h2c_backend_is_spoken_to_in_http2(gateway):
    gateway.backend(app_protocol="kubernetes.io/h2c")
    gateway.route(TO_ECHO)
    gateway.start()
    status, _, answer = get(gateway.port, "/a", method="POST", body=b"x" * 300_000)
    seen = json.loads(answer)
    assert status == 200 and seen["version"] == "HTTP/2.0" and seen["bodyBytes"] == 300_000, (status, seen)
    for _ in range(20):
        assert get(gateway.port, "/?bytes=100000")[2] == b"x" * 100_000


def websocket(port, host, messages):
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(f"GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ") and b"sec-websocket-accept" in head.lower(), head
        out = []
        reader = peer.makefile("rb")
        for message in messages:
            mask = os.urandom(4)
            size = struct.pack("!BB", 0x81, 0x80 | len(message)) if len(message) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(message))
            peer.sendall(size + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(message)))
            first, length = reader.read(2)
            assert first == 0x81
            length = struct.unpack("!H", reader.read(2))[0] if length == 126 else length
            out.append(reader.read(length))
        return out


def a_tunnel_ends_where_one_side_takes_no_more(gateway):
    """A client that does not read what the backend had to say would not see its end."""
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        peer.settimeout(0.5)
        with contextlib.suppress(OSError):
            while True:  # until the client's side is full
                peer.sendall(bytes(1 << 16))
        full.set()
        go.wait(10)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    full, go = threading.Event(), threading.Event()
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.start()

    def tunnels():
        return "http.http.downstream_cx_upgrades_active: 1" in get(gateway.admin, "/stats?filter=upgrades_active")[2].decode()
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
        peer.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        assert full.wait(20)
        wait_for(tunnels, get(gateway.admin, "/stats?filter=upgrades_active")[2].decode())
        go.set()

        def gone():
            with contextlib.suppress(OSError):
                peer.send(b"x")
            return not tunnels()
        wait_for(gone, "the tunnel has ended", 5)


def a_tunnel_passes_on_what_came_early_and_each_sides_end(gateway):
    """The client's end is the backend's to answer; the backend's end is that of both."""
    def script(peer, number):
        head, before = upstream.head(peer)
        assert not before, "bytes of the other protocol came before it was agreed to"
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: it\r\n\r\nhello")
        came = b""
        while more := peer.recv(65536):
            came += more
            if b"/leaves" in head:
                break
        peer.sendall(b"; you said " + came)
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.start()
    long = bytes(range(256)) * 2048
    for path, rest in [("/", long), ("/leaves", b"")]:
        with socket.create_connection(("127.0.0.1", gateway.port), 10) as peer:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: it\r\n\r\nearly".encode())
            peer.sendall(rest)
            if rest:
                peer.shutdown(socket.SHUT_WR)
            answer = b""
            while more := peer.recv(65536):
                answer += more
            head, _, said = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 "), head
            assert said == b"hello; you said early" + rest, (path, len(said), said[:60])

    def settled():
        stats = get(gateway.admin, "/stats?filter=http.http.downstream_cx_(upgrades|rx_bytes)")[2].decode()
        assert "upgrades_total: 2" in stats, stats
        return "upgrades_active: 0" in stats and int(stats.partition("rx_bytes_total: ")[2].split()[0]) > len(long)
    wait_for(settled, "both have ended, and their bytes are counted")


def a_backend_that_leaves_at_once_after_its_101_ends_the_tunnel(gateway):
    """Its last bytes and its end may be there before anybody waits for the client."""
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: it\r\n\r\nbye")
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.start()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: it\r\n\r\n")
            answer = b""
            while more := peer.recv(65536):
                answer += more
            assert answer.startswith(b"HTTP/1.1 101 ") and answer.endswith(b"\r\n\r\nbye"), answer


def a_websocket_carries_messages_both_ways(gateway):
    gateway.backend(app_protocol="kubernetes.io/ws")
    gateway.route(TO_ECHO)
    gateway.start()
    messages = [b"hello", b"x" * 1000, b""]
    assert websocket(gateway.port, "a", messages) == messages


def a_slow_reader_holds_the_backend_back(gateway):
    """Back pressure: a body that nobody reads is not gathered in memory."""
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    memory = lambda: int(json.loads(get(gateway.admin, "/memory")[2])["total_physical_bytes"])  # noqa: E731
    before = memory()
    peers = []
    for _ in range(20):
        peer = socket.create_connection(("127.0.0.1", gateway.port))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        peer.sendall(b"GET /?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        peers.append(peer)
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 200
    assert memory() - before < 30_000_000, f"{memory() - before} bytes more"
    for peer in peers:
        peer.close()
    wait_for(lambda: b"downstream_rq_active: 0" in get(gateway.admin, "/stats?filter=downstream_rq_active")[2], "the exchanges end")


def answers_that_nobody_reads_arrive_whole(gateway):
    """Pipelined: small answers are sent together at the end of a turn, also where the kernel has no room for them then."""
    def script(peer, number):
        received = b""
        while data := peer.recv(65536):
            received += data
            while b"\r\n\r\n" in received:
                head, received = received.split(b"\r\n\r\n", 1)
                path = head.split(b" ")[1]
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + path.ljust(1000, b"."))
    gateway.backends.append(ScriptedUpstream(script))
    gateway.service("echo", gateway.backends[0].port)
    port = tls_port = free_port()
    Certificate(gateway.config.parent, "a.example.com").secret(gateway, "s")
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: tls, protocol: HTTPS, port: {tls_port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"))
    gateway.route(TO_ECHO)
    gateway.start()
    for port in (gateway.port, tls_port):
        for last in (b"", b"Connection: close\r\n"):
            asked = 3000
            requests = [b"GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n" % (i, last if i == asked - 1 else b"") for i in range(asked)]
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.settimeout(20)
            peer.connect(("127.0.0.1", port))
            if port == tls_port:
                peer = anybody().wrap_socket(peer, server_hostname="a.example.com")
            with peer:
                sender = threading.Thread(target=peer.sendall, args=(b"".join(requests),))
                if port == tls_port:  # one thread has it at a time
                    requests = [b"".join(requests[i:i + 300]) for i in range(0, asked, 300)]
                    for some in requests:
                        peer.sendall(some)
                else:
                    sender.start()
                time.sleep(0.3)
                answers = bytearray()
                while not answers[-1000:].startswith(b"/%d." % (asked - 1)):
                    more = peer.recv(65536)
                    assert more, "it was closed early"
                    answers += more
                    if len(answers) < 20000:
                        time.sleep(0.01)
                if last:
                    assert peer.recv(1) == b"", "it is closed after the last answer"
                if port != tls_port:
                    sender.join()
            bodies = [one.split(b"\r\n\r\n", 1)[1] for one in answers.split(b"HTTP/1.1 200")[1:]]
            assert bodies == [(b"/%d" % i).ljust(1000, b".") for i in range(asked)]


def an_idempotent_request_survives_a_stale_connection(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 200
        port = gateway.backends[0].port
        gateway.backends.pop().stop()
        process = subprocess.Popen([gateway.binary, "echo", "--address", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
        gateway.backends.append(type("Backend", (), {"port": port, "process": process, "stop": lambda self: (self.process.kill(), self.process.wait())})())

        def listening():
            try:
                return get(port, "/")[0] == 200
            except OSError:
                return False
        wait_for(listening, "the backend is back")


TESTS = [sni_picks_the_certificate_and_alpn_the_protocol, listener_options_restrict_tls, each_listener_of_a_port_restricts_its_own_tls,
         a_listener_whose_tls_cannot_be_made_is_served_by_no_other,
         a_request_for_another_listeners_host_is_misdirected,
         a_certificate_is_rotated_without_dropping_a_connection, http2_over_tls_and_with_prior_knowledge,
         grpc_routes_send_calls_by_method, an_h2c_backend_is_spoken_to_in_http2, a_websocket_carries_messages_both_ways, a_tunnel_passes_on_what_came_early_and_each_sides_end, a_backend_that_leaves_at_once_after_its_101_ends_the_tunnel, a_tunnel_ends_where_one_side_takes_no_more, a_slow_reader_holds_the_backend_back,
         answers_that_nobody_reads_arrive_whole,
         an_idempotent_request_survives_a_stale_connection]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
