"""A backend that does as a test says, byte by byte."""
import contextlib
import socket
import threading


class ScriptedUpstream:
    """Each connection is handed to `script(peer, number)`, in a thread of its own; what it received is kept."""

    def __init__(self, script):
        self.script = script
        self.heads = []
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()
        self.port = self.listening.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listening.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(peer, self.connections), daemon=True).start()

    def serve(self, peer, number):
        with contextlib.suppress(OSError), peer:
            self.script(peer, number)

    def head(self, peer):
        """Reads one request head; what follows it is returned with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = peer.recv(65536)
            if not chunk:
                raise OSError("closed")
            data += chunk
        head, rest = data.split(b"\r\n\r\n", 1)
        self.heads.append(head)
        return head, rest

    def stop(self):
        self.listening.close()
