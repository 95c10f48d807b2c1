"""A gRPC service that answers every call of one method with one message, and its bytes made by hand."""
import pathlib
import subprocess
import tempfile

from gateway import free_port


def proto(field, value):
    """One field of Protocol Buffers: bytes, or a number below 128."""
    if isinstance(value, int):
        return bytes([field << 3, value])
    assert len(value) < 128
    return bytes([field << 3 | 2, len(value)]) + value


def header(name, value):
    """A field whose first is a HeaderValue."""
    return proto(1, proto(1, name) + proto(2, value))


class GrpcService:
    """Listens in HTTP/2 without TLS, behind the gateway's Service `name`."""

    def __init__(self, gateway, message, method="envoy.service.auth.v3.Authorization/Check", name="auth"):
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-test-")
        path = pathlib.Path(self.folder.name) / method
        path.parent.mkdir()
        path.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        self.port = free_port()
        self.process = subprocess.Popen(["nghttpd", "--no-tls", "-d", self.folder.name, "--trailer", "grpc-status: 0", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        gateway.backends.append(self)
        gateway.service(name, self.port)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()
