"""What a request costs, counted and not timed: allocations, calls of the kernel, and instructions where the machine counts them, on one
connection that asks again and again. (Instructions of the table are those that valgrind's callgrind sees.)
A number that grows is a change to be meant: then the table here changes with it. Usage: cost.py BINARY"""
import mmap
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "support"))
from certificates import Certificate  # noqa: E402
from gateway import free_port, main, sanitized  # noqa: E402
from instructions import Instructions  # noqa: E402

N = 300
ROUTE = "    - backendRefs: [{name: echo, port: 80}]\n"
BROWSER = "".join(f"X-Header-{i}: {'value' * (i % 7 + 1)}\r\n" for i in range(20))


class Counted:
    """A gateway that counts, with a backend that answers 64 bytes."""

    def __init__(self, gateway, library, listeners="", app_protocol=""):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(4096))
        self.file.flush()
        self.counters = mmap.mmap(self.file.fileno(), 4096)
        self.gateway, self.instructions = gateway, None
        gateway.workers = 1
        gateway.environment = {"LD_PRELOAD": str(library), "TIDEGATE_TEST_COUNTERS": self.file.name}
        gateway.backend(app_protocol=app_protocol)
        gateway.route(ROUTE)
        if listeners:
            gateway.write("gateway.yaml", gateway.gateway_yaml(listeners))

    def now(self):
        return (*struct.unpack("QQ", self.counters[:16]), self.instructions.now() if self.instructions else 0)

    def of(self, run):
        """(allocations, calls, instructions) a request; none of the last where they cannot be counted. The least of some runs: other
        threads' housekeeping is in some of them."""
        run()
        try:
            self.instructions = Instructions(self.gateway.process.pid)
        except OSError as why:
            print(f"     instructions are not counted: {why}", flush=True)
        best = (float("inf"),) * 3
        for _ in range(5):
            before = self.now()
            run()
            after = self.now()
            best = tuple(min(old, (b - a) / N) for old, a, b in zip(best, before, after))
        if self.instructions:
            self.instructions.close()
        return best


def asks(peer, request):
    """One request after the other on a connection."""
    def run():
        for _ in range(N):
            peer.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += peer.recv(65536)
            head, _, body = got.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            while len(body) < size:
                body += peer.recv(65536)
    return run


def library(binary):
    """Built once beside the binary."""
    source, out = ROOT / "support" / "counting.c", pathlib.Path(binary).resolve().parent / "counting.so"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-fno-builtin", str(source), "-o", str(out) + ".new", "-ldl"], check=True)
        os.replace(str(out) + ".new", out)
    return out


def within(name, got, allocations, calls, instructions):
    """At most; how often the loop wakes up depends a little on who else is on the machine."""
    print(f"     {name}: {got[0]:.2f} allocations, {got[1]:.2f} calls of the kernel, {got[2]:.0f} instructions a request", flush=True)
    assert got[0] <= allocations + 0.4, f"{name}: {got[0]:.2f} allocations a request, where there were {allocations}"
    assert got[1] <= calls * 1.25, f"{name}: {got[1]:.2f} calls of the kernel a request, where there were {calls}"
    assert got[2] <= instructions * 1.25, f"{name}: {got[2]:.0f} instructions a request, where there were {instructions}"
    # Nor much less: then the table is out of date and would let the next change pass.
    assert got[0] >= allocations - 1, f"{name}: {got[0]:.2f} allocations, and the table says {allocations}"


def http1_costs_what_it_did(gateway):
    counted = Counted(gateway, LIBRARY)
    gateway.start()
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        within("HTTP/1.1", counted.of(asks(peer, b"GET /?size=64 HTTP/1.1\r\nHost: a.example\r\n\r\n")), 0, 6, 14_700)
        within("HTTP/1.1, 20 fields", counted.of(asks(peer, f"GET /?size=64 HTTP/1.1\r\nHost: a.example\r\n{BROWSER}\r\n".encode())), 0, 6, 22_100)
        within("HTTP/1.1, 1 KiB up", counted.of(asks(peer, b"POST /?size=64 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024)), 0, 7, 15_900)


def a_connection_costs_what_it_did(gateway):
    counted = Counted(gateway, LIBRARY)
    gateway.start()

    def run():
        for _ in range(N):
            with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
                peer.sendall(b"GET /?size=64 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
                while peer.recv(65536):
                    pass
    within("a connection a request", counted.of(run), 3, 12, 21_300)


def tls_costs_what_it_did(gateway):
    Certificate(pathlib.Path(gateway.folder.name), "a.example").secret(gateway, "cert")
    port = free_port()
    counted = Counted(gateway, LIBRARY, f"    - {{name: https, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: cert}}]}}}}\n")
    gateway.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="a.example") as peer:
        within("TLS", counted.of(asks(peer, b"GET /?size=64 HTTP/1.1\r\nHost: a.example\r\n\r\n")), 6.5, 6, 32_400)


def http2_costs_what_it_did(gateway):
    counted = Counted(gateway, LIBRARY, app_protocol="kubernetes.io/h2c")
    gateway.start()

    def run():
        out = subprocess.run(["h2load", "-t1", "-c1", "-m1", f"-n{N}", f"http://127.0.0.1:{gateway.port}/?size=64"], capture_output=True, text=True)
        assert f"{N} succeeded" in out.stdout, out.stdout
    within("HTTP/2 to HTTP/2", counted.of(run), 18.4, 6, 44_900)


TESTS = [http1_costs_what_it_did, a_connection_costs_what_it_did, tls_costs_what_it_did, http2_costs_what_it_did]

if __name__ == "__main__":
    if sanitized(sys.argv[1]):
        print("PASS what a request costs is not counted under sanitizers, which allocate for themselves")
        sys.exit(0)
    LIBRARY = library(sys.argv[1])
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
