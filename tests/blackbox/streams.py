"""Routes below HTTP: TCP, TLS passed through and ended here, UDP. Usage: streams.py BINARY"""
import contextlib
import pathlib
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody, subject  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402


def says_name(name):
    """A script: sends its name, then gives back what it gets until the end, then says so."""
    def script(peer, number):
        peer.sendall(name)
        while data := peer.recv(65536):
            peer.sendall(data)
        peer.sendall(b" end")
    return script


def backend(gateway, name, script):
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service(name, upstream.port)
    return upstream


def stream_route(gateway, kind, name, refs, section, hostnames=None):
    hosts = f"  hostnames: [{', '.join(hostnames)}]\n" if hostnames else ""
    gateway.write(f"{name}.yaml", f"""apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: g, sectionName: {section}}}]
{hosts}  rules: [{{backendRefs: [{', '.join(refs)}]}}]
""")


def to(name, weight=1):
    return f"{{name: {name}, port: 80, weight: {weight}}}"


def tcp_gateway(gateway, *refs, section="tcp"):
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: tcp, protocol: TCP, port: {port}}}\n"))
    stream_route(gateway, "TCPRoute", "route", refs, section)
    gateway.start()
    return port


def everything(peer):
    out = b""
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65536):
            out += data
    return out


def tcp_carries_bytes_both_ways_and_passes_an_end_on(gateway):
    backend(gateway, "a", says_name(b"a "))
    port = tcp_gateway(gateway, to("a"))
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        assert peer.recv(2) == b"a "
        sent = bytes(range(256)) * 4000
        threading.Thread(target=lambda: (peer.sendall(sent), peer.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert everything(peer) == sent + b" end"
    counted = get(gateway.metrics, "/metrics")[2].decode()
    assert 'envoy_tcp_downstream_cx_total{envoy_tcp_prefix="default.route-rule-0"} 1' in counted
    wait_for(lambda: f'downstream_cx_rx_bytes_total{{envoy_tcp_prefix="default.route-rule-0"}} {len(sent)}' in
             get(gateway.metrics, "/metrics")[2].decode(), "the bytes are counted")


def tcp_holds_a_sender_back_while_the_reader_rests(gateway):
    go_on = threading.Event()
    got = []

    def script(peer, number):
        go_on.wait(20)
        got.append(len(everything(peer)))
    backend(gateway, "a", script)
    port = tcp_gateway(gateway, to("a"))
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(1)
        sent = 0
        try:
            while sent < 200_000_000:
                sent += peer.send(b"x" * 65536)
            raise AssertionError("all of it was taken, though nobody reads")
        except TimeoutError:
            pass
        go_on.set()
        peer.shutdown(socket.SHUT_WR)
        wait_for(lambda: got, "the backend has read to the end")
    assert got == [sent], (got, sent)


def tcp_tries_the_next_endpoint_where_one_refuses(gateway):
    upstream = backend(gateway, "a", says_name(b"a "))
    gateway.write("service-a.yaml", (gateway.config / "service-a.yaml").read_text().replace(
        "[127.0.0.1]}", "[127.0.0.2]}, {addresses: [127.0.0.1]}"))
    port = tcp_gateway(gateway, to("a"))
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            assert peer.recv(2) == b"a "
    assert upstream.connections == 6
    stream_route(gateway, "TCPRoute", "route", [to("missing")], "tcp")

    def closed():
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            return peer.recv(2) == b""
    wait_for(closed, "a connection that leads nowhere is closed")


def tcp_connections_live_on_over_changes_and_end_with_the_drain_time(gateway):
    backend(gateway, "a", says_name(b"a "))
    backend(gateway, "b", says_name(b"b "))
    gateway.arguments = ["--drain-timeout", "1s"]
    port = tcp_gateway(gateway, to("a"))
    with socket.create_connection(("127.0.0.1", port), 5) as kept:
        assert kept.recv(2) == b"a "
        stream_route(gateway, "TCPRoute", "route", [to("b")], "tcp")

        def changed():
            with socket.create_connection(("127.0.0.1", port), 5) as peer:
                return peer.recv(2) == b"b "
        wait_for(changed, "the new backend is used")
        kept.sendall(b"still")
        assert kept.recv(5) == b"still"
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        kept.sendall(b"here")
        assert kept.recv(4) == b"here" and gateway.process.poll() is None
        assert gateway.process.wait(5) == 0


def tls_backend(gateway, name, certificate):
    context = certificate.server_context()

    def script(peer, number):
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(peer, server_side=True) as secure:
            secure.sendall(name.encode())
            secure.recv(1)
    backend(gateway, name, script)


def tls_gateway(gateway):
    """Passed through to a and b by SNI; ended here for c, which gets plain bytes."""
    folder = gateway.config.parent
    for name in "ab":
        tls_backend(gateway, name, Certificate(folder, f"{name}.example.com"))
    backend(gateway, "c", says_name(b"c"))
    Certificate(folder, "c.example.net").secret(gateway, "s")
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: pass, protocol: TLS, port: {port}, hostname: '*.example.com', tls: {{mode: Passthrough}}}}\n"
        f"    - {{name: end, protocol: TLS, port: {port}, hostname: '*.example.net', tls: {{certificateRefs: [{{name: s}}]}}}}\n"))
    for name in "ab":
        stream_route(gateway, "TLSRoute", f"route-{name}", [to(name)], "pass", [f"{name}.example.com"])
    stream_route(gateway, "TLSRoute", "route-c", [to("c")], "end", ["c.example.net"])
    gateway.start()
    return port


def tls(port, name):
    peer = socket.create_connection(("127.0.0.1", port), 5)
    return anybody().wrap_socket(peer, server_hostname=name)


def tls_is_passed_through_by_sni_and_ended_here_on_one_port(gateway):
    port = tls_gateway(gateway)
    for name, host in (("a", "a.example.com"), ("b", "b.example.com"), ("c", "c.example.net")):
        with tls(port, host) as peer:
            assert subject(peer) == host and peer.recv(1) == name.encode()
    for host in ("x.example.com", "example.org", None):  # no route; no listener; no name
        try:
            tls(port, host).close()
            raise AssertionError(f"{host} was served")
        except (ssl.SSLError, OSError):
            pass
    assert get(gateway.ready, "/ready")[0] == 200


def tls_ends_here_for_a_tcp_route(gateway):
    backend(gateway, "c", says_name(b"c"))
    Certificate(gateway.config.parent, "c.example.net").secret(gateway, "s")
    port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: end, protocol: TLS, port: {port}, tls: {{mode: Terminate, certificateRefs: [{{name: s}}]}},\n"
        "       allowedRoutes: {kinds: [{kind: TCPRoute}]}}\n"))
    stream_route(gateway, "TCPRoute", "route", [to("c")], "end")
    gateway.start()
    for host in ("c.example.net", None):
        with tls(port, host) as peer:
            seen = subject(peer), peer.recv(1)
            assert seen == ("c.example.net", b"c"), (seen, host)


def a_client_hello_in_pieces_is_the_same_one(gateway):
    port = tls_gateway(gateway)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = anybody().wrap_bio(incoming, outgoing, server_hostname="b.example.com")
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ssl.SSLWantReadError):
            session.do_handshake()
        hello = outgoing.read()
        for at in range(0, len(hello), 40):
            peer.sendall(hello[at:at + 40])
            time.sleep(0.002)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                if out := outgoing.read():
                    peer.sendall(out)
                incoming.write(peer.recv(65536))
        assert subject(session) == "b.example.com"
    for wrong in (b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff", b"\x80\x2e\x01"):
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.sendall(wrong)
            assert everything(peer) == b"", wrong


class UdpBackend:
    """Answers each datagram with its name, the datagram, and which client (as it sees it) this is."""

    def __init__(self, name, port=0):
        self.name = name
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.clients = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                data, client = self.socket.recvfrom(65536)
                if client is None:
                    return  # stop()
                if client not in self.clients:
                    self.clients.append(client)
                self.socket.sendto(self.name + data, client)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes serve(), which holds the port
        self.socket.close()


def udp_gateway(gateway, *names):
    port = free_port()
    backends = []
    for name in names:
        one = UdpBackend(name.encode())
        backends.append(one)
        gateway.backends.append(one)
        gateway.service(name, one.port)
        path = gateway.config / f"service-{name}.yaml"
        path.write_text(path.read_text().replace("{port: 80}", "{port: 80, protocol: UDP}"))
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: udp, protocol: UDP, port: {port}}}\n"
                                                       f"    - {{name: tcp, protocol: TCP, port: {port}}}\n"))
    stream_route(gateway, "UDPRoute", "route", [to(name) for name in names], "udp")
    gateway.start()
    return port, backends


def udp_client(port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(3)
    client.connect(("127.0.0.1", port))
    return client


def udp_answers_find_their_client_and_a_session_stays(gateway):
    port, backends = udp_gateway(gateway, "a", "b")
    clients = [udp_client(port) for _ in range(20)]
    names = []
    for i, client in enumerate(clients):
        client.send(b"%d" % i)
        answer = client.recv(65536)
        assert answer[1:] == b"%d" % i, answer
        names.append(answer[:1])
    assert set(names) == {b"a", b"b"}, names
    for i, client in enumerate(clients):
        client.send(b"again")
        assert client.recv(65536) == names[i] + b"again"
    assert sum(len(one.clients) for one in backends) == 20
    largest = b"x" * 60000
    clients[0].send(largest)
    assert clients[0].recv(65536)[1:] == largest
    clients[0].send(b"")
    assert clients[0].recv(65536) == names[0]
    counted = get(gateway.metrics, "/metrics")[2].decode()
    assert 'envoy_udp_downstream_sess_active{envoy_udp_prefix="default.route-rule-0"} 20' in counted
    for client in clients:
        client.close()
    started = time.monotonic()
    assert gateway.terminate() == 0 and time.monotonic() - started < 5  # sessions that rest do not hold it


def udp_sessions_follow_changes_of_route_and_backend(gateway):
    port, backends = udp_gateway(gateway, "a", "b")
    client = udp_client(port)
    stream_route(gateway, "UDPRoute", "route", [to("a"), to("b", 0)], "udp")

    def name():
        client.send(b"?")
        return client.recv(100)[:1]
    wait_for(lambda: name() == b"a", "sessions of b have gone to a")
    stream_route(gateway, "UDPRoute", "route", [to("b")], "udp")
    wait_for(lambda: name() == b"b", "the session has gone to b")
    # Nobody there: the datagram is lost, and the next ones find whoever comes.
    backends[1].stop()
    wait_for(lambda: backends[1].socket.fileno() == -1, "b has gone")
    client.settimeout(0.2)

    def lost():
        try:
            return not name()
        except TimeoutError:
            return True
    wait_for(lost, "nothing is answered")
    again = UdpBackend(b"c", backends[1].port)
    gateway.backends.append(again)

    def answered():
        with contextlib.suppress(TimeoutError):
            return name() == b"c"
    wait_for(answered, "the new process is found")


TESTS = [tcp_carries_bytes_both_ways_and_passes_an_end_on, tcp_holds_a_sender_back_while_the_reader_rests,
         tcp_tries_the_next_endpoint_where_one_refuses, tcp_connections_live_on_over_changes_and_end_with_the_drain_time,
         tls_is_passed_through_by_sni_and_ended_here_on_one_port, tls_ends_here_for_a_tcp_route,
         a_client_hello_in_pieces_is_the_same_one,
         udp_answers_find_their_client_and_a_session_stays, udp_sessions_follow_changes_of_route_and_backend]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
