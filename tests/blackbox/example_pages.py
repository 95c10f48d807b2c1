"""Does what the README of each example says, as somebody who reads it. Usage: example_pages.py BINARY [NAME]

Commands are what stands in `backticks` or in a fenced block and begins with a program's name; a file that they name may lie in the
example's folder. Servers run until the end; so do the backends of check.txt that the page names by that file alone. What others
say must be there: exit status 0, and for curl one of the statuses that check.txt expects (none where a comment says `# refused`).
The ports are those of the text: where the system allows it, the test has a network of its own.
"""
import contextlib
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
from documentation import Terminal, network_of_its_own  # noqa: E402

sys.path.insert(0, str(ROOT / "tests" / "support"))
from gateway import wait_for  # noqa: E402

ELSEWHERE = {"monitoring"}  # for Prometheus and Grafana: monitoring.py
PROGRAMS = {"curl": 2, "tidegate": 3, "python3": 3, "openssl": 4, "kubectl": 3, "printf": 3, "echo": 3}  # with so many words at least
SERVERS = re.compile(r"(\w+=\S+ )*(tidegate (run|echo)|python3|openssl s_server)\b")
ASK = """curl() { command curl -sS --max-time 10 "$@" -w '%{stderr}\\nstatus %{http_code}\\n'; }\n"""


def is_command(text):
    words = [word for word in text.split() if not re.match(r"[A-Z0-9_]+=", word)]
    return bool(words) and len(words) >= PROGRAMS.get(words[0], 1000)


def commands(page):
    """[command, whether it is to fail]"""
    text = page.read_text()
    out = []
    for fenced, span in re.findall(r"^```\w*\n(.*?)^```|`([^`]+)`", text, re.M | re.S):
        for line in fenced.splitlines() if fenced else [" ".join(span.split())]:
            line, _, comment = line.partition(" # ")
            line = line.strip().removeprefix("$ ").removesuffix("&").strip()
            if is_command(line):
                out.append((line, comment.strip() == "refused"))
    return out


def place(command, folder):
    """Where a reader stands: in the example's folder if files of it are named without their way."""
    local = any((folder / word.rstrip(")")).is_file() for word in command.split())
    return f"cd examples/{folder.name} && {command}" if local else command


def same(command):
    return [word.rpartition("/")[2] if word.endswith(".py") else word for word in shlex.split(command)]


def backends(folder, said):
    """Those of check.txt that the page does not start; each of the page's must be one of them."""
    wanted = []
    for line in (folder / "check.txt").read_text().splitlines():
        if line.startswith("backend "):
            wanted.append(f"tidegate echo --address 127.0.0.1:{line.split()[1]}")
        if line.startswith("run "):
            wanted.append(line.split(maxsplit=2)[2])
    known = [same(one) for one in wanted]
    for one in said:
        assert same(one) in known, f"{one}: check.txt knows no such backend: {wanted}"
    return [one for one in wanted if same(one) not in [same(command) for command in said]]


def try_page(binary, folder):
    found = commands(folder / "README.md")
    runs = [command for command, _ in found if re.match(r"(\w+=\S+ )*tidegate run ", command)]
    config = folder / "config" if (folder / "config").is_dir() else folder
    assert runs, "no command that runs it"
    assert all(f"--config {config.relative_to(ROOT)}" in one for one in runs), runs
    lines = (folder / "check.txt").read_text().splitlines()
    variables = {line.removeprefix("env ").strip() for line in lines if line.startswith("env ")}
    missing = [one for one in variables if one not in runs[0] and option_of(one) not in runs[0]]
    assert not missing, f"{runs[0]}: without {missing}, which check.txt sets"
    statuses = {status for line in lines for status in re.findall(r" -> (?:HTTP/\S+ )?(\d{3})", line)}
    servers = [command for command, _ in found if SERVERS.match(command) and command not in runs]
    with tempfile.TemporaryDirectory(prefix="tidegate-example-") as name, contextlib.ExitStack() as stack:
        terminal = Terminal(binary, pathlib.Path(name), stack)
        for one in [*servers, *backends(folder, servers)]:
            terminal.begin(in_folder(place(one, folder)))
        terminal.begin("env " + runs[0])
        for command, fails in found:
            if SERVERS.match(command):
                continue
            tools = [word for word in ("kubectl", "nc", "jq", "openssl") if re.search(rf"\b{word} ", command)]
            if all(shutil.which(tool) for tool in tools):
                ask(terminal, place(command, folder), fails, statuses)


def option_of(variable):
    """TIDEGATE_LOG_LEVEL=debug is --log-level debug."""
    name, _, value = variable.removeprefix("TIDEGATE_").partition("=")
    return f"--{name.lower().replace('_', '-')} {value}"


def in_folder(command):
    """Terminal.begin() puts `exec` in front."""
    return f"bash -c {shlex.quote(command)}" if command.startswith("cd ") else command


def ask(terminal, command, fails, statuses):
    said = []

    def holds():
        done = subprocess.run(["bash", "-o", "pipefail", "-c", ASK + command], cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True,
                              errors="replace", timeout=60, stdin=subprocess.DEVNULL)
        said[:] = [done.returncode, done.stdout[-2000:] + done.stderr[-1000:]]
        if fails:
            return done.returncode != 0
        return done.returncode == 0 and all(status in statuses for status in re.findall(r"^status (\d+)$", done.stderr, re.M))
    try:
        wait_for(holds, command, 30)  # services that it asks may still be starting
    except AssertionError:
        log = terminal.log.read_text() if terminal.log.exists() else ""
        raise AssertionError(f"$ {command}\nexit status {said[0]}, check.txt expects {sorted(statuses)}:\n{said[1]}\nthe log:\n{log[-2000:]}") from None


def main():
    binary, only = sys.argv[1], sys.argv[2:]
    network_of_its_own()
    failures = 0
    for folder in sorted((ROOT / "examples").iterdir()):
        if not folder.is_dir() or folder.name in ELSEWHERE or (only and folder.name not in only):
            continue
        try:
            try_page(binary, folder)
            print(f"PASS README of {folder.name}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAIL README of {folder.name}: {type(error).__name__} {error}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
