"""The command line, and what is packaged with it. Usage: command_line.py BINARY"""
import pathlib
import re
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from gateway import free_port, get, main  # noqa: E402


def run(gateway, *words):
    return subprocess.run([gateway.binary, *words], capture_output=True, text=True, timeout=20)


def help_says_what_there_is_and_how_to_begin(gateway):
    done = run(gateway, "--help")
    assert done.returncode == 0 and not done.stderr
    for word in ("run", "validate", "explain", "echo", "healthcheck", "version", "Examples:", "kubectl", "Signals:"):
        assert word in done.stdout, word
    assert run(gateway, "nonsense").returncode == 2


def completions_manual_and_docs_know_every_option(gateway):
    options = set(re.findall(r"^ +(--[a-z-]+)", run(gateway, "run", "--help").stdout, flags=re.M)) - {"--help"}
    assert "--admin-read-only" in options, options
    for name in ("packaging/completion/tidegate.bash", "packaging/completion/_tidegate", "docs/reference/options.md"):
        text = (ROOT / name).read_text()
        assert not {one for one in options if one not in text}, name
    manual = (ROOT / "packaging/tidegate.8").read_text().replace("\\-", "-")
    fish = (ROOT / "packaging/completion/tidegate.fish").read_text()
    assert not {one for one in options if one not in manual}
    assert not {one for one in options if f"-l {one[2:]} " not in fish}


def the_health_check_asks_a_running_gateway(gateway):
    gateway.start()
    address = f"127.0.0.1:{gateway.ready}"
    done = run(gateway, "healthcheck", "--readiness-address", address)
    assert done.returncode == 0 and done.stdout == "LIVE\n", done
    get(gateway.admin, "/healthcheck/fail", method="POST")
    done = run(gateway, "healthcheck", "--readiness-address", f"0.0.0.0:{gateway.ready}")
    assert done.returncode == 1 and done.stdout == "DRAINING\n", done
    assert run(gateway, "healthcheck", "--readiness-address", f"127.0.0.1:{free_port()}").returncode == 1
    assert run(gateway, "healthcheck", "--readiness-address", "nowhere").returncode == 1


def systemd_is_told_of_readiness_and_stop(gateway):
    path = f"{gateway.folder.name}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        gateway.environment = {"NOTIFY_SOCKET": path}
        gateway.start()
        assert manager.recv(100) == b"READY=1"
        assert gateway.terminate() == 0
        said = manager.recv(100)
        while said == b"READY=1":
            said = manager.recv(100)
        assert said == b"STOPPING=1", said


def the_web_page_is_whole_in_itself(gateway):
    gateway.start()
    status, headers, body = get(gateway.admin, "/")
    text = body.decode()
    assert status == 200 and headers["content-type"].startswith("text/html") and text.rstrip().endswith("</html>")
    assert not re.search(r"(src|href)=\"(https?:)?//", text) and "default-src 'none'" in text
    for path in set(re.findall(r"data-post=\"([^\"?]+)", text)):
        assert get(gateway.admin, path)[0] == 405, path


TESTS = [help_says_what_there_is_and_how_to_begin, completions_manual_and_docs_know_every_option, the_health_check_asks_a_running_gateway,
         systemd_is_told_of_readiness_and_stop, the_web_page_is_whole_in_itself]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
