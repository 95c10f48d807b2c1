"""What one client, or all of them, can take from the process: memory, connections, file descriptors, time. Usage: limits.py BINARY"""
import contextlib
import json
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from gateway import free_port, get, main, sanitized, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

ROUTE = "    - backendRefs: [{name: echo, port: 80}]\n"
MEGA = 1 << 20


def stat(gateway, name):
    """The sum over all that end so."""
    lines = get(gateway.admin, f"/stats?filter={name}")[2].decode().splitlines()
    return sum(int(line.rpartition(": ")[2]) for line in lines if line.rpartition(": ")[0].endswith(name))


def resident(gateway):
    return int(json.loads(get(gateway.admin, "/memory")[2])["total_physical_bytes"])


def cpu_seconds(gateway):
    fields = pathlib.Path(f"/proc/{gateway.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def limited(gateway, kind, value):
    """The gateway runs under a resource limit, as `ulimit` sets it."""
    real = gateway.binary
    wrapper = pathlib.Path(gateway.folder.name) / "limited"
    flag = {resource.RLIMIT_AS: "-v", resource.RLIMIT_NOFILE: "-n"}[kind]
    number = value // 1024 if kind == resource.RLIMIT_AS else value
    wrapper.write_text(f"#!/bin/sh\nulimit {flag} {number} && exec {pathlib.Path(real).resolve()} \"$@\"\n")
    wrapper.chmod(0o755)
    gateway.binary = str(wrapper)
    try:
        gateway.start()
    finally:
        gateway.binary = real


def sink(gateway):
    """A backend that reads nothing, so that what is sent to it stays where it is."""
    stop = threading.Event()

    def script(peer, _):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stop.wait(60)
    upstream = ScriptedUpstream(script)
    gateway.service("sink", upstream.port)
    gateway.backend()
    gateway.route("    - matches: [{path: {type: PathPrefix, value: /sink}}]\n      backendRefs: [{name: sink, port: 80}]\n" + ROUTE)
    return stop


def hold(port, clients, streams=4, chunk=16384):
    """Connections whose bodies nobody reads: each fills its windows."""
    out = []
    for _ in range(clients):
        with contextlib.suppress(OSError):
            client = h2.Client(port, wait=False)
            for stream in range(1, 2 * streams, 2):
                client.open(stream, h2.request("/sink", "POST"), end=False)
                client.peer.settimeout(0.2)
                with contextlib.suppress(OSError):
                    for _ in range(3 * MEGA // 4 // streams // chunk):
                        client.peer.sendall(h2.frame(h2.DATA, 0, stream, b"x" * chunk))
            out.append(client)
    return out


def take_nothing(port, clients):
    """Connections with 99 streams each and shut windows: each stream holds a window of its answer."""
    out = []
    for _ in range(clients):
        with contextlib.suppress(OSError):
            client = h2.Client(port, struct.pack("!HI", 4, 0), wait=False)
            client.send(b"".join(h2.frame(h2.HEADERS, 5, stream, h2.block(h2.request("/?bytes=10000000"))) for stream in range(1, 199, 2)))
            out.append(client)
    return out


def attack(gateway, limit, more, stop=lambda: None):
    """Memory is bounded, new work is refused while it is short, and all is as before when the clients have gone."""
    gateway.wait_for_route("/")
    before, peak, clients, refused = resident(gateway), 0, [], 0
    end = time.monotonic() + 120  # of a busy machine
    try:
        while time.monotonic() < end and len(clients) < 6000 and refused < 500:
            clients += more()
            peak = max(peak, resident(gateway))
            refused = stat(gateway, "downstream_rq_overload_close") + stat(gateway, "downstream_cx_overload_reject")
        assert gateway.process.poll() is None, "it has ended: " + gateway.log()[-2000:]
        assert refused > 0, f"nothing was refused at {peak // MEGA} MiB of {limit // MEGA}"
        assert peak < limit, f"{peak // MEGA} MiB of {limit // MEGA}"
        assert "memory is short" in gateway.log(), gateway.log()[-500:]
        assert gateway.log().count("memory is short") <= 5, "the log is flooded"
    finally:
        for client in clients:
            client.peer.close()
        stop()
    wait_for(lambda: stat(gateway, "stop_accepting_requests.active") == 0, "requests are taken again", 20)
    wait_for(lambda: answered(gateway), "a request is answered", 20)
    wait_for(lambda: resident(gateway) - before < 64 * MEGA, f"memory comes back to about {before // MEGA} MiB", 30)
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "no exchange is left")


def memory_is_refused_before_it_runs_out(gateway):
    gateway.arguments = ["--memory-limit", "192MiB"]
    stop = sink(gateway)
    gateway.start()
    attack(gateway, 192 * MEGA, lambda: hold(gateway.port, 20), stop.set)


def answers_that_nobody_takes_are_held_within_the_limit(gateway):
    """The worst case: streams with shut windows before a backend that sends all it may, each holding a window of its answer."""
    gateway.arguments = ["--memory-limit", "256MiB"]
    gateway.backend(app_protocol="kubernetes.io/h2c")
    gateway.route(ROUTE)
    gateway.start()
    gateway.wait_for_route("/")
    before, peak, clients = resident(gateway), 0, []
    end = time.monotonic() + 60

    def refused():
        return stat(gateway, "downstream_rq_overload_close") + stat(gateway, "reset_high_memory_stream.count")
    while time.monotonic() < end and (len(clients) < 30 or refused() == 0):
        clients += take_nothing(gateway.port, 1)
        peak = max(peak, resident(gateway))
    end = time.monotonic() + 5
    while time.monotonic() < end:
        peak = max(peak, resident(gateway))
    assert gateway.process.poll() is None, "it has ended: " + gateway.log()[-2000:]
    # Looks are 10 ms apart, and what is closed takes a moment to go.
    assert peak < 256 * MEGA * 1.1, f"{peak // MEGA} MiB of 256"
    assert refused() > 0, f"nothing was refused at {peak // MEGA} MiB"
    for client in clients:
        client.peer.close()
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "no exchange is left", 20)
    wait_for(lambda: answered(gateway), "a request is answered", 20)
    wait_for(lambda: resident(gateway) - before < 64 * MEGA, f"memory comes back to about {before // MEGA} MiB", 30)


def the_defaults_hold_where_addresses_are_limited(gateway):
    """ulimit -v, without an option: the limit is found, and no allocation fails."""
    gateway.backend(app_protocol="kubernetes.io/h2c")
    gateway.route(ROUTE)
    limited(gateway, resource.RLIMIT_AS, 512 * MEGA)
    attack(gateway, 512 * MEGA, lambda: take_nothing(gateway.port, 2))


def connections_are_counted_and_refused(gateway):
    gateway.arguments = ["--max-connections", "20"]
    gateway.backend()
    gateway.route(ROUTE)
    gateway.start()
    gateway.wait_for_route("/")
    wait_for(lambda: stat(gateway, "http.downstream_cx_active") == 0, "nobody is there")
    peers = []
    for _ in range(60):
        peers.append(socket.create_connection(("127.0.0.1", gateway.port), 5))
    wait_for(lambda: stat(gateway, "downstream_global_cx_overflow") >= 40, "those above the limit are closed")
    assert stat(gateway, "global_downstream_max_connections.pressure") == 100
    assert stat(gateway, "limit_hits.connections") == stat(gateway, "downstream_global_cx_overflow")
    wait_for(lambda: sum(1 for peer in peers if still_open(peer)) == 20, "so many stay as are allowed")
    for peer in peers:
        peer.close()

    def served():
        with contextlib.suppress(OSError):
            return get(gateway.port, "/")[0] == 200
    wait_for(served, "there are places again")


def answered(gateway):
    """Connections may still be refused."""
    with contextlib.suppress(OSError):
        return get(gateway.port, "/")[0] == 200
    return False


def still_open(peer):
    peer.settimeout(0.01)
    try:
        return bool(peer.recv(1))
    except socket.timeout:
        return True
    except OSError:
        return False


def file_descriptors_that_run_out_stop_nothing_for_good(gateway):
    gateway.arguments = ["--max-connections", "0"]
    gateway.backend()
    gateway.route(ROUTE)
    limited(gateway, resource.RLIMIT_NOFILE, 128)
    gateway.wait_for_route("/")
    peers = []
    for _ in range(300):
        peer = socket.socket()
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            peer.connect(("127.0.0.1", gateway.port))
        peers.append(peer)
    before = cpu_seconds(gateway)
    began = time.monotonic()
    while time.monotonic() - began < 2:
        still_open(peers[0])
    spent = cpu_seconds(gateway) - before
    assert spent < 1, f"{spent} s of CPU in 2 s: it spins"
    assert gateway.process.poll() is None
    for peer in peers:
        peer.close()

    def served():
        with contextlib.suppress(OSError):
            return get(gateway.port, "/")[0] == 200
    wait_for(served, "accept goes on", 15)


def what_clients_hold_leaves_files_to_the_process(gateway):
    """A client whose request waits holds two descriptors, its own and the backend's. Readiness, the admin port and edits go on without them."""
    upstream = ScriptedUpstream(lambda peer, _: [peer.recv(65536)] and peer.recv(1))
    gateway.service("held", upstream.port)
    gateway.backend()
    held = "    - matches: [{path: {type: PathPrefix, value: /held}}]\n      backendRefs: [{name: held, port: 80}]\n"
    gateway.route(held + ROUTE)
    limited(gateway, resource.RLIMIT_NOFILE, 256)
    gateway.wait_for_route("/")
    peers = []
    for _ in range(200):
        with contextlib.suppress(OSError):
            peers.append(socket.create_connection(("127.0.0.1", gateway.port), 5))
            peers[-1].sendall(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_for(lambda: upstream.connections >= 80, "many wait")
    assert len(list(pathlib.Path(f"/proc/{gateway.process.pid}/fd").iterdir())) >= 220, "this is no shortage"
    for port, path in ((gateway.ready, "/ready"), (gateway.admin, "/stats"), (gateway.metrics, "/metrics")):
        assert get(port, path)[0] == 200, path
    gateway.route(held)
    wait_for(lambda: b"snapshot 2" in gateway.log_path.read_bytes(), "the edit is read")
    for peer in peers:
        peer.close()

    def edited():
        with contextlib.suppress(OSError):
            return get(gateway.port, "/")[0] == 404
    wait_for(edited, "the edit holds")


def udp_sessions_leave_files_to_others(gateway):
    """A datagram may come from anybody, in anybody's name: each that makes up a client takes a session, and its file descriptor, for a minute."""
    port = free_port()
    gateway.backend()
    gateway.route(ROUTE)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    gateway.service("datagrams", silent.getsockname()[1])
    service = gateway.config / "service-datagrams.yaml"
    service.write_text(service.read_text().replace("{port: 80}", "{port: 80, protocol: UDP}"))
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: udp, protocol: UDP, port: {port}}}\n"))
    gateway.write("udp.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: datagrams}
spec:
  parentRefs: [{name: g, sectionName: udp}]
  rules: [{backendRefs: [{name: datagrams, port: 80}]}]
""")
    limited(gateway, resource.RLIMIT_NOFILE, 256)
    gateway.wait_for_route("/")
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(400)]
    for client in clients:
        client.sendto(b"x", ("127.0.0.1", port))
    wait_for(lambda: stat(gateway, "downstream_sess_overflow") >= 300, "those above the limit are dropped")
    assert stat(gateway, "limit_hits.udp_sessions") == stat(gateway, "downstream_sess_overflow")
    assert stat(gateway, "downstream_sess_active") <= 256 // 8, stat(gateway, "downstream_sess_active")
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 200
    for one in (*clients, silent):
        one.close()


def slow_heads_end(gateway):
    """A head has ten seconds from its first byte, however its bytes trickle."""
    gateway.backend()
    gateway.route(ROUTE)
    gateway.start()
    gateway.wait_for_route("/")
    peers = [socket.create_connection(("127.0.0.1", gateway.port), 5) for _ in range(50)]
    began = time.monotonic()
    answers = {}
    for peer in peers:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
    while len(answers) < len(peers) and time.monotonic() - began < 20:
        for peer in peers:
            if peer in answers:
                continue
            peer.settimeout(0.02)
            with contextlib.suppress(socket.timeout):
                try:
                    peer.sendall(b"X")
                    answers[peer] = peer.recv(65536)
                except ConnectionError:
                    answers[peer] = b"reset"
    assert len(answers) == len(peers) and 9 < time.monotonic() - began < 15, (len(answers), time.monotonic() - began)
    assert sum(answer.startswith(b"HTTP/1.1 408 ") for answer in answers.values()) > 0, list(answers.values())[:3]
    assert stat(gateway, "downstream_rq_header_timeout") == stat(gateway, "limit_hits.head_time") == len(peers)
    assert get(gateway.port, "/")[0] == 200


def what_is_turned_away_counts_by_its_limit(gateway):
    gateway.backend()
    gateway.route(ROUTE)
    gateway.write("buffer.yaml", """
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: buffer}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  buffer: {maxRequestSize: 1Ki}
""")
    gateway.start()
    gateway.wait_for_route("/")
    head = b"GET %b HTTP/1.1\r\nHost: a\r\n"
    ways = {"head_bytes": (head % b"/" + b"a: " + b"x" * 33000 + b"\r\n\r\n", b" 431 "), "head_fields": (head % b"/" + b"a: b\r\n" * 200 + b"\r\n", b" 431 "),
            "target_bytes": (head % (b"/" + b"x" * 17000) + b"\r\n", b" 414 "),
            "trailers": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 2000 + b"\r\n", b" 400 "),
            "request_body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", b" 413 ")}
    for limit, (data, status) in ways.items():
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
            peer.sendall(data)
            assert status in peer.recv(65536).split(b"\r\n")[0], limit
        wait_for(lambda: stat(gateway, f"limit_hits.{limit}") == 1, f"{limit} counts it")
    lines = get(gateway.metrics, "/metrics")[2].decode().splitlines()
    for limit in ways:
        assert f'tidegate_limit_hits_total{{limit="{limit}"}} 1' in lines, [line for line in lines if "limit_hits" in line]
    assert not any('limit="http2_resets"' in line for line in lines), "it was never hit"


def a_body_beyond_its_window_counts(gateway):
    stop = sink(gateway)
    gateway.start()
    gateway.wait_for_route("/")
    client = h2.Client(gateway.port, wait=False)
    client.open(1, h2.request("/sink", "POST"), end=False)
    client.peer.settimeout(1)
    with contextlib.suppress(OSError):  # nobody takes it: the gateway's windows are full long before
        for _ in range(4 * MEGA // 16384):
            client.peer.sendall(h2.frame(h2.DATA, 0, 1, b"x" * 16384))
    wait_for(lambda: stat(gateway, "limit_hits.http2_window") >= 1, "it is above the limit")
    client.peer.close()
    stop.set()


def slow_readers_hold_no_memory(gateway):
    gateway.backend()
    gateway.route(ROUTE)
    gateway.start()
    gateway.wait_for_route("/")
    before = resident(gateway)
    clients = []
    for _ in range(100):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", gateway.port))
        peer.sendall(b"GET /?bytes=30000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        clients.append(peer)
    slow = h2.Client(gateway.port, struct.pack("!HI", 4, 1))
    for stream in range(1, 100, 2):
        slow.open(stream, h2.request("/?bytes=30000000"))
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 200
    assert resident(gateway) - before < (144 if sanitized(gateway.binary) else 48) * MEGA, resident(gateway) - before
    for peer in [*clients, slow.peer]:
        peer.close()
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "the exchanges end with their clients")


def many_idle_connections_cost_little(gateway):
    gateway.backend()
    gateway.route(ROUTE)
    gateway.start()
    gateway.wait_for_route("/")
    before = resident(gateway)
    peers = []
    for _ in range(2000):
        peer = socket.create_connection(("127.0.0.1", gateway.port), 5)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        peers.append(peer)
    for peer in peers:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")
    wait_for(lambda: resident(gateway) - before < 2000 * 20 * 1024, "an idle connection holds less than 20 KiB", 15)
    for peer in peers:
        peer.close()


def options_that_make_no_sense_are_refused(gateway):
    for words in (["--memory-limit", "lots"], ["--memory-limit", "1TB"], ["--max-connections", "-1"]):
        done = subprocess.run([gateway.binary, "run", "--config", str(gateway.config), *words], capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 2 and words[0] in done.stderr, done


TESTS = [memory_is_refused_before_it_runs_out, answers_that_nobody_takes_are_held_within_the_limit, the_defaults_hold_where_addresses_are_limited, connections_are_counted_and_refused,
         file_descriptors_that_run_out_stop_nothing_for_good, what_clients_hold_leaves_files_to_the_process, udp_sessions_leave_files_to_others, slow_heads_end, what_is_turned_away_counts_by_its_limit, a_body_beyond_its_window_counts, slow_readers_hold_no_memory, many_idle_connections_cost_little,
         options_that_make_no_sense_are_refused]

# What they measure is the sanitizers' own; and without a free descriptor these cannot look at memory.
NOT_SANITIZED = [memory_is_refused_before_it_runs_out, answers_that_nobody_takes_are_held_within_the_limit,
                 the_defaults_hold_where_addresses_are_limited, file_descriptors_that_run_out_stop_nothing_for_good,
                 many_idle_connections_cost_little]

if __name__ == "__main__":
    if sanitized(sys.argv[1]):
        TESTS = [test for test in TESTS if test not in NOT_SANITIZED]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
