"""Edits of the soak's configuration: none of them may cost a request on a host of clients.GOOD."""
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from certificates import Certificate  # noqa: E402
from gateway import SERVICE, free_port  # noqa: E402

ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: g}}]
  hostnames: [{name}.example.com]
  rules: [{{{more}backendRefs: [{{name: {backend}, port: 80}}]}}]
"""
# Files that are broken on purpose: the log may have errors that name them.
BROKEN = ("broken.yaml", "kept.yaml", "junk", "touched.yaml")


def route(gateway, name, backend="good", more=""):
    gateway.write(f"route-{name}.yaml" if name not in ("kept", "touched") else f"{name}.yaml", ROUTE.format(name=name, backend=backend, more=more))


def setter(value):
    return f"filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: x-version, value: '{value}'}}]}}}}], "


class Changes:
    def __init__(self, world):
        self.world, self.gateway, self.count = world, world.gateway, 0
        self.certificates = [Certificate(pathlib.Path(tempfile.mkdtemp(dir=self.gateway.folder.name)), "soak.example.com") for _ in range(3)]
        self.extra = free_port()
        self.ways = [self.touch, self.touch, self.beside, self.rotate, self.half_written, self.broken, self.junk, self.gone, self.listener, self.killed,
                     self.endpoints, self.endpoints, self.hang_up, self.folder, self.backend_moves]

    def begin(self):
        self.listeners(extra=False)
        self.certificates[0].secret(self.gateway, "certificate")
        for name in ("steady", "touched", "kept", "other", "gone"):
            route(self.gateway, name)

    def listeners(self, extra):
        lines = f"    - {{name: https, protocol: HTTPS, port: {self.world.tls_port}, tls: {{certificateRefs: [{{name: certificate}}]}}}}\n"
        if extra:
            lines += f"    - {{name: extra, protocol: HTTP, port: {self.extra}}}\n"
        self.gateway.write("gateway.yaml", self.gateway.gateway_yaml(lines))

    def once(self):
        self.count += 1
        random.choice(self.ways)()

    def restore(self):
        for path in self.gateway.config.iterdir():
            if path.name.startswith("junk"):
                path.unlink()
        self.begin()
        self.slice(1)

    def touch(self):
        route(self.gateway, "touched", more=setter(self.count))

    def beside(self):
        name = f"beside{random.randrange(20)}"
        path = self.gateway.config / f"route-{name}.yaml"
        if path.exists():
            path.unlink()
        else:
            route(self.gateway, name)

    def rotate(self):
        random.choice(self.certificates).secret(self.gateway, "certificate")

    def half_written(self):
        """In place, and not at once: what a reader sees in between is not YAML."""
        text = ROUTE.format(name="touched", backend="good", more=setter(self.count))
        with open(self.gateway.config / "touched.yaml", "w", encoding="utf-8") as file:
            file.write(text[:-30])
            file.flush()
            time.sleep(random.choice((0, 0.01, 0.1)))
            file.write(text[-30:])

    def broken(self):
        """A file that breaks keeps its last good objects."""
        self.gateway.write("kept.yaml", random.choice(("{", "a: [", "kind: HTTPRoute\n  metadata: {name: x\n", "\0\1\2", "- \t- : :\n]", "{{{{")))
        time.sleep(random.choice((0.02, 0.2)))
        route(self.gateway, "kept")

    def junk(self):
        path = self.gateway.config / f"junk{random.randrange(6)}.yaml"
        if path.is_symlink() or path.exists():
            return path.unlink()
        what = random.randrange(6)
        if what == 0:
            return path.symlink_to(path.name)
        if what == 1:
            return path.symlink_to("/nowhere/at/all")
        text = {2: os.urandom(3000).decode("latin-1"), 3: "[" * 5000, 4: "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)), 5: "x: y\n" * 20000}[what]
        return path.write_text(text, encoding="utf-8")

    def gone(self):
        path = self.gateway.config / "route-gone.yaml"
        if path.exists():
            path.unlink()
        else:
            route(self.gateway, "gone")

    def listener(self):
        self.listeners(extra=random.random() < 0.5)

    def killed(self):
        self.world.killed.kill()
        time.sleep(0.05)
        self.world.killed.start()

    def slice(self, which):
        """No endpoint, one of two, or both."""
        ports = ((), self.world.ends[:1], self.world.ends[1:], self.world.ends)[which]
        text = SERVICE.format(name="ends", port=ports[0].port if ports else 1, app_protocol="").split("---")[0]
        for number, one in enumerate(ports):
            text += "---" + SERVICE.format(name="ends", port=one.port, app_protocol="").split("---")[1].replace("{name: ends, labels", f"{{name: ends-{number}, labels")
        self.gateway.write("service-ends.yaml", text)

    def endpoints(self):
        self.slice(random.randrange(4))

    def backend_moves(self):
        """The same service at the other one of two ports: what is under way ends where it began."""
        self.gateway.service("good", random.choice(self.world.good).port)

    def hang_up(self):
        self.gateway.process.send_signal(signal.SIGHUP)

    def folder(self):
        """A folder of the directory vanishes, and is there again."""
        path = self.gateway.config / "folder"
        if path.exists():
            for one in path.iterdir():
                one.unlink()
            return path.rmdir()
        path.mkdir()
        return (path / "route.yaml").write_text(ROUTE.format(name="folder", backend="good", more=""))

