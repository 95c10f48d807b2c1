"""Traffic of the soak. Each function is one round of one kind of client; soak.py calls it again and again in threads."""
import base64
import contextlib
import os
import pathlib
import random
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from backends import RESET, field, pattern  # noqa: E402
from certificates import anybody  # noqa: E402

PATIENCE = 15  # seconds: nothing takes as long, unless it hangs
GOOD = ("steady", "touched", "kept", "other")  # hosts whose requests never fail, whatever is edited


class Broken(Exception):
    """The answer ended before its end."""


class Http1:
    """A kept connection that checks what it reads."""

    def __init__(self, port, tls=False, buffer=None):
        self.peer = socket.socket()
        if buffer:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.peer.settimeout(PATIENCE)
        self.peer.connect(("127.0.0.1", port))
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.peer = anybody().wrap_socket(self.peer, server_hostname="soak.example.com")
        self.data, self.open = b"", True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, method, path, host, kind, number, body=b"", chunked=False, more=""):
        framing = "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}.example.com\r\nX-Soak-Id: {number}\r\nX-Soak-Kind: {kind}\r\n{framing}{more}\r\n".encode()
        if not chunked:
            return self.peer.sendall(head + body)
        self.peer.sendall(head)
        for at in range(0, len(body), 30000):
            piece = body[at:at + 30000]
            self.peer.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        return self.peer.sendall(b"0\r\n\r\n")

    def more(self):
        chunk = self.peer.recv(1 << 18)
        if not chunk:
            raise Broken("closed")
        self.data += chunk

    def receive(self, slow=False):
        """Status and body."""
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        status = int(head[9:12])
        self.open = field(head, b"connection") != b"close"
        if field(head, b"transfer-encoding") == b"chunked":
            body = b""
            while True:
                while b"\r\n" not in self.data:
                    self.more()
                line, self.data = self.data.split(b"\r\n", 1)
                size = int(line, 16)
                while len(self.data) < size + 2:
                    self.more()
                body, self.data = body + self.data[:size], self.data[size + 2:]
                if size == 0:
                    return status, body
        size = int(field(head, b"content-length") or 0)
        pieces, got = [self.data], len(self.data)
        while got < size:
            if slow:
                time.sleep(0.01)
            chunk = self.peer.recv(1 << 16)
            if not chunk:
                raise Broken("closed in the body")
            pieces.append(chunk)
            got += len(chunk)
        body = b"".join(pieces)
        self.data = body[size:]
        return status, body[:size]

    def good(self, world, kind, method="GET", size=20, body=b"", host=None, chunked=False, slow=False):
        """One request that must succeed."""
        number, host = world.ledger.id(once=method == "POST"), host or random.choice(GOOD)
        self.send(method, f"/{kind}?bytes={size}", host, kind, number, body, chunked)
        status, answer = self.receive(slow)
        if status != 200 or answer != pattern(number, size):
            world.ledger.fail(kind, f"{host}: {status} {answer[:60]!r}")
        else:
            world.ledger.end(kind, 200, number, times=1)


def small(world, kind, connection):
    if random.random() < 0.5:
        connection.good(world, kind, size=random.choice((0, 20, 1000, 5000)))
    else:
        connection.good(world, kind, "POST", body=b"x" * random.choice((0, 10, 3000)), chunked=random.random() < 0.3)


def kept(world):
    with Http1(world.port) as connection:
        for _ in range(200):
            small(world, "kept", connection)
            if world.over() or not connection.open:
                break


def new(world):
    with Http1(world.port) as connection:
        small(world, "new", connection)


def tls(world):
    with Http1(world.tls_port, tls=True) as connection:
        for _ in range(random.choice((1, 20))):
            small(world, "tls", connection)
            if not connection.open:
                break


def large(world):
    with Http1(world.port) as connection:
        size = random.choice((300_000, 4_000_000))
        if random.random() < 0.5:
            connection.good(world, "large", size=size)
        else:
            connection.good(world, "large", "POST", body=b"x" * size, chunked=random.random() < 0.5)


def slow(world):
    """A body that trickles in, or one that is taken slowly."""
    with Http1(world.port, buffer=8192) as connection:
        if random.random() < 0.5:
            return connection.good(world, "slow", size=1_000_000, slow=True)
        number = world.ledger.id(once=True)
        head = f"POST /slow?bytes=20 HTTP/1.1\r\nHost: steady.example.com\r\nX-Soak-Id: {number}\r\nX-Soak-Kind: slow\r\nContent-Length: 20\r\n\r\n".encode()
        for byte in head[:30]:
            connection.peer.sendall(bytes([byte]))
            time.sleep(0.005)
        connection.peer.sendall(head[30:])
        for _ in range(20):
            time.sleep(0.02)
            connection.peer.sendall(b"x")
        status, answer = connection.receive()
        if status != 200 or answer != pattern(number, 20):
            return world.ledger.fail("slow", f"{status} {answer[:60]!r}")
        return world.ledger.end("slow", 200, number, times=1)


def websocket(world):
    number = world.ledger.id()
    key = base64.b64encode(os.urandom(16)).decode()
    with Http1(world.port) as connection:
        connection.send("GET", "/websocket", "socket", "websocket", number,
                        more=f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")
        while b"\r\n\r\n" not in connection.data:
            connection.more()
        head, connection.data = connection.data.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101 "):
            return world.ledger.fail("websocket", repr(head[:60]))
        for _ in range(random.choice((1, 50))):
            message = os.urandom(100)
            connection.peer.sendall(b"\x82" + bytes([0x80 | len(message)]) + bytes(4) + message)
            while len(connection.data) < 2 + len(message):
                connection.more()
            got, connection.data = connection.data[:2 + len(message)], connection.data[2 + len(message):]
            if got[2:] != message:
                return world.ledger.fail("websocket", "another message came back")
        return world.ledger.end("websocket", 101)


def sessions(world, port, context=None):
    """HTTP/2: ten streams at once, a few times."""
    def wrap(peer):
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(peer, server_hostname="soak.example.com")
    kind = "h2-tls" if context else "h2"
    with h2.Client(port, wrap=wrap if context else None) as client:
        stream = 1
        for _ in range(3):
            asked = {}
            for _ in range(10):
                post = random.random() < 0.5
                number = world.ledger.id(once=post)
                fields = h2.request(f"/{kind}?bytes=500", "POST" if post else "GET", f"{random.choice(GOOD)}.example.com",
                                    more=[("x-soak-id", str(number)), ("x-soak-kind", kind)])
                client.open(stream, fields, end=not post)
                if post:
                    client.send(h2.frame(h2.DATA, h2.END_STREAM, stream, b"x" * 1000))
                asked[stream], stream = number, stream + 2
            for one, number in asked.items():
                ended = client.until(lambda: any(f.stream == one and (f.flags & 1 or f.kind == h2.RST_STREAM) for f in client.frames if f.kind in (0, 1, 3)), PATIENCE)
                body = b"".join(f.payload for f in client.heard(h2.DATA, one))
                head = client.heard(h2.HEADERS, one)
                if not ended or not head or h2.status_of(head[0].payload) != 200 or body != pattern(number, 500):
                    world.ledger.fail(kind, f"ended {bool(ended)}, goaway {client.goaway()}, closed {client.closed}, frames {[f for f in client.frames if f.stream == one]}")
                else:
                    world.ledger.end(kind, 200, number, times=1)
            client.frames = [f for f in client.frames if f.kind in (h2.GOAWAY, h2.SETTINGS)]
            if world.over() or client.goaway() is not None:
                break


def http2(world):
    sessions(world, world.port)


def http2_tls(world):
    sessions(world, world.tls_port, anybody())


def calls(world):
    """gRPC-like calls: a message, an answer with a message, trailers."""
    with h2.Client(world.port) as client:
        for stream in range(1, 41, 2):
            number = world.ledger.id(once=True)
            message = b"\0" + struct.pack("!I", 12) + f"{number:012d}".encode()
            client.open(stream, h2.request("/soak.Soak/Call", "POST", "calls.example.com",
                                           more=[("te", "trailers"), ("content-type", "application/grpc"), ("x-soak-kind", "calls")]), end=False)
            client.send(h2.frame(h2.DATA, h2.END_STREAM, stream, message))
            client.until(lambda: any(f.stream == stream and (f.flags & 1 or f.kind == h2.RST_STREAM) for f in client.frames if f.kind in (0, 1, 3)), PATIENCE)
            heads = client.heard(h2.HEADERS, stream)
            body = b"".join(f.payload for f in client.heard(h2.DATA, stream))
            if len(heads) != 2 or h2.status_of(heads[0].payload) != 200 or body != message:
                world.ledger.fail("calls", f"goaway {client.goaway()}, frames {[f for f in client.frames if f.stream == stream]}")
            else:
                world.ledger.end("calls", 200, number, times=1)
            if world.over() or client.goaway() is not None:
                break


def leave(world, peer):
    if random.random() < 0.5:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    world.ledger.end("aborted", "left")


def aborted(world):
    """Clients that go away at any moment; nothing is expected, but that it harms nobody."""
    what = random.randrange(8)
    number = world.ledger.id(once=True)
    if what in (0, 1):  # in the head, in the body
        peer = socket.create_connection(("127.0.0.1", world.port), PATIENCE)
        data = f"POST /aborted HTTP/1.1\r\nHost: steady.example.com\r\nX-Soak-Id: {number}\r\nX-Soak-Kind: aborted\r\nContent-Length: 100000\r\n\r\n".encode()
        peer.sendall(data[:random.randrange(1, len(data))] if what == 0 else data + b"x" * random.randrange(99999))
    elif what == 2:  # in the answer
        peer = socket.create_connection(("127.0.0.1", world.port), PATIENCE)
        peer.sendall(f"GET /aborted?bytes=5000000 HTTP/1.1\r\nHost: steady.example.com\r\nX-Soak-Id: {number}\r\nX-Soak-Kind: aborted\r\n\r\n".encode())
        peer.recv(random.randrange(1, 100000))
    elif what == 3:  # garbage
        peer = socket.create_connection(("127.0.0.1", random.choice((world.port, world.tls_port))), PATIENCE)
        peer.sendall(os.urandom(random.randrange(1, 2000)))
        peer.settimeout(0.05)
        with contextlib.suppress(OSError):
            peer.recv(1000)
    elif what == 4:  # in the handshake
        peer = socket.create_connection(("127.0.0.1", world.tls_port), PATIENCE)
        client = ssl.MemoryBIO()
        context = anybody().wrap_bio(ssl.MemoryBIO(), client, server_hostname="soak.example.com")
        with contextlib.suppress(ssl.SSLWantReadError):
            context.do_handshake()
        data = client.read()
        peer.sendall(data[:random.randrange(1, len(data) + 1)])
    elif what == 5:  # a pipeline that nobody reads the answers of
        peer = socket.create_connection(("127.0.0.1", world.port), PATIENCE)
        peer.sendall(b"".join(f"GET /aborted HTTP/1.1\r\nHost: steady.example.com\r\nX-Soak-Id: {world.ledger.id()}\r\nX-Soak-Kind: aborted\r\n\r\n".encode() for _ in range(10)))
    else:  # HTTP/2: streams reset, bodies without end
        client = h2.Client(world.port)
        for stream in (1, 3, 5):
            client.open(stream, h2.request("/aborted?bytes=300000", "POST", "steady.example.com",
                                           more=[("x-soak-id", str(world.ledger.id(once=True))), ("x-soak-kind", "aborted")]), end=stream == 1)
            client.send(h2.frame(h2.DATA, 0, stream, b"x" * 100)) if stream != 1 else None
        if what == 6:
            client.send(h2.frame(h2.RST_STREAM, 0, random.choice((1, 3, 5)), struct.pack("!I", h2.CANCEL)))
            client.receive(0.05)
        peer = client.peer
    leave(world, peer)


def faulty(world):
    """A request to a backend that fails: the documented outcomes, and no other."""
    name = random.choice(list(world.faults))
    allowed = world.faults[name]
    post = random.random() < 0.5
    number = world.ledger.id(once=post)
    with Http1(world.port) as connection:
        connection.send("POST" if post else "GET", "/", name, name, number, b"x" * 10 if post else b"")
        try:
            status, body = connection.receive()
            outcome = status
            if status == 200 and body != pattern(number, 20):
                outcome = "a wrong body"
        except (Broken, ConnectionError):
            outcome = "broken off"
        except socket.timeout:
            outcome = "silence"
    if outcome in allowed:
        world.ledger.end(name, outcome)
    else:
        world.ledger.fail(name, f"{outcome}, where {sorted(map(str, allowed))} are documented")


# How many threads run each.
KINDS = {kept: 2, new: 2, tls: 1, large: 1, slow: 2, websocket: 1, http2: 1, http2_tls: 1, calls: 1, aborted: 2, faulty: 3}
