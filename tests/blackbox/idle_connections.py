"""Connections that idle between requests of HTTP/1: of each next to nothing is kept, and nothing that is known of it is lost. Usage:
idle_connections.py BINARY"""
import contextlib
import json
import pathlib
import resource
import socket
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate, anybody  # noqa: E402
from gateway import free_port, get, main, sanitized, wait_for  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
MANY = 2000
BYTES_EACH = 700        # of plaintext; 400, and what is kept for the next ones, when this was written
TLS_BYTES_EACH = 17500  # nearly all of it OpenSSL's


def policy(gateway, default):
    gateway.write("p.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: g}}]
  default:
{default}""")


def served(gateway, listeners=""):
    gateway.workers = 1
    gateway.backend()
    gateway.route(TO_ECHO)
    if listeners:
        gateway.write("gateway.yaml", gateway.gateway_yaml(listeners))
    gateway.start()
    gateway.wait_for_route("/")


def https(port, more=""):
    return f"    - {{name: https, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: cert}}]}}}}\n{more}"


def connect(gateway, begin=b""):
    peer = socket.create_connection(("127.0.0.1", gateway.port), 10)
    peer.sendall(begin)
    return peer


def secure(port, context):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="a.example")


def ask(peer, request=REQUEST):
    """What the backend has seen."""
    peer.sendall(request)
    return answer(peer)


def answer(peer):
    got = b""
    while b"\r\n\r\n" not in got:
        chunk = peer.recv(65536)
        assert chunk, f"closed after {got}"
        got += chunk
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < size:
        body += peer.recv(65536)
    assert len(body) == size, body
    return json.loads(body)


def idle(*peers):
    """Until the gateway has put what was asked away, which it does after 100 ms of silence. On a machine that is late these tests
    see less, and pass."""
    time.sleep(0.3)
    for peer in peers:
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            raise AssertionError(f"an idle connection got {peer.recv(10)}")
        peer.settimeout(10)


def counter(gateway, name):
    """The sum over all that end so."""
    lines = get(gateway.admin, f"/stats?filter={name}")[2].decode().splitlines()
    return sum(int(line.rpartition(": ")[2]) for line in lines if line.rpartition(": ")[0].endswith(name))


def a_connection_that_has_idled_is_as_good_as_new(gateway):
    served(gateway)
    with connect(gateway) as peer, connect(gateway) as other:
        ask(peer)
        ask(other)
        for request in (REQUEST, b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"):
            idle(peer, other)
            ask(peer, request)
            ask(peer, request)
        for byte in range(len(REQUEST)):  # the first wakes it
            peer.sendall(REQUEST[byte:byte + 1])
        answer(peer)
        idle(peer, other)
        peer.sendall(b"\r\n" + REQUEST)
        answer(peer)
        ask(other)
        idle(peer, other)
        peer.sendall(b"{}\r\n\r\n")  # no request
        assert peer.recv(65536).startswith(b"HTTP/1.1 400 ")


def what_is_known_of_a_client_outlives_its_silence(gateway):
    policy(gateway, "    proxyProtocol: {}\n")
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    with connect(gateway, b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n") as one, \
            connect(gateway, b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n") as two, connect(gateway, b"PROXY UNKNOWN\r\n") as three:
        for _ in range(2):
            seen = [ask(peer)["headers"]["x-forwarded-for"] for peer in (one, two, three)]
            assert seen == [["192.0.2.7"], ["2001:db8::7"], ["127.0.0.1"]], seen
            idle(one, two, three)


def tls_goes_on_after_a_silence(gateway):
    folder = gateway.config.parent
    authority = Certificate(folder, "authority")
    authority.config_map(gateway, "ca")
    Certificate(folder, "a.example").secret(gateway, "cert")
    policy(gateway, "    httpSettings:\n      forwardClientCertDetails: {mode: SanitizeSet, details: {subject: true}}\n")
    port = free_port()
    served(gateway, https(port, "  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}}\n"))
    with secure(port, Certificate(folder, "client", authority).client_context()) as peer:
        for _ in range(3):
            seen = ask(peer)["headers"]
            assert seen["x-forwarded-proto"] == ["https"] and "CN=client" in seen["x-forwarded-client-cert"][0], seen
            idle(peer)
    wait_for(lambda: counter(gateway, "downstream_cx_ssl_active") == 0, "it is counted out")


def requests_are_counted_over_silences(gateway):
    policy(gateway, "    httpSettings: {maxRequestsPerConnection: 3}\n")
    served(gateway)
    with connect(gateway) as peer:
        for _ in range(2):
            ask(peer)
            idle(peer)
        ask(peer)
        assert peer.recv(1) == b"", "the third is the last"


def a_change_holds_for_connections_that_idle(gateway):
    served(gateway)
    with connect(gateway) as peer:
        ask(peer)
        idle(peer)
        gateway.route("""    - filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-new, value: "yes"}]}}]
      backendRefs: [{name: echo, port: 80}]
""")
        wait_for(lambda: "x-new" in json.loads(get(gateway.port, "/")[2])["headers"], "the change is served")
        assert ask(peer)["headers"]["x-new"] == ["yes"]


def silence_has_an_end(gateway):
    policy(gateway, "    httpSettings: {idleTimeout: 3s}\n")
    Certificate(gateway.config.parent, "a.example").secret(gateway, "cert")
    port = free_port()
    served(gateway, https(port))
    before = counter(gateway, "downstream_cx_idle_timeout")
    with connect(gateway) as peer, secure(port, anybody()) as secured, connect(gateway) as never:
        for _ in range(2):  # a request in between begins it anew
            ask(peer)
            ask(secured)
            idle(peer, secured)
        assert peer.recv(1) == b"" and secured.recv(1) == b"" and never.recv(1) == b"", "closed without a word"
    assert counter(gateway, "downstream_cx_idle_timeout") - before == 3


def clients_that_leave_in_silence_are_counted_out(gateway):
    served(gateway)
    peers = [connect(gateway) for _ in range(20)]
    for peer in peers:
        ask(peer)
    idle(*peers)
    active = counter(gateway, "downstream_cx_http1_active")
    assert active >= 20, active
    for peer in peers:
        peer.close()
    wait_for(lambda: counter(gateway, "downstream_cx_http1_active") <= active - 20, "they are gone")


def a_drain_closes_what_idles(gateway):
    Certificate(gateway.config.parent, "a.example").secret(gateway, "cert")
    port = free_port()
    served(gateway, https(port))
    with connect(gateway) as peer, connect(gateway) as silent, secure(port, anybody()) as secured:
        ask(peer)
        ask(secured)
        idle(peer, silent, secured)
        assert gateway.terminate() == 0
        assert peer.recv(1) == b"" and silent.recv(1) == b"" and secured.recv(1) == b""


def bytes_each(gateway, open_one, many):
    def held():
        return int(json.loads(get(gateway.admin, "/memory")[2])["allocated"])
    first = [open_one() for _ in range(100)]
    for peer in first:
        ask(peer)
    idle()
    before = held()
    peers = []
    for start in range(0, many, 100):
        more = [open_one() for _ in range(min(100, many - start))]
        for peer in more:
            ask(peer)
        peers += more
    idle()
    each = (held() - before) / many
    for peer in [*first, *peers]:
        peer.close()
    return each


def an_idle_connection_holds_little(gateway):
    served(gateway)
    each = bytes_each(gateway, lambda: connect(gateway), MANY)
    print(f"     {each:.0f} bytes of memory an idle connection", flush=True)
    assert each < BYTES_EACH, each


def an_idle_connection_of_tls_holds_what_openssl_does(gateway):
    Certificate(gateway.config.parent, "a.example").secret(gateway, "cert")
    port = free_port()
    served(gateway, https(port))
    context = anybody()
    each = bytes_each(gateway, lambda: secure(port, context), MANY // 4)
    print(f"     {each:.0f} bytes of memory an idle connection of TLS", flush=True)
    assert each < TLS_BYTES_EACH, each


TESTS = [a_connection_that_has_idled_is_as_good_as_new, what_is_known_of_a_client_outlives_its_silence, tls_goes_on_after_a_silence,
         requests_are_counted_over_silences, a_change_holds_for_connections_that_idle, silence_has_an_end,
         clients_that_leave_in_silence_are_counted_out, a_drain_closes_what_idles]
COUNTED = [an_idle_connection_holds_little, an_idle_connection_of_tls_holds_what_openssl_does]  # not the sanitizers' memory

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    sys.exit(1 if main(TESTS + ([] if sanitized(sys.argv[1]) else COUNTED), sys.argv[1]) else 0)
