"""Faults of the configuration: no request fails that the edit does not concern, what was good is kept and the fault is told. Usage: config_faults.py BINARY"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, sanitized, wait_for  # noqa: E402

SLOW = 10 if sanitized(sys.argv[1]) else 1
MIB = 1 << 20
ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {0}}}
spec:
  parentRefs: [{{name: g}}]
  hostnames: [{0}.example.com]
  rules:
    - filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: v, value: '{1}'}}]}}}}]
      backendRefs: [{{name: echo, port: 80}}]
"""


class Untouched:
    """Requests on a route that no edit names, all the time: none may fail, or wait for the configuration."""

    def __init__(self, gateway):
        self.gateway, self.stop, self.failed, self.done, self.longest = gateway, threading.Event(), [], 0, 0.0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=10)
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", "/", headers={"Host": "steady.example.com"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200 or answer.getheader("v") != "1":
                    self.failed.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(error)
                connection.close()
            self.longest = max(self.longest, time.monotonic() - began)
            self.done += 1
            time.sleep(0.001)  # a load, and room for what it is beside

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        self.thread.join(20)
        if kind is None:
            assert not self.failed and self.done > 0, (self.failed[:5], self.done)
            assert self.longest < 5 * SLOW, f"a request took {self.longest:.2f} s"


def start(gateway, *names):
    gateway.backend()
    for name in ("steady", "kept", *names):
        put(gateway, f"{name}.yaml", ROUTE.format(name, 1))
    gateway.start()


def put(gateway, name, data):
    temporary = gateway.config / ("." + name)
    temporary.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.replace(temporary, gateway.config / name)


def version(gateway, name):
    status, fields, _ = get(gateway.port, "/", f"{name}.example.com")
    return fields.get("v") if status == 200 else status


def served(gateway, name, value, seconds=5):
    wait_for(lambda: version(gateway, name) == str(value), f"version {value} of {name} is served", seconds * SLOW)


def file_of(gateway, name):
    files = json.loads(get(gateway.admin, "/configfiles", timeout=60)[2])["files"]
    return next((one for one in files if one["path"].endswith("/" + name)), None)


def told(gateway, name, words, seconds=10):
    """The problem of the file that has the words."""
    def look():
        file = file_of(gateway, name)
        return next((one["text"] for one in file["problems"] if words in one["text"]), None) if file else None
    return wait_for(look, f"{words!r} is told of {name}: {file_of(gateway, name)}", seconds * SLOW)


def memory(gateway, key="VmRSS"):
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


def forget_peak(gateway):
    with open(f"/proc/{gateway.process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def two_thousand_edits_cost_no_request_and_no_memory(gateway):
    start(gateway, "inplace", "renamed", "remade")
    mount = gateway.config / "mount"
    mount.mkdir()

    def swap(count):  # as kubelet mounts a ConfigMap
        folder = mount / f"..{count}"
        folder.mkdir()
        (folder / "swapped.yaml").write_text(ROUTE.format("swapped", count))
        (mount / "..new").symlink_to(folder.name)
        os.replace(mount / "..new", mount / "..data")
        if not (mount / "swapped.yaml").is_symlink():
            (mount / "swapped.yaml").symlink_to("..data/swapped.yaml")
        if (mount / f"..{count - 4}").exists():
            shutil.rmtree(mount / f"..{count - 4}")

    def remake(count):
        (gateway.config / "remade.yaml").unlink()
        (gateway.config / "remade.yaml").write_text(ROUTE.format("remade", count))
    ways = {"inplace": lambda count: (gateway.config / "inplace.yaml").write_text(ROUTE.format("inplace", count)),
            "renamed": lambda count: put(gateway, "renamed.yaml", ROUTE.format("renamed", count)), "swapped": swap, "remade": remake}

    def edit(first, last):
        names = list(ways)
        for count in range(first, last):
            ways[names[count % 4]](count)
            time.sleep(0.002)
        for name in names:
            served(gateway, name, max(count for count in range(first, last) if names[count % 4] == name))
    with Untouched(gateway):
        edit(100, 500)
        before = memory(gateway)
        edit(500, 2500)
    grown = memory(gateway) - before
    assert grown < 24 * MIB * SLOW, f"memory grew by {grown // MIB} MiB"


def a_file_is_never_served_half(gateway):
    start(gateway)
    seen = set()
    with Untouched(gateway):
        for number, cut in enumerate(range(1, len(ROUTE.format("kept", 2)) * 2, 29)):
            text = ROUTE.format("kept", 2) + "---\n" + ROUTE.format("more", number)
            opened = time.monotonic()
            with open(gateway.config / "kept.yaml", "w", encoding="utf-8") as file:
                file.write(text[:cut])
                file.flush()
                now = {version(gateway, "kept")}
                time.sleep(0.02)
                now.add(version(gateway, "kept"))
                if time.monotonic() - opened < 0.3:  # who takes longer is not waited for
                    seen |= now
                file.write(text[cut:])
            served(gateway, "more", number)  # read, so that nothing reads while the next is written
    assert "2" in seen
    assert seen <= {"1", "2"}, seen
    with Untouched(gateway):  # half of it, and its writer has gone
        (gateway.config / "kept.yaml").write_text(ROUTE.format("kept", 3)[:-3])
        told(gateway, "kept.yaml", "kept.yaml:")
        assert version(gateway, "kept") == "2" and file_of(gateway, "kept.yaml")["state"] == "last good"


def a_file_that_is_written_twice_in_a_row_is_not_served_half(gateway):
    """The second writer empties it in the moment in which what the first one wrote is to be read."""
    start(gateway)
    seen = set()
    with Untouched(gateway):
        for number in range(120):
            first, second = (ROUTE.format("more", 2 * number + i) + "---\n" for i in (0, 1))
            with open(gateway.config / "kept.yaml", "w", encoding="utf-8") as file:
                file.write(first + ROUTE.format("kept", 1))
            time.sleep(0.008 + number * 0.00005)  # about as long as the gateway waits for more
            opened = time.monotonic()
            with open(gateway.config / "kept.yaml", "w", encoding="utf-8") as file:
                file.write(second)
                file.flush()
                now = {version(gateway, "kept")}
                time.sleep(0.02)
                now.add(version(gateway, "kept"))
                if time.monotonic() - opened < 0.3:
                    seen |= now
                file.write(ROUTE.format("kept", 1))
            served(gateway, "more", 2 * number + 1)
    assert seen == {"1"}, seen


def alias_bomb():
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for i in range(8):
        text += f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
    return text


def bombs():
    """name -> bytes, words that are told, and the line (None: of the file as a whole)."""
    good = ROUTE.format("kept", 9)
    return {
        "a tab": (good.replace("    - filters", "\t- filters"), "YAML", 8),
        "a bracket that stays open": (good.replace("]}}]", ""), "", None),
        "two values": ("a: 1\nb: 2: 3\n", "YAML", 2),
        "a key twice": (good.replace("  parentRefs", "  parentRefs: []\n  parentRefs"), 'key "parentRefs" is given twice', 6),
        "a key twice, in JSON's form": ('{"a": 1,\n"b": 2,\n"a": 3}', 'key "a" is given twice', 3),
        "nine to the ninth": (alias_bomb(), "aliases expand to more than", 6),
        "an alias of itself": ("a: &a [*a]\n", "an alias inside the node that it names", 1),
        "much text again and again": ("a: &a " + "x" * MIB + "\nb:\n" + "- *a\n" * 2000, "anchors and aliases add more than", 17),
        "anchors in anchors": ("".join(f"{' ' * i}a: &a{i}\n" for i in range(50)) + " " * 50 + "b: " + "x" * 2 * MIB + "\n", "anchors and aliases add more than", 43),
        "merges": ("a: &a {" + ",".join(f"k{i}: 1" for i in range(2000)) + "}\n" + "".join(f"m{i}: {{<<: *a}}\n" for i in range(2000)), "aliases expand to more than", 51),
        "an alias of nothing": ("a: 1\nb: *nothing\n", "YAML", 2),
        "brackets": ("a: 1\nb: " + "[" * 8 * MIB, "more than 400000 of", 2),
        "braces": ("{a: " * 2 * MIB, "more than 400000 of", 1),
        "a list on one line": ("[" + "a," * 4 * MIB + "a]", "more than 400000 of", 1),
        "quotes": ('""' * 4 * MIB, "more than 400000 of", 1),
        "brackets on lines": ("[\n" * 4 * MIB, "more than 400000 of", None),
        "dashes": ("- " * 4 * MIB, "nested deeper than 64", 1),
        "marks": ("? " * 4 * MIB, "", 1),
        "steps": ("".join(" " * i + "a:\n" for i in range(2000)), "nested deeper than 64", 65),
        "noise": (bytes(range(256)) * 4000, "not valid UTF-8", 1),
        "noise behind": (good.encode() + b"x: \xff\xfe\n", "not valid UTF-8", 10),
        "zeros": (good.encode() + bytes(MIB), "not valid UTF-8", 10),
        "UTF-16": (good.encode("utf-16"), "not valid UTF-8", 1),
        "a million documents": ("a: 1\n---\n" * 1_000_000, "more than 50000 documents", 100002),
        "too large": (b" " * (32 * MIB + 1), "more than 33554432", None),
    }


def bombs_keep_what_was_good_and_cost_little(gateway):
    start(gateway)
    forget_peak(gateway)
    before = memory(gateway)
    with Untouched(gateway):
        for name, (data, words, line) in bombs().items():
            put(gateway, "kept.yaml", data)
            began = time.monotonic()
            try:
                text = told(gateway, "kept.yaml", words)
            except AssertionError as error:
                raise AssertionError(f"{name}: {str(error)[:300]}") from None
            assert line is None or f"kept.yaml:{line}: " in text, f"{name}: {text}"
            assert text in gateway.log() or text.split("kept.yaml")[1] in gateway.log(), f"{name}: not in the log: {text}"
            assert file_of(gateway, "kept.yaml")["state"] == "last good" and version(gateway, "kept") == "1", name
            assert time.monotonic() - began < 8 * SLOW, f"{name}: {time.monotonic() - began:.1f} s"
            if SLOW == 1:
                assert memory(gateway, "VmHWM") - before < 160 * MIB, f"{name}: {(memory(gateway, 'VmHWM') - before) // MIB} MiB"
            put(gateway, "kept.yaml", ROUTE.format("kept", 1))
            wait_for(lambda: not file_of(gateway, "kept.yaml")["problems"], f"the file is good after {name}", 5 * SLOW)
        with open(gateway.config / ".large", "wb") as file:
            file.truncate(200 * MIB)
        os.replace(gateway.config / ".large", gateway.config / "kept.yaml")
        told(gateway, "kept.yaml", "the file has 209715200 bytes, more than 33554432")
        assert version(gateway, "kept") == "1"
        put(gateway, "kept.json", "[" * 4 * MIB)
        told(gateway, "kept.json", "kept.json:1: ")
        put(gateway, "number.json", '{"a": 1e' + "9" * MIB + "}")
        told(gateway, "number.json", "exponent overflow")


def many_problems_are_told_in_linear_time(gateway):
    start(gateway)
    with Untouched(gateway):
        put(gateway, "junk.yaml", "".join(f"a: {i}\n---\n" for i in range(49_990)))
        told(gateway, "junk.yaml", "kind: Required value", 20)
        for value in range(2, 5):
            began = time.monotonic()
            put(gateway, "kept.yaml", ROUTE.format("kept", value))
            served(gateway, "kept", value)
            assert time.monotonic() - began < 3 * SLOW, f"{time.monotonic() - began:.1f} s"


def what_is_wrong_everywhere_is_told_in_part(gateway):
    """A file may have a mistake in every few bytes: what is told of it is bounded, and nothing takes more than linear time."""
    start(gateway)
    forget_peak(gateway)
    before = memory(gateway)
    head = '{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "wrong"}, "spec": {'
    faults = {
        "fields that nobody knows": (head + ",".join(f'"u{i}": 1' for i in range(400_000)) + "}}", "more than 100 problems"),
        "values of another type": (head + '"hostnames": [' + ",".join("1" for _ in range(1_000_000)) + "]}}", "Too many: 1000000"),
        "a long list of different names": (head + '"rules": [{"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [' +
                                           ",".join(f'"u{i}"' for i in range(300_000)) + "]}}]}]}}", "Too many: 300000"),
        "a long name of a field": (head + '"' + "k" * 4 * MIB + '": 1}}', "unknown field spec.kkk"),
        "a long name": (head.replace("wrong", "w" * 4 * MIB) + "}}", "must match"),
        "more values than there may be": (head + '"hostnames": [' + ",".join("1" for _ in range(2_100_000)) + "]}}", "more than 2000000 values"),
    }
    with Untouched(gateway):
        for name, (data, words) in faults.items():
            began = time.monotonic()
            put(gateway, "wrong.json", data)
            told(gateway, "wrong.json", words)
            assert time.monotonic() - began < 8 * SLOW, f"{name}: {time.monotonic() - began:.1f} s"
            if SLOW == 1:
                assert memory(gateway, "VmHWM") - before < 200 * MIB, f"{name}: {(memory(gateway, 'VmHWM') - before) // MIB} MiB"
        assert len(gateway.log()) < 2 * MIB, len(gateway.log())
    (gateway.config / "wrong.json").unlink()


def a_name_cannot_write_a_line_of_the_log(gateway):
    start(gateway)
    put(gateway, "forged.yaml", 'apiVersion: v1\nkind: Service\nmetadata: {name: "a\\n2026-01-01T00:00:00.000Z error [main] forged"}\nspec: {ports: [{port: 80}]}\n')
    wait_for(lambda: "forged.yaml" in gateway.log(), "it is told")
    assert not any(line.startswith("2026-01-01") for line in gateway.log().splitlines())
    assert r"a\x0a2026-01-01" in gateway.log()


def of_two_objects_of_one_name_the_first_stays(gateway):
    start(gateway)
    with Untouched(gateway):
        put(gateway, "other.yaml", "# one more\n" + ROUTE.format("kept", 2))
        text = told(gateway, "other.yaml", "kept.yaml")
        assert "other.yaml:2: HTTPRoute default/kept" in text, text
        assert version(gateway, "kept") == "1"
        put(gateway, "kept.yaml", ROUTE.format("kept", 3))
        served(gateway, "kept", 3)
        put(gateway, "twice.yaml", ROUTE.format("twice", 1) + "---\n" + ROUTE.format("twice", 2))
        assert "twice.yaml:11: HTTPRoute default/twice" in told(gateway, "twice.yaml", "twice.yaml:1")
        assert version(gateway, "twice") == "1"


def what_cannot_be_read_keeps_what_was_good(gateway):
    start(gateway)
    path = gateway.config / "kept.yaml"
    listening = socket.socket(socket.AF_UNIX)

    def make(what):
        made = gateway.config / ".made"
        what(made)
        os.replace(made, path)
    faults = [("a pipe", lambda at: os.mkfifo(at), "not a regular file"), ("a socket", lambda at: listening.bind(str(at)), "not a regular file"),
              ("a device", lambda at: at.symlink_to("/dev/zero"), "not a regular file"), ("a terminal", lambda at: at.symlink_to("/dev/tty"), ""),
              ("a link to nothing", lambda at: at.symlink_to("/nowhere/at/all"), "a symbolic link to nothing"),
              ("a link to itself", lambda at: at.symlink_to("kept.yaml"), "Too many levels of symbolic links"),
              ("a link to a pipe", lambda at: at.symlink_to("pipe"), "not a regular file")]
    os.mkfifo(gateway.config / "pipe")
    with Untouched(gateway), listening:
        for name, what, words in faults:
            make(what)
            told(gateway, "kept.yaml", words)
            file = file_of(gateway, "kept.yaml")
            assert file["state"] == "last good" and version(gateway, "kept") == "1", (name, file)
            assert f"kept.yaml: {words}" in gateway.log(), name
        put(gateway, "kept.yaml", ROUTE.format("kept", 2))
        served(gateway, "kept", 2)
        (gateway.config / "a").mkdir()
        (gateway.config / "a" / "round").symlink_to("..")
        (gateway.config / "b").symlink_to("a")
        (gateway.config / "a" / "below.yaml").write_text(ROUTE.format("below", 1))
        served(gateway, "below", 1)
        path.unlink()
        path.mkdir()  # in the place of the file: a folder like others
        (path / "inner.yaml").write_text(ROUTE.format("inner", 1))
        served(gateway, "inner", 1)


def a_file_that_turns_into_a_pipe_at_any_moment_holds_nobody_up(gateway):
    start(gateway)
    path = gateway.config / "kept.yaml"
    with Untouched(gateway):
        for count in range(1500):
            made = gateway.config / ".made"
            if count % 2:
                os.mkfifo(made)
            else:
                made.write_text(ROUTE.format("kept", 1))
            os.replace(made, path)
            if count % 50 == 0:
                put(gateway, "other.yaml", ROUTE.format("other", count))
        put(gateway, "other.yaml", ROUTE.format("other", "last"))
        served(gateway, "other", "last")
        put(gateway, "kept.yaml", ROUTE.format("kept", 2))
        served(gateway, "kept", 2)


def files_that_come_and_go_at_any_moment_hold_nobody_up(gateway):
    start(gateway)
    folder = gateway.config / "folder"
    with Untouched(gateway):
        for count in range(300):
            folder.mkdir()
            for i in range(3):
                (folder / f"f{i}.yaml").write_text(ROUTE.format(f"f{i}", count))
            shutil.rmtree(folder)
        folder.mkdir()
        (folder / "f.yaml").write_text(ROUTE.format("f", "last"))
        served(gateway, "f", "last")
        shutil.rmtree(folder)
        wait_for(lambda: version(gateway, "f") == 404, "what was in the folder is gone with it", 5 * SLOW)


def a_directory_that_vanishes_changes_nothing(gateway):
    start(gateway)
    away = gateway.config.parent / "away"
    with Untouched(gateway):
        os.rename(gateway.config, away)
        wait_for(lambda: "config: No such file or directory" in gateway.log(), "it is told", 5 * SLOW)
        assert version(gateway, "kept") == "1"
        os.rename(away, gateway.config)
        put(gateway, "kept.yaml", ROUTE.format("kept", 2))
        served(gateway, "kept", 2)
        shutil.rmtree(gateway.config, ignore_errors=True)
        gateway.config.mkdir()


def what_may_not_be_read_keeps_what_was_good(gateway):
    """As somebody whom permissions hold."""
    if os.geteuid() == 0:
        parent = pathlib.Path(gateway.folder.name)
        parent.chmod(0o755)
        shutil.copy(gateway.binary, parent / "tidegate")
        wrapper = parent / "as-nobody"
        wrapper.write_text(f'#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups {parent}/tidegate "$@"\n')
        wrapper.chmod(0o755)
        real, gateway.binary = gateway.binary, str(wrapper)
    start(gateway)
    path, folder = gateway.config / "kept.yaml", gateway.config / "folder"
    folder.mkdir()
    (folder / "below.yaml").write_text(ROUTE.format("below", 1))
    served(gateway, "below", 1)
    with Untouched(gateway):
        path.write_text(ROUTE.format("kept", 2))
        served(gateway, "kept", 2)
        put(gateway, ".closed", ROUTE.format("kept", 3))
        (gateway.config / ".closed").chmod(0)
        os.replace(gateway.config / ".closed", path)
        told(gateway, "kept.yaml", "Permission denied")
        folder.chmod(0)
        wait_for(lambda: "folder: Permission denied" in gateway.log(), "the folder is told of", 5 * SLOW)
        assert version(gateway, "kept") == "2" and version(gateway, "below") == "1"
        path.chmod(0o644)
        folder.chmod(0o755)
        served(gateway, "kept", 3)
    if os.geteuid() == 0:
        gateway.binary = real


def delegating(name, to, listener=True, path="/a"):
    """A route that hands its requests to another; a child of routes alone, without listener."""
    head = f"\n  parentRefs: [{{name: g}}]\n  hostnames: [{name}.example.com]" if listener else ""
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:{head}
  rules:
    - matches: [{{path: {{type: PathPrefix, value: {path}}}}}]
      backendRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {to}}}]
---
"""


CYCLES = delegating("circle", "one") + delegating("one", "two", listener=False) + delegating("two", "one", listener=False) \
    + delegating("self", "self", path="/") + """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: gateway.kgateway.dev, kind: TrafficPolicy, name: q}]
  timeouts: {request: 1s}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: q}
spec:
  targetRefs: [{group: gateway.kgateway.dev, kind: TrafficPolicy, name: p}]
  timeouts: {request: 1s}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: l}
spec:
  parentRef: {group: gateway.networking.k8s.io, kind: ListenerSet, name: l}
  listeners: [{name: http, protocol: HTTP, port: 81}]
"""


def circles_end(gateway):
    start(gateway)
    backend = f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {{name: me}}
spec: {{type: Static, static: {{hosts: [{{host: 127.0.0.1, port: {gateway.port}}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: loop}}
spec:
  parentRefs: [{{name: g}}]
  hostnames: [loop.example.com]
  rules: [{{timeouts: {{request: 2s}}, backendRefs: [{{group: gateway.kgateway.dev, kind: Backend, name: me}}]}}]
"""
    with Untouched(gateway):
        put(gateway, "circles.yaml", CYCLES)
        wait_for(lambda: version(gateway, "circle") == 500 or get(gateway.port, "/a", "circle.example.com")[0] >= 500, "a circle of routes is an error", 5 * SLOW)
        wait_for(lambda: get(gateway.port, "/", "self.example.com")[0] >= 500, "a route to itself is an error", 5 * SLOW)
        assert "circles.yaml:" in gateway.log() and "HTTPRoute default/" in gateway.log(), gateway.log()
        for name in "pq":
            assert f"TrafficPolicy default/{name}" in gateway.log(), gateway.log()
        put(gateway, "loop.yaml", backend)
        wait_for(lambda: version(gateway, "loop") != 404, "the loop is served", 5 * SLOW)
        assert get(gateway.port, "/", "loop.example.com")[0] >= 400
        put(gateway, "kept.yaml", ROUTE.format("kept", 2))
        served(gateway, "kept", 2)


if __name__ == "__main__":
    TESTS = [two_thousand_edits_cost_no_request_and_no_memory, a_file_is_never_served_half,
             a_file_that_is_written_twice_in_a_row_is_not_served_half, bombs_keep_what_was_good_and_cost_little,
             many_problems_are_told_in_linear_time, what_is_wrong_everywhere_is_told_in_part, a_name_cannot_write_a_line_of_the_log,
             of_two_objects_of_one_name_the_first_stays, what_cannot_be_read_keeps_what_was_good,
             a_file_that_turns_into_a_pipe_at_any_moment_holds_nobody_up, files_that_come_and_go_at_any_moment_hold_nobody_up,
             a_directory_that_vanishes_changes_nothing, what_may_not_be_read_keeps_what_was_good, circles_end]
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
