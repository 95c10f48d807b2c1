"""A collector of spans and log entries: OTLP over gRPC and HTTP, Envoy's log service. HTTP/2 by hand, as far as a gRPC
client needs it: request fields are not looked at, each method has a port of its own."""
import http.server
import socket
import struct
import threading
import time

from gateway import free_port


def fields(data):
    """The fields of a message of Protocol Buffers: number to list of values."""
    out = {}
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            size = varint()
            value, at = data[at:at + size], at + size
            assert len(value) == size, "the message is cut short"
        else:
            size = {1: 8, 5: 4}[kind]
            value, at = int.from_bytes(data[at:at + size], "little"), at + size
        out.setdefault(tag >> 3, []).append(value)
    return out


def any_value(data):
    value = fields(data)
    if 1 in value:
        return value[1][0].decode()
    if 5 in value:
        return [any_value(one) for one in fields(value[5][0]).get(1, [])]
    return attributes(fields(value[6][0]).get(1, []))


def attributes(pairs):
    out = {}
    for pair in pairs:
        one = fields(pair)
        name = one[1][0].decode()
        assert name not in out, f"{name} is there twice"
        out[name] = any_value(one[2][0])
    return out


class Record:
    """A span or a log record with its resource."""

    def __init__(self, resource, data):
        self.resource = resource
        self.fields = fields(data)

    def text(self, number):
        return self.fields.get(number, [b""])[0].decode()

    def hex(self, number):
        return self.fields.get(number, [b""])[0].hex()

    def number(self, number):
        return self.fields.get(number, [0])[0]

    def attributes(self, number):
        return attributes(self.fields.get(number, []))


def records(request):
    """Of an ExportTraceServiceRequest or ExportLogsServiceRequest."""
    out = []
    for group in fields(request).get(1, []):
        one = fields(group)
        resource = attributes(fields(one[1][0]).get(1, []))
        for scope in one.get(2, []):
            out += [Record(resource, data) for data in fields(scope).get(2, [])]
    return out


class GrpcCollector:
    """`requests` are the messages that came. `status`: what each call is answered with; None: it never is."""

    def __init__(self, status=0, message=b""):
        self.requests = []
        self.status = status
        self.message = message
        self.heads = []
        self.calls = 0
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.open = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            self.converse(peer)
        except OSError:
            pass

    def converse(self, peer):
        stream = peer.makefile("rb")
        assert stream.read(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

        def send(kind, flags, number, payload=b""):
            peer.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", number) + payload)

        send(4, 0, 0)
        bodies = {}
        while True:
            head = stream.read(9)
            if len(head) < 9:
                return
            size, kind, flags, number = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
            payload = stream.read(size)
            if kind == 4 and not flags & 1:
                send(4, 1, 0)
            elif kind == 6 and not flags & 1:
                send(6, 1, 0, payload)
            elif kind == 1:
                self.heads.append(payload)
                bodies[number] = b""
            elif kind == 0:
                bodies[number] += payload
                if size:
                    for to in (0, number):
                        send(8, 0, to, struct.pack(">I", size))
            if kind in (0, 1) and flags & 1:
                body = bodies.pop(number)
                self.calls += 1
                if self.status is None:
                    continue
                if self.status == 0:
                    assert body[0] == 0 and int.from_bytes(body[1:5], "big") == len(body) - 5
                    self.requests.append(body[5:])
                self.answer(send, number)

    def answer(self, send, number):
        send(1, 4, number, b"\x88" + b"\x00\x0ccontent-type\x10application/grpc")
        if self.status == 0:
            send(0, 0, number, b"\0" + struct.pack(">I", len(self.message)) + self.message)
        text = str(self.status).encode()
        send(1, 5, number, b"\x00\x0bgrpc-status" + bytes([len(text)]) + text)

    def records(self):
        return [one for request in list(self.requests) for one in records(request)]

    def stop(self):
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


class GarbageCollector(GrpcCollector):
    """Answers every connection with what is no protocol."""

    def serve(self, peer):
        try:
            peer.recv(24)
            self.calls += 1
            peer.sendall(b"\xff\x00garbage" * 1000)
            time.sleep(0.05)
            peer.close()
        except OSError:
            pass


class HttpCollector:
    """OTLP over HTTP. `statuses`: of the first answers; then 200."""

    def __init__(self, statuses=()):
        self.requests = []
        self.paths = []
        self.headers = []
        waiting = list(statuses)
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = waiting.pop(0) if waiting else 200
                if status == 200:
                    collector.requests.append(body)
                collector.paths.append(self.path)
                collector.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def records(self):
        return [one for request in list(self.requests) for one in records(request)]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
