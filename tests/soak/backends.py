"""Backends of the soak: they count the ids of requests, and answer well, or badly in one way each."""
import contextlib
import socket
import struct
import sys
import threading
import time
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from gateway import free_port  # noqa: E402

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
OK = b"HTTP/1.1 200 OK\r\n"


def pattern(number, size):
    """A body that says whose it is."""
    piece = f"{number:012d}\n".encode()
    return (piece * (size // len(piece) + 1))[:size]


def field(head, name):
    mark = b"\r\n" + name + b":"
    at = head.lower().find(mark)
    return head[at + len(mark):].split(b"\r\n", 1)[0].strip() if at >= 0 else None


class Listening:
    """Threads that serve connections on a port; kill() is what the end of a process does to them."""

    def __init__(self, ledger):
        self.ledger, self.port, self.peers, self.lock = ledger, free_port(), set(), threading.Lock()
        self.socket = None
        self.start()

    def start(self):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(512)
        self.socket = listening
        threading.Thread(target=self.accept, args=(listening,), daemon=True).start()

    def accept(self, listening):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listening.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.run, args=(peer,), daemon=True).start()

    def run(self, peer):
        with self.lock:
            self.peers.add(peer)
        with contextlib.suppress(OSError, ValueError):
            self.serve(peer)
        with self.lock:
            self.peers.discard(peer)
        peer.close()

    def kill(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.socket.close()
        with self.lock:
            for peer in self.peers:
                with contextlib.suppress(OSError):
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    peer.shutdown(socket.SHUT_RDWR)


class Counting(Listening):
    """Well-behaved HTTP/1: reads the whole request, answers ?bytes=N of the request's pattern."""

    def serve(self, peer):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                chunk = peer.recv(65536)
                if not chunk:
                    return
                data += chunk
            head, data = data.split(b"\r\n\r\n", 1)
            number = int(field(head, b"x-soak-id") or 0)
            if number:
                self.ledger.count(number)
            data = self.body(peer, head, data)
            if not self.answer(peer, head, number):
                return

    def body(self, peer, head, data):
        """Passes over the body; what follows it."""
        def more():
            chunk = peer.recv(1 << 18)
            if not chunk:
                raise OSError("closed")
            return chunk
        if field(head, b"transfer-encoding") == b"chunked":
            while True:
                while b"\r\n" not in data:
                    data += more()
                line, data = data.split(b"\r\n", 1)
                left = int(line, 16) + 2
                while len(data) < left:
                    left -= len(data)
                    data = more()
                data = data[left:]
                if line == b"0":
                    return data
        left = int(field(head, b"content-length") or 0)
        while len(data) < left:
            left -= len(data)
            data = more()
        return data[left:]

    def answer(self, peer, head, number):
        target = head.split(b" ", 2)[1]
        size = int(target.split(b"bytes=")[1].split(b"&")[0]) if b"bytes=" in target else 20
        out = OK + f"Content-Length: {size}\r\nX-Soak-Id: {number}\r\n\r\n".encode()
        peer.sendall(out + pattern(number, size))
        return True


class Bad(Counting):
    """Answers in one of BAD's ways: bytes, then what becomes of the connection."""

    def __init__(self, ledger, way):
        self.data, self.then = BAD[way]
        super().__init__(ledger)

    def answer(self, peer, head, number):
        for piece in self.data:
            peer.sendall(piece)
            time.sleep(0.002)
        if self.then == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif self.then == "hang":
            peer.settimeout(20)
            peer.recv(1)
        return False


BAD = {
    "reset": ([], "reset"), "closed": ([], "close"), "reset-in-head": ([OK + b"A: "], "reset"), "closed-in-head": ([b"HTTP/1.1 20"], "close"),
    "reset-in-body": ([OK + b"Content-Length: 100\r\n\r\n", b"half"], "reset"), "closed-in-body": ([OK + b"Content-Length: 100\r\n\r\n", b"half"], "close"),
    "cut-chunks": ([OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"50\r\nhel"], "close"),
    "bad-chunks": ([OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"xyz\r\n"], "hang"),
    "garbage": ([b"\x00\x01\x02 garbage\r\n\r\n"], "close"), "two-lengths": ([OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"], "hang"),
    "silent": ([], "hang"), "slow-head": ([OK, b"A: b\r\n"], "hang"),
}


class Calls(Listening):
    """HTTP/2 in clear text, as gRPC uses it: a message is an id, and is answered with itself and a trailer."""

    def serve(self, peer):
        server = h2.Server(peer)
        peer.settimeout(None)
        calls, answered, head = {}, 0, h2.block([(":status", "200"), ("content-type", "application/grpc")])
        trailers = h2.block([("grpc-status", "0")])
        while True:
            one = server.frame()
            if one.kind == h2.PING and not one.flags & h2.ACK:
                peer.sendall(h2.frame(h2.PING, h2.ACK, 0, one.payload))
            elif one.kind == h2.GOAWAY:
                return
            elif one.kind == h2.RST_STREAM:
                calls.pop(one.stream, None)
            elif one.kind in (h2.HEADERS, h2.DATA):
                calls[one.stream] = calls.get(one.stream, b"") + (one.payload if one.kind == h2.DATA else b"")
                if one.flags & h2.END_STREAM:
                    message = calls.pop(one.stream)
                    self.ledger.count(int(message[5:17]))
                    answered += len(message)
                    out = h2.frame(h2.HEADERS, h2.END_HEADERS, one.stream, head) + h2.frame(h2.DATA, 0, one.stream, message)
                    out += h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, one.stream, trailers)
                    if answered > 20000:
                        out += h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", answered))
                        answered = 0
                    peer.sendall(out)


class Full:
    """A port whose queue is full: a connection to it is never made."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(peer)

    def kill(self):
        for peer in [*self.waiting, self.socket]:
            peer.close()
