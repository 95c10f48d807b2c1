"""The documentation as a new user takes it. Usage: documentation.py BINARY [PAGE]

Every relative link of a page resolves (file and anchor), docs/README.md leads to every page, and a page leads to every example;
each guide of docs/kgateway.md that works leads to one.
What is fenced is tried, section by section (a `##` heading and what stands above the first one, which holds for all sections):
  ```yaml        manifests: files in conf/, which `tidegate validate` must take without a word once the commands have been done
  ```yaml wrong  manifests that must be complained of
  ```nginx       what was before, checked where nginx is; ```haproxy as well
  ```console     `$ COMMAND`, run by bash beside the folder examples/; `> ` goes on with a command; one that ends in & stays.
                 The lines after it must come back in this order; others between them are left out, `...` is anything.
A page that serves manifests does it by its own command (`tidegate run --config conf`). The ports are those of the text: where the
system allows it, the test has a network of its own.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from gateway import get, wait_for  # noqa: E402

FENCE = re.compile(r"^```(.*)$")
PORTS = re.compile(r"--address 127\.0\.0\.1:(\d+)|http\.server (\d+)|-accept (\d+)|(?:moved|function|provider)\.py (\d+)")


def network_of_its_own():
    """With loopback up; False where the system does not let us."""
    new_user, new_network = 0x10000000, 0x40000000
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_network) != 0:
        if libc.unshare(new_user | new_network) != 0:
            return False
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
    return True


def pages():
    found = sorted((ROOT / "docs").rglob("*.md")) + [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")]
    return found + sorted((ROOT / "examples").glob("*/README.md"))


def name_of(page):
    return str(page.relative_to(ROOT))


class Block:
    def __init__(self, kind, line):
        self.kind, self.line, self.lines = kind, line, []

    def text(self):
        return "\n".join(self.lines) + "\n"

    def commands(self):
        """[command, [expected line, ...]]"""
        out = []
        for line in self.lines:
            if line.startswith("$ "):
                out.append([line[2:], []])
            elif line.startswith("> ") and not out[-1][1]:
                out[-1][0] += "\n" + line[2:]
            elif line.strip():
                out[-1][1].append(line.strip())
        return out


def sections(page):
    """[title, [Block, ...]]; the blocks above the first heading are those of every section."""
    out, block = [["", []]], None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if block is None and fence:
            block = Block(fence[1].strip(), number)
        elif fence:
            out[-1][1].append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        elif line.startswith("## "):
            out.append([line[3:], []])
    assert block is None, f"a fence of line {block.line} does not end"
    shared = out[0][1]
    if not any(blocks for _, blocks in out[1:]):
        return [["", shared]]
    return [[title, shared + blocks] for title, blocks in out[1:] if blocks]


def anchors(page):
    """Those that GitHub gives to headings."""
    out, fenced = set(), False
    for line in page.read_text().splitlines():
        fenced = fenced != bool(FENCE.match(line))
        if not fenced and re.match(r"#+ ", line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).lower()
            anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            count = sum(1 for one in out if re.fullmatch(re.escape(anchor) + r"(-\d+)?", one))
            out.add(f"{anchor}-{count}" if anchor in out else anchor)
    return out


def links(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if not re.match(r"[a-z]+:", target):
            yield target


def resolved(page, target):
    path, _, anchor = target.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


def every_link_resolves(_):
    wrong = []
    for page in pages():
        for target in links(page):
            path, anchor = resolved(page, target)
            if not path.exists() or ROOT not in path.parents and path != ROOT:
                wrong.append(f"{name_of(page)}: {target}: no such file")
            elif anchor and anchor not in anchors(path):
                wrong.append(f"{name_of(page)}: {target}: no such heading")
    assert not wrong, "\n".join(wrong)


def the_index_leads_to_every_page_and_the_pages_to_every_example(_):
    seen, open_ends = set(), [ROOT / "docs" / "README.md"]
    while open_ends:
        page = open_ends.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        for target in links(page):
            path, _ = resolved(page, target)
            path = path / "README.md" if path.is_dir() else path
            if path.suffix == ".md" and ROOT / "CHANGELOG.md" != path:
                open_ends.append(path)
    lost = [name_of(page) for page in pages() if page not in seen and page.parent != ROOT]
    assert not lost, f"nothing leads to {', '.join(lost)}"


def the_guides_that_work_have_an_example(_):
    rows = [line for line in (ROOT / "docs/kgateway.md").read_text().splitlines() if re.match(r"\|[^|]*\| (works|adapted) \|", line)]
    assert len(rows) > 50, rows
    without = [row for row in rows if not re.search(r"\(\.\./examples/[\w-]+\)", row)]
    assert not without, "\n".join(without)


def must_come_back(expected, got, command):
    lines = iter(line.strip() for line in got.splitlines())
    for wanted in expected:
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("...")))
        if not any(pattern.fullmatch(line) for line in lines):
            raise AssertionError(f"$ {command}\nnot there, or not in this place: {wanted}\nwhat came back:\n{got}")


class Terminal:
    """A user's: the program on the PATH, conf/ and examples/ in the folder."""

    def __init__(self, binary, folder, stack):
        self.folder, self.stack, self.log = folder, stack, folder / "log"
        (folder / "bin").mkdir()
        (folder / "bin" / "tidegate").symlink_to(pathlib.Path(binary).resolve())
        (folder / "conf").mkdir()
        shutil.copytree(ROOT / "examples", folder / "examples")
        (folder / "tests").symlink_to(ROOT / "tests")
        (folder / "packaging").symlink_to(ROOT / "packaging")
        self.environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8", "TMPDIR": str(folder)}

    def begin(self, command):
        with open(self.log, "ab") as log:
            process = subprocess.Popen(["bash", "-c", "exec " + command.rstrip("& ")], cwd=self.folder, env=self.environment, stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, start_new_session=True)

        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.stack.callback(end)
        is_run = command.startswith("tidegate run")
        ports = [int(port) for found in PORTS.findall(command) for port in found if port]

        def is_there():
            assert process.poll() is None, f"$ {command}\nended:\n{self.log.read_text()}"
            try:
                for port in ports:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                return not is_run or get(8082, "/ready")[0] == 200
            except OSError:
                return False
        wait_for(is_there, f"$ {command}: is there: {self.log.read_text()}", 30)

    def do(self, command, expected):
        if command.rstrip().endswith("&"):
            return self.begin(command)
        end = time.monotonic() + 3  # a change takes its time to be seen
        while True:
            done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, errors="replace",
                                  timeout=60, stdin=subprocess.DEVNULL)
            try:
                if not expected:
                    assert done.returncode == 0, f"$ {command}\nexit status {done.returncode}: {done.stdout}{done.stderr}"
                return must_come_back(expected, done.stdout + done.stderr, command)
            except AssertionError as error:
                if time.monotonic() > end:
                    raise AssertionError(f"{error}\nthe log:\n{self.log.read_text() if self.log.exists() else ''}") from None


def needs(command):
    """Tools that a system may lack; the sections that use them are tried where they are."""
    return [tool for tool in ("kubectl", "jq", "promtool") if re.search(rf"\b{tool}\b", command) and not shutil.which(tool)]


def check_what_was_before(terminal, block):
    if not shutil.which(block.kind):
        return
    file, text = terminal.folder / block.kind, block.text()
    (terminal.folder / "users").write_text("")
    file.write_text(f"pid {terminal.folder}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{text}}}\n" if block.kind == "nginx" else text)
    command = ["nginx", "-t", "-e", "stderr", "-c", str(file)] if block.kind == "nginx" else ["haproxy", "-c", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"the {block.kind} block of line {block.line}: {done.stdout}{done.stderr}"


def try_section(binary, blocks):
    with tempfile.TemporaryDirectory(prefix="tidegate-docs-") as name, contextlib.ExitStack() as stack:
        terminal = Terminal(binary, pathlib.Path(name), stack)
        commands = [one for block in blocks if block.kind == "console" for one in block.commands()]
        for block in blocks:
            if block.kind in ("nginx", "haproxy"):
                check_what_was_before(terminal, block)
        for number, block in enumerate(block for block in blocks if block.kind.startswith("yaml")):
            (terminal.folder / "conf" / f"{number}.yaml").write_text(block.text())
        for command, expected in commands:
            if not needs(command):
                terminal.do(command, expected)
        if any(block.kind.startswith("yaml") for block in blocks):
            served = " ".join(command for command, _ in commands if command.startswith("tidegate run"))
            paths = re.findall(r"--config (\S+)", served) or ["conf"]
            said = subprocess.run(["tidegate", "validate", *paths], cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True)
            if any(block.kind == "yaml wrong" for block in blocks):
                assert said.stdout, f"the manifests of line {blocks[-1].line} are called wrong, and are not"
            else:
                assert said.returncode == 0 and not said.stdout + said.stderr, f"the manifests of this section: {said.stdout}{said.stderr}"


def main():
    binary, only = sys.argv[1], sys.argv[2:]
    failures = 0

    def attempt(name, what, *arguments):
        nonlocal failures
        try:
            what(*arguments)
            print(f"PASS {name}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAIL {name}: {type(error).__name__} {error}", flush=True)
    if not only:
        for test in (every_link_resolves, the_guides_that_work_have_an_example, the_index_leads_to_every_page_and_the_pages_to_every_example):
            attempt(test.__name__.replace("_", " "), test, binary)
    network_of_its_own()
    for page in pages():
        if only and not any(word in name_of(page) for word in only):
            continue
        for title, blocks in sections(page):
            known = [block for block in blocks if block.kind in ("yaml", "yaml wrong", "console", "nginx", "haproxy")]
            if known:
                attempt(f"{name_of(page)} {title}".strip(), try_section, binary, known)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
