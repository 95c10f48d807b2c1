"""The Nth call of the system fails, or the Nth allocation: the process lives, says so, and works again with the next request and the
next edit. Usage: faults.py BINARY [--all] [--kinds new,recv] [--steps start,tls]. Without --all a sample of all N."""
import argparse
import collections
import contextlib
import itertools
import os
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from certificates import Certificate, anybody  # noqa: E402
from faults import KINDS, Faults  # noqa: E402
from gateway import Gateway, free_port, get, sanitized, wait_for  # noqa: E402

PATIENCE = 5  # seconds for a step; what has not ended then hangs
ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r}}
spec:
  parentRefs: [{{name: g}}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /h2c}}}}]
    backendRefs: [{{name: calls, port: 80}}]
  - filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: version, value: '{version}'}}]}}}}]
    backendRefs: [{{name: echo, port: 80}}]
"""


class Subject:
    """A gateway with faults at hand, and steps to take with it. A step is "good", or says how it failed."""

    def __init__(self, binary):
        self.faults = Faults(binary)
        self.gateway = Gateway(binary, start=False)
        self.gateway.workers = 1
        self.tls_port = free_port()
        Certificate(self.gateway.config.parent, "a.example.com").secret(self.gateway, "s")
        self.gateway.write("gateway.yaml", self.gateway.gateway_yaml(
            f"    - {{name: tls, protocol: HTTPS, port: {self.tls_port}, tls: {{certificateRefs: [{{name: s}}]}}}}\n"))
        self.echo = self.gateway.backend()
        self.gateway.service("calls", self.echo.port, "kubernetes.io/h2c")
        self.version = 0
        self.edit()
        self.gateway.arguments = ["--access-log", str(self.gateway.config.parent / "access.log"), "--drain-timeout", "1s"]
        self.gateway.environment = {**self.faults.environment, "TIDEGATE_TEST_FAULTS_TRACE": "1"}

    def edit(self):
        self.version += 1
        self.gateway.write("route.yaml", ROUTE.format(version=self.version))

    def start(self):
        self.faults.disarm()
        self.gateway.start()
        for step in STEPS:
            for _ in range(2):  # what is made once is there
                assert self.take(step) == "good", step
        self.files = self.open_files()

    def alive(self):
        return self.gateway.process.poll() is None

    def open_files(self):
        return len(os.listdir(f"/proc/{self.gateway.process.pid}/fd"))

    def take(self, step):
        try:
            return STEPS[step](self)
        except (socket.timeout, TimeoutError):
            return "hangs"
        except (OSError, ssl.SSLError, AssertionError) as error:
            return f"{type(error).__name__} {error}"

    def http1(self, path="/", port=None, tls=False):
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port or self.gateway.port), PATIENCE))
            if tls:
                peer = stack.enter_context(anybody().wrap_socket(peer, server_hostname="a.example.com"))
            return asked(peer, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()) or \
                asked(peer, f"POST {path}?size=3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n".encode() + b"x" * 3000) or "good"

    def http2(self, tls=False):
        def wrap(peer):
            context = anybody()
            context.set_alpn_protocols(["h2"])
            return context.wrap_socket(peer, server_hostname="a.example.com")
        with h2.Client(self.tls_port if tls else self.gateway.port, wrap=wrap if tls else None) as client:
            for stream in (1, 3):
                client.open(stream, h2.request("/h2c", authority="a"))
            for stream in (1, 3):
                outcome = client.outcome(stream, PATIENCE)
                if outcome != "200":
                    return "hangs" if outcome == "silence" else outcome
                if not client.until(lambda: any(one.stream == stream and (one.kind == h2.RST_STREAM or one.kind < 2 and one.flags & 1) for one in client.frames), PATIENCE) \
                        and not client.closed and client.goaway() is None:
                    return "hangs"
        return "good"

    def websocket(self):
        with socket.create_connection(("127.0.0.1", self.gateway.port), PATIENCE) as peer:
            peer.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            got = head_and_more(peer)
            if not got:
                return "closed"
            if not got.startswith(b"HTTP/1.1 101 "):
                return got[:12].decode()
            peer.sendall(b"\x82\x85\0\0\0\0hello")
            return "good" if peer.recv(100) == b"\x82\x05hello" else "closed"

    def admin(self):
        for port, path in ((self.gateway.admin, "/config_dump"), (self.gateway.admin, "/api/v1/namespaces/default/services"), (self.gateway.metrics, "/metrics")):
            if (status := get(port, path, timeout=PATIENCE)[0]) != 200:
                return str(status)
        return "good"

    def reload(self):
        self.edit()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if get(self.gateway.port, "/", timeout=PATIENCE)[1].get("version") == str(self.version):
                    return "good"
            time.sleep(0.005)
        return "the edit is not served"


def head_and_more(peer):
    """What has come once a head is whole; empty where the connection ends before."""
    got = b""
    while b"\r\n\r\n" not in got:
        chunk = peer.recv(65536)
        if not chunk:
            return b""
        got += chunk
    return got


def asked(peer, request):
    """Empty where the answer is 200 and whole."""
    peer.settimeout(PATIENCE)
    peer.sendall(request)
    got = head_and_more(peer)
    if not got:
        return "closed"
    head, _, body = got.partition(b"\r\n\r\n")
    size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < size:
        chunk = peer.recv(65536)
        if not chunk:
            return "cut off"
        body += chunk
    return "" if head.startswith(b"HTTP/1.1 200") else head[:12].decode()


def stops(gateway):
    try:
        return gateway.terminate(5) == 0
    except subprocess.TimeoutExpired:
        return False


STEPS = {
    "http1": Subject.http1, "h2c": lambda one: one.http1("/h2c"), "http2": Subject.http2, "tls": lambda one: one.http1(port=one.tls_port, tls=True),
    "http2-tls": lambda one: one.http2(tls=True), "websocket": Subject.websocket, "admin": Subject.admin, "reload": Subject.reload,
}


def sample(count, most):
    """Of 1..count: all, or so many, spread."""
    if count <= most:
        return range(1, count + 1)
    return sorted({random.randrange(count * i // most, count * (i + 1) // most) + 1 for i in range(most)})


class Trial:
    def __init__(self, binary, options):
        self.binary, self.options = binary, options
        self.subject = None
        self.wrong = collections.defaultdict(list)  # step -> texts
        self.tried = collections.Counter()

    def renew(self):
        if self.subject:
            self.subject.gateway.stop()
        self.subject = Subject(self.binary)
        self.subject.start()

    def tell(self, step, kind, number, error, what):
        text = f"{what}: call {number} of {kind}, {os.strerror(error)}"
        self.wrong[step].append(text)
        if self.options.verbose:
            print(f"     {step}: {text}", flush=True)

    def running(self, step, kind, most):
        """The step with each of its calls of this kind failing, one at a time."""
        subject = self.subject
        for _ in range(3):  # what the last fault broke is found out by who uses it next
            before = subject.faults.calls(kind)
            taken = subject.take(step)
            if taken == "good":
                break
        if taken != "good":
            return self.tell(step, kind, 0, 0, "fails without a fault")
        count = subject.faults.calls(kind) - before
        for number, error in zip(sample(count, most), itertools.cycle(KINDS[kind])):
            fired = subject.faults.fired(kind)
            subject.faults.arm(kind, number, error)
            outcome = subject.take(step)
            subject.faults.disarm()
            if subject.faults.fired(kind) == fired:
                continue
            self.tried[step] += 1
            if not subject.alive():
                self.tell(step, kind, number, error, f"the process has ended with {subject.gateway.process.returncode}")
                self.keep_log(step, kind, number)
                self.renew()
                subject = self.subject
                continue
            if outcome in ("hangs", "the edit is not served"):
                self.tell(step, kind, number, error, outcome)
                self.keep_log(step, kind, number)
            for again in {"http1", step, "reload"}:
                later = subject.take(again)
                later = later if later == "good" else subject.take(again)  # a connection of a pool may have been lost
                if later != "good":
                    self.tell(step, kind, number, error, f"afterwards {again}: {later}")
                    self.keep_log(step, kind, number)
                    self.renew()
                    subject = self.subject
                    break
        with contextlib.suppress(AssertionError):
            wait_for(lambda: subject.open_files() <= subject.files + 4, "", 3)  # a pool may hold a connection more
            return None
        self.tell(step, kind, 0, 0, f"{subject.open_files()} file descriptors are open, {subject.files} were")
        self.renew()
        return None

    def starting(self, kind, most):
        """The process either starts and serves, or says what is wrong and ends with status 1."""
        subject = Subject(self.binary)
        try:
            before = subject.faults.calls(kind)
            subject.gateway.start()
            count = subject.faults.calls(kind) - before
            subject.gateway.terminate()
            for number, error in zip(sample(count, most), itertools.cycle(KINDS[kind])):
                fired = subject.faults.fired(kind)
                subject.gateway.log_path.unlink()
                subject.faults.arm(kind, number, error)
                subject.gateway.start(wait=False)
                end = time.monotonic() + PATIENCE
                state = None
                while state is None and time.monotonic() < end:
                    if not subject.alive():
                        state = subject.gateway.process.returncode
                    else:
                        with contextlib.suppress(OSError):
                            state = "ready" if get(subject.gateway.ready, "/ready")[0] == 200 else None
                subject.faults.disarm()
                if subject.faults.fired(kind) > fired:
                    self.tried["start"] += 1
                    what = None
                    if state is None:
                        what = "neither ready nor ended"
                    elif state == "ready":
                        with contextlib.suppress(AssertionError):
                            wait_for(lambda: subject.take("http1") == "good", "", 5)
                            what = None if subject.take("reload") == "good" else "no edit is served"
                            if what is None and not stops(subject.gateway):
                                what = "it does not stop"
                            state = "good"
                        if state == "ready":
                            what = "it serves nothing"
                    elif state != 1 and not (state == 127 and "loading shared libraries" in subject.gateway.log()):
                        what = f"it ended with {state}"
                    elif "tidegate" not in subject.gateway.log():
                        what = "it ended and did not say why"
                    if what:
                        self.tell("start", kind, number, error, what)
                        self.keep_log("start", kind, number, subject)
                if subject.alive():
                    subject.gateway.process.kill()
                    subject.gateway.process.wait()
                subject.gateway.log_file.close()
        finally:
            subject.gateway.stop()

    def keep_log(self, step, kind, number, subject=None):
        if self.options.logs:
            folder = pathlib.Path(self.options.logs)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{step}-{kind}-{number}").write_text((subject or self.subject).gateway.log())


def a_start_that_fails_says_so(trial, kinds):
    for kind in kinds:
        trial.starting(kind, 1 << 30 if trial.options.all else trial.options.most)


def a_call_that_fails_ends_that_alone(trial, kinds, steps):
    trial.renew()
    for kind, step in itertools.product(kinds, steps):
        most = trial.options.most * (3 if kind in ("new", "malloc") else 1)
        trial.running(step, kind, 1 << 30 if trial.options.all else most)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--all", action="store_true", help="every N, not a sample")
    arguments.add_argument("--most", type=int, default=1, help="of each kind and step; of allocations three times as many")
    arguments.add_argument("--kinds", default=",".join(KINDS))
    arguments.add_argument("--steps", default=",".join(["start", *STEPS]))
    arguments.add_argument("--seed", type=int, default=1)  # the same in every run; another one finds other things
    arguments.add_argument("--logs", help="folder for the logs of what failed")
    arguments.add_argument("--verbose", action="store_true")
    options = arguments.parse_args()
    if sanitized(options.binary):
        print("PASS faults are not injected under sanitizers, whose allocator is their own")
        return 0
    print(f"     --seed {options.seed}", flush=True)
    random.seed(options.seed)
    trial = Trial(options.binary, options)
    steps, kinds = options.steps.split(","), options.kinds.split(",")
    try:
        if "start" in steps:
            a_start_that_fails_says_so(trial, kinds)
        a_call_that_fails_ends_that_alone(trial, kinds, [step for step in steps if step != "start"])
    finally:
        if trial.subject:
            trial.subject.gateway.stop()
    for step in steps:
        wrong = trial.wrong[step]
        name = "a start that fails says so" if step == "start" else f"a call that fails in {step} ends that alone"
        print(f"FAIL {name}: {len(wrong)} of {trial.tried[step]}:" if wrong else f"PASS {name} ({trial.tried[step]} tried)")
        for text in wrong[:20]:
            print(f"     {text}")
    return 1 if any(trial.wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
