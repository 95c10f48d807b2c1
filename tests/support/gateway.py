"""The real binary under test: a configuration directory, free ports, echo backends, raw sockets. Standard library only."""
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time


GIVEN = set()  # ports: somebody may ask again before anybody listens on one
PORTS = open(pathlib.Path(tempfile.gettempdir()) / f"tidegate-test-ports-{os.getuid()}", "ab")  # a byte a port, locked by whose it is


def taken(port):
    """Whether another script that runs now has it."""
    try:
        fcntl.lockf(PORTS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return False
    except OSError:
        return True


def free_port():
    """Below those that the system takes for outgoing connections: such a one could be there first."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    while True:
        port = random.randrange(min(10000, lowest - 1000), lowest)
        if port in GIVEN or taken(port) or not all(free_at(address, port) for address in ("0.0.0.0", "127.0.0.1")):
            continue
        GIVEN.add(port)
        return port


def free_at(address, port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def sanitized(binary):
    """Whether it is built with sanitizers, which take memory, file descriptors and allocations of their own."""
    linked = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    return "libasan" in linked or "libtsan" in linked


def wait_for(fact, what, seconds=10):
    """Waits until fact() is true; there is no other waiting in these tests."""
    end = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


def get(port, path, host=None, method="GET", body=None, headers=None, timeout=10):
    """One request on a connection of its own: status, headers (lower case), body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        all_headers = dict(headers or {})
        if host:
            all_headers["Host"] = host
        connection.request(method, path, body, all_headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def raw(port, data, timeout=5, until_closed=False):
    """Sends bytes, returns what comes back until the peer closes or is silent."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(data)
        peer.settimeout(timeout if until_closed else 0.5)
        out = b""
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            while chunk := peer.recv(65536):
                out += chunk
        return out


class Echo:
    def __init__(self, binary):
        self.port = free_port()
        self.process = subprocess.Popen([binary, "echo", "--address", f"127.0.0.1:{self.port}"], stderr=subprocess.DEVNULL)
        wait_for(self.answers, "the echo backend answers")

    def answers(self):
        try:
            return get(self.port, "/")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()


SERVICE = """apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80{app_protocol}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{port: {port}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
"""


class Gateway:
    """`tidegate run` on a directory of its own. Listener "http" on self.port."""

    def __init__(self, binary, *arguments, start=True):
        self.binary = binary
        self.arguments = list(arguments)
        self.workers = 2
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-test-")
        self.config = pathlib.Path(self.folder.name) / "config"
        self.config.mkdir()
        self.port, self.admin, self.ready, self.metrics = (free_port() for _ in range(4))
        self.log_path = pathlib.Path(self.folder.name) / "log"
        self.environment = {}
        self.process = None
        self.backends = []
        self.write("gateway.yaml", self.gateway_yaml())
        if start:
            self.start()

    def gateway_yaml(self, more_listeners=""):
        return f"""apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: tidegate}}
spec: {{controllerName: kgateway.dev/kgateway}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: g}}
spec:
  gatewayClassName: tidegate
  listeners:
    - {{name: http, protocol: HTTP, port: {self.port}}}
{more_listeners}"""

    def write(self, name, text):
        """Whole, as an editor or kubelet does: a reader never sees half a file."""
        temporary = self.config / ("." + name)
        temporary.write_text(text)
        os.replace(temporary, self.config / name)

    def backend(self, name="echo", app_protocol=""):
        echo = Echo(self.binary)
        self.backends.append(echo)
        self.service(name, echo.port, app_protocol)
        return echo

    def service(self, name, port, app_protocol=""):
        extra = f", appProtocol: {app_protocol}" if app_protocol else ""
        self.write(f"service-{name}.yaml", SERVICE.format(name=name, port=port, app_protocol=extra))

    def route(self, rules, name="route", hostnames=""):
        lines = f"  hostnames: [{hostnames}]\n" if hostnames else ""
        self.write(f"{name}.yaml", f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: g}}]
{lines}  rules:
{rules}""")

    def start(self, wait=True):
        command = [self.binary, "run", "--config", str(self.config), "--bind-address", "127.0.0.1", "--workers", str(self.workers),
                   "--admin-address", f"127.0.0.1:{self.admin}", "--readiness-address", f"127.0.0.1:{self.ready}",
                   "--metrics-address", f"127.0.0.1:{self.metrics}", *self.arguments]
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stderr=self.log_file, stdout=self.log_file, env={**os.environ, **self.environment})
        if wait:
            wait_for(self.is_ready, "/ready answers 200")

    def is_ready(self):
        assert self.process.poll() is None, "tidegate has ended: " + self.log()
        try:
            return get(self.ready, "/ready")[0] == 200
        except OSError:
            return False

    def log(self):
        return self.log_path.read_text()

    def object(self, kind, name, group="apis/gateway.networking.k8s.io/v1"):
        status, _, body = get(self.admin, f"/{group}/namespaces/default/{kind}/{name}")
        return json.loads(body) if status == 200 else None

    def condition(self, conditions, kind):
        return next((one for one in conditions if one["type"] == kind), {"status": "", "reason": ""})

    def wait_for_route(self, path="/", host=None, status=200):
        def answered():
            with contextlib.suppress(OSError):
                return get(self.port, path, host)[0] == status
        wait_for(answered, f"{path} is answered with {status}")

    def terminate(self, seconds=10):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def stop(self):
        for echo in self.backends:
            echo.stop()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log_file.close()
        self.folder.cleanup()


def main(tests, binary):
    """Runs each test function with a fresh Gateway; a line each; the number of failures."""
    failures = 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        gateway = None
        try:
            gateway = Gateway(binary, start=False)
            gateway.log_file = open(gateway.log_path, "ab")
            test(gateway)
            print(f"PASS {name}", flush=True)
        except Exception as error:  # a test may fail in any way
            failures += 1
            place = error.__traceback__
            while place.tb_next:
                place = place.tb_next
            print(f"FAIL {name}: {type(error).__name__} {error} (line {place.tb_lineno})", flush=True)
            if gateway and gateway.log_path.exists():
                print("\n".join("    " + line for line in gateway.log().splitlines()[-15:]), flush=True)
        finally:
            if gateway:
                gateway.stop()
    return failures
