"""A backend that keeps every request it is sent, byte for byte, and answers each as a test says."""
import contextlib
import socket
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Request:
    def __init__(self, head, body):
        self.head, self.body = head, body
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]

    def all(self, name):
        return [value for key, value in self.fields if key == name]


class Recorder:
    """What reached the backend whole is in `requests`; what did not end is in `pieces()`."""

    def __init__(self, answer=OK):
        self.answer = answer
        self.requests = []
        self.unfinished = {}
        self.connections = 0
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listening.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(peer, self.connections), daemon=True).start()

    def serve(self, peer, number):
        data = b""
        with contextlib.suppress(OSError), peer:
            while True:
                request, data = self.take(data)
                if request:
                    self.requests.append(request)
                    peer.sendall(self.answer)
                    continue
                self.unfinished[number] = data
                chunk = peer.recv(65536)
                if not chunk:
                    return
                data += chunk

    def take(self, data):
        """The first request of `data` and the rest; as strict as can be: what is odd stays unfinished."""
        head, mark, rest = data.partition(b"\r\n\r\n")
        if not mark:
            return None, data
        request = Request(head, b"")
        lengths, codings = request.all("content-length"), request.all("transfer-encoding")
        if codings:
            if lengths or codings != ["chunked"]:
                return None, data
            while True:
                line, mark, after = rest.partition(b"\r\n")
                if not mark:
                    return None, data
                size = int(line, 16)
                if size == 0:
                    trailers, mark, after = (b"\r\n" + after).partition(b"\r\n\r\n")
                    request.trailers = trailers
                    return (request, after) if mark else (None, data)
                if len(after) < size + 2:
                    return None, data
                request.body += after[:size]
                rest = after[size + 2:]
        size = int(lengths[0]) if lengths else 0
        if len(lengths) > 1 or len(rest) < size:
            return None, data
        request.body = rest[:size]
        return request, rest[size:]

    def pieces(self):
        return b"".join(self.unfinished.values())

    def stop(self):
        self.listening.close()


def serve(gateway, recorder=None):
    """A gateway in front of a recorder, ready, with nothing recorded yet."""
    recorder = recorder or Recorder()
    gateway.service("echo", recorder.port)
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/ready")
    recorder.requests.clear()
    recorder.unfinished.clear()
    return recorder
