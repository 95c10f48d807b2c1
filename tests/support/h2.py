"""An HTTP/2 client that sends what it is told, valid or not. Standard library only."""
import contextlib
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, \
    CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
STATIC_STATUS = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


def integer(value, prefix, first=0):
    top = (1 << prefix) - 1
    if value < top:
        return bytes((first | value,))
    out, value = bytes((first | top,)), value - top
    while value >= 128:
        out, value = out + bytes((value % 128 | 128,)), value // 128
    return out + bytes((value,))


def literal(text):
    text = text.encode("latin-1") if isinstance(text, str) else text
    return integer(len(text), 7) + text


def block(fields):
    """HPACK, each field a literal that is not indexed."""
    return b"".join(b"\x00" + literal(name) + literal(value) for name, value in fields)


def request(path="/", method="GET", authority="a", scheme="http", more=()):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *more]


def number_of_huffman(data, size):
    """Digits only."""
    bits = "".join(f"{byte:08b}" for byte in data)
    out, at = "", 0
    while len(out) < size and at + 5 <= len(bits):
        five = int(bits[at:at + 5], 2)
        if five < 3:
            out, at = out + str(five), at + 5
        else:
            out, at = out + str(int(bits[at:at + 6], 2) - 22), at + 6
    return out


def status_of(head):
    """Of the first answers of a connection: later ones may be in the dynamic table."""
    while head and head[0] & 0xe0 == 0x20:  # the size of the table
        head = head[1:]
    if head[0] & 0x80:
        return STATIC_STATUS.get(head[0] & 0x7f, 0)
    if head[0] in (0x08, 0x18, 0x48):
        length = head[1] & 0x7f
        text = head[2:2 + length]
        return int(number_of_huffman(text, 3) if head[1] & 0x80 else text)
    return 0


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def code(self):
        return struct.unpack("!I", self.payload[4:8] if self.kind == GOAWAY else self.payload[:4])[0]

    def __repr__(self):
        return f"<{self.kind} {self.flags:x} on {self.stream}: {len(self.payload)} {self.payload[:12].hex()}>"


class Client:
    """Settings are exchanged at once. What has come is in `frames`; `closed` once the gateway has closed."""

    def __init__(self, port, settings=b"", buffer=None, wait=True, wrap=None):
        self.peer = socket.socket()
        if buffer:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.peer.settimeout(5)
        self.peer.connect(("127.0.0.1", port))
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:  # TLS
            self.peer = wrap(self.peer)
        self.frames, self.rest, self.closed = [], b"", False
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        if wait:
            self.until(lambda: self.heard(SETTINGS))
            self.send(frame(SETTINGS, ACK, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, data):
        """False: the gateway has closed."""
        with contextlib.suppress(OSError):
            self.peer.sendall(data)
            return True
        return False

    def receive(self, seconds=0.5):
        self.peer.settimeout(max(seconds, 0.001))
        try:
            chunk = self.peer.recv(1 << 16)
        except socket.timeout:
            return False
        except OSError:
            chunk = b""
        self.closed = self.closed or not chunk
        self.rest += chunk
        while len(self.rest) >= 9:
            size = int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < 9 + size:
                break
            stream = struct.unpack("!I", self.rest[5:9])[0] & 0x7fffffff
            self.frames.append(Frame(self.rest[3], self.rest[4], stream, self.rest[9:9 + size]))
            self.rest = self.rest[9 + size:]
        return bool(chunk)

    def until(self, fact, seconds=5):
        end = time.monotonic() + seconds
        while not (value := fact()) and not self.closed and time.monotonic() < end:
            self.receive(end - time.monotonic())
        return value or fact()

    def heard(self, kind, stream=None):
        return [one for one in self.frames if one.kind == kind and (stream is None or one.stream == stream)]

    def goaway(self):
        """The code of the last GOAWAY that has one, else of the last; None: there was none."""
        codes = [one.code for one in self.heard(GOAWAY)]
        return next((code for code in reversed(codes) if code), codes[-1] if codes else None)

    def open(self, stream, fields, end=True):
        return self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields)))

    def outcome(self, stream, seconds=5):
        """"200", "reset CODE", "goaway CODE", "closed", or "silence"."""
        def ended():
            return self.heard(HEADERS, stream) or self.heard(RST_STREAM, stream) or self.goaway()
        self.until(ended, seconds)
        if self.heard(HEADERS, stream):
            return str(status_of(self.heard(HEADERS, stream)[0].payload))
        if self.heard(RST_STREAM, stream):
            return f"reset {self.heard(RST_STREAM, stream)[0].code}"
        if self.goaway():
            return f"goaway {self.goaway()}"
        return "closed" if self.closed else "silence"


class Server:
    """The other side, for a backend: takes requests, sends what it is told."""

    def __init__(self, peer, settings=b""):
        self.peer, self.rest = peer, b""
        peer.settimeout(20)
        while len(self.rest) < len(PREFACE):
            self.more()
        self.rest = self.rest[len(PREFACE):]
        peer.sendall(frame(SETTINGS, 0, 0, settings))

    def more(self):
        chunk = self.peer.recv(1 << 16)
        if not chunk:
            raise OSError("closed")
        self.rest += chunk

    def frame(self):
        while len(self.rest) < 9 or len(self.rest) < 9 + int.from_bytes(self.rest[:3], "big"):
            self.more()
        size = int.from_bytes(self.rest[:3], "big")
        out = Frame(self.rest[3], self.rest[4], struct.unpack("!I", self.rest[5:9])[0] & 0x7fffffff, self.rest[9:9 + size])
        self.rest = self.rest[9 + size:]
        if out.kind == SETTINGS and not out.flags & ACK:
            self.peer.sendall(frame(SETTINGS, ACK, 0))
        return out

    def request(self):
        """The next stream's id."""
        while True:
            one = self.frame()
            if one.kind == HEADERS:
                return one.stream
