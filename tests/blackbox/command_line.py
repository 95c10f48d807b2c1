"""The command line, and what is packaged with it. Usage: command_line.py BINARY"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from gateway import free_port, get, main, wait_for  # noqa: E402


def run(gateway, *words):
    return subprocess.run([gateway.binary, *words], capture_output=True, text=True, timeout=20)


def help_says_what_there_is_and_how_to_begin(gateway):
    done = run(gateway, "--help")
    assert done.returncode == 0 and not done.stderr
    for word in ("run", "validate", "explain", "echo", "healthcheck", "version", "Examples:", "kubectl", "Signals:"):
        assert word in done.stdout, word
    assert run(gateway, "nonsense").returncode == 2


COMMANDS = ("run", "validate", "explain", "echo", "healthcheck", "version")


def options_of(gateway, command):
    """Long options, as --help lists them: "-H,--header", "--config"."""
    text = run(gateway, command, "--help").stdout
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, flags=re.M)) - {"--help"}


def bash_completes_what_help_lists(gateway):
    ask = "\n".join(["source packaging/completion/tidegate.bash", 'c() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tidegate; echo "${COMPREPLY[*]}"; }',
                     "c tidegate ''", *(f"c tidegate {command} --" for command in COMMANDS), "c tidegate --log-level de", "c tidegate --ad"])
    done = subprocess.run(["bash", "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=10)
    commands, *options, level, begun = (set(line.split()) for line in done.stdout.splitlines())
    assert not done.stderr and commands == set(COMMANDS), done
    assert set(re.findall(r"^  ([a-z]+) {3,}", run(gateway, "--help").stdout, flags=re.M)) == set(COMMANDS)
    for command, offered in zip(COMMANDS, options):
        assert offered == options_of(gateway, command) | {"--help"}, (command, offered)
    assert level == {"debug"} and begun == {"--address-pool", "--admin-address", "--admin-read-only"}, (level, begun)


def every_command_is_in_every_shell_and_in_the_manual(gateway):
    zsh = (ROOT / "packaging/completion/_tidegate").read_text()
    fish = (ROOT / "packaging/completion/tidegate.fish").read_text()
    manual = (ROOT / "packaging/tidegate.8").read_text().replace("\\-", "-")
    for command in COMMANDS:
        assert f"'{command}:" in zsh and f"-fa {command} " in fish and f"\n.B {command}\n" in manual, command
        # A command's part: run's options stand in an array in zsh, and hold in fish where no other command is seen.
        in_zsh = re.search(r"run=\((.*?)\n  \)", zsh, flags=re.S)[1] if command == "run" else "".join(re.findall(rf"^    {command}\) (.*?);;", zsh, flags=re.M | re.S))
        seen = "not __fish_seen_subcommand_from validate" if command == "run" else f"'__fish_seen_subcommand_from {command}'"
        in_fish = "\n".join(line for line in fish.splitlines() if seen in line)
        for option in options_of(gateway, command):
            assert option in in_zsh, (command, option)
            assert f"-l {option[2:]} " in in_fish, (command, option)
            assert option in manual, (command, option)


def the_manual_and_the_unit_are_well_formed(gateway):
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", ROOT / "packaging/tidegate.8"], capture_output=True, text=True, timeout=20,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "PAGER": "cat"})
        assert done.returncode == 0 and not done.stderr and "systemd" in done.stdout, done.stderr
    if shutil.which("systemd-analyze"):
        unit = pathlib.Path(gateway.folder.name) / "tidegate.service"
        unit.write_text((ROOT / "packaging/tidegate.service").read_text().replace("/usr/bin/tidegate", str(pathlib.Path(gateway.binary).resolve())))
        done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("tidegate.service:") and "man tidegate(8)" not in line]
        assert not said, said


def a_signal_does_what_the_interface_says(gateway):
    log = pathlib.Path(gateway.folder.name) / "access.log"
    gateway.arguments = ["--access-log", str(log)]
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/")
    wait_for(lambda: log.exists() and log.read_text(), "the access log is written")
    log.rename(log.with_suffix(".old"))
    gateway.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: get(gateway.port, "/")[0] == 200 and log.exists() and log.read_text(), "the access log is opened anew")

    def reloads():
        text = get(gateway.metrics, "/metrics")[2].decode()
        return sum(int(number) for number in re.findall(r"^tidegate_config_reload_total{.*} (\d+)", text, flags=re.M))
    before = reloads()
    gateway.process.send_signal(signal.SIGHUP)
    wait_for(lambda: reloads() > before, "the directory is read")
    gateway.process.send_signal(signal.SIGINT)
    assert gateway.process.wait(10) == 0
    assert "SIGINT: draining" in gateway.log()


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


TESTS = [help_says_what_there_is_and_how_to_begin, bash_completes_what_help_lists, every_command_is_in_every_shell_and_in_the_manual,
         the_manual_and_the_unit_are_well_formed, a_signal_does_what_the_interface_says, completions_manual_and_docs_know_every_option, the_health_check_asks_a_running_gateway,
         systemd_is_told_of_readiness_and_stop, the_web_page_is_whole_in_itself]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
