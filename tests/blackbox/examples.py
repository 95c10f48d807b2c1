"""Runs every folder below examples/ as it stands, and what its check.txt says must come back. Usage: examples.py BINARY [NAME]

check.txt, a line each; empty lines and those with # are skipped:
  backend PORT                                  `tidegate echo` on 127.0.0.1:PORT
  env NAME=VALUE                                in the gateway's environment
  run PORT COMMAND ...                          in the example's folder, until the end; PORT answers TCP then (0: UDP)
  until LINE                                    a line of those below, asked again until it is so: what comes after the start
  METHOD URL [name=value ...] [FILE.crt FILE.key] -> STATUS [name: value] [body "text"]
                                                `[name: ]`: the field is not there
  METHOD URL -> refused                         the connection is; also of curl
  curl [OPTION ...] URL -> [HTTP/VERSION] STATUS ...   the same by curl: other versions, PROXY protocol
  udp PORT "text" -> "text"                     a datagram, and what comes back
A URL's host is the request's Host (and SNI); its port is that of the listener. The connection goes to 127.0.0.1.
A certificate is not verified. Listener ports are moved by --port-offset, so that examples do not meet.
"""
import contextlib
import email
import http.client
import os
import pathlib
import re
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from gateway import free_port, get, wait_for  # noqa: E402


def ask_udp(line, offset):
    sent, expected = (shlex.split(part) for part in line.removeprefix("udp ").split(" -> "))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.5)
        peer.connect(("127.0.0.1", int(sent[0]) + offset))

        def answered():
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                peer.send(sent[1].encode())
                return peer.recv(65536)
        assert wait_for(answered, line) == expected[0].encode(), line


def check(line, expected, status, header, body):
    """`header(name)` is the value of a field."""
    wanted, rest = re.match(r"(\d+)(.*)", expected).groups()
    assert status == int(wanted), f"{line}: answered with {status} {body[:200]}"
    for text in re.findall(r'body "((?:[^"\\]|\\.)*)"', rest):
        text = text.replace('\\"', '"')
        assert text.encode() in body, f"{line}: not in the body: {text}: {body[:400]}"
    for name, value in re.findall(r"\[([\w-]+): ([^\]]*)\]", rest):
        assert (header(name) or "") == value, f"{line}: {name} is {header(name)}"


def ask_curl(line, offset):
    command, expected = line.split(" -> ", 1)
    words = shlex.split(command)
    parts = urllib.parse.urlsplit(words[-1])
    port = (parts.port or (443 if parts.scheme == "https" else 80)) + offset
    done = subprocess.run([words[0], "-sSik", "--max-time", "10", "--connect-to", f"::127.0.0.1:{port}", *words[1:]], capture_output=True)
    if expected == "refused":
        assert done.returncode != 0, f"{line}: answered"
        return
    assert done.returncode == 0, f"{line}: {done.stderr.decode()}"
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    first, _, fields = head.decode().partition("\r\n")
    version, status = first.split()[:2]
    wanted = re.match(r"(HTTP/\S+) (.*)", expected)
    assert not wanted or wanted[1] == version, f"{line}: answered in {version}"
    check(line, wanted[2] if wanted else expected, int(status), email.message_from_string(fields).get, body)


def ask(line, offset, folder):
    if line.startswith("udp "):
        return ask_udp(line, offset)
    if line.startswith("curl "):
        return ask_curl(line, offset)
    request, expected = line.split(" -> ", 1)
    if expected == "refused":
        try:
            ask(f"{request} -> 200", offset, folder)
        except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
            return None
        raise AssertionError(f"{line}: answered")
    method, url, *fields = shlex.split(request)
    files = [str(folder / name) for name in fields if "=" not in name]
    fields = [field for field in fields if "=" in field]
    parts = urllib.parse.urlsplit(url)
    port = (parts.port or (443 if parts.scheme == "https" else 80)) + offset
    peer = socket.create_connection(("127.0.0.1", port), 10)
    if parts.scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if files:
            context.load_cert_chain(*files)
        peer = context.wrap_socket(peer, server_hostname=parts.hostname)
    connection = http.client.HTTPConnection(parts.hostname, port)
    connection.sock = peer
    headers = dict(field.split("=", 1) for field in fields)
    headers.setdefault("Host", parts.netloc)
    connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), headers=headers)
    answer = connection.getresponse()
    body = b"" if answer.status == 101 else answer.read()
    peer.close()
    check(line, expected, answer.status, answer.getheader, body)


def holds(line, offset, folder):
    try:
        ask(line, offset, folder)
        return True
    except (AssertionError, OSError, http.client.HTTPException):
        return False


def run(binary, folder):
    lines = [line.strip() for line in (folder / "check.txt").read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    offset = 20000
    ready, admin, metrics = free_port(), free_port(), free_port()
    environment = dict(line.removeprefix("env ").split("=", 1) for line in lines if line.startswith("env "))
    with contextlib.ExitStack() as stack, tempfile.TemporaryFile() as log:
        for line in lines:
            if line.startswith("backend "):
                port = int(line.split()[1])
                echo = subprocess.Popen([binary, "echo", "--address", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
                stack.callback(lambda process=echo: (process.kill(), process.wait()))
                wait_for(lambda port=port: answers(port), f"the backend on port {port} answers")
            if line.startswith("run "):
                _, port, *command = shlex.split(line)
                process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE)
                stack.callback(lambda process=process: (process.kill(), process.wait()))
                if port != "0":
                    wait_for(lambda port=int(port): listens(port), f"port {port} listens")
        config = folder / "config" if (folder / "config").is_dir() else folder
        gateway = subprocess.Popen([binary, "run", "--config", str(config), "--bind-address", "127.0.0.1", "--strict", "--port-offset", str(offset),
                                    "--workers", "1", "--admin-address", f"127.0.0.1:{admin}", "--readiness-address", f"127.0.0.1:{ready}",
                                    "--metrics-address", f"127.0.0.1:{metrics}"], stderr=log, env={**os.environ, **environment})
        stack.callback(lambda: (gateway.kill(), gateway.wait()))

        def is_ready():
            if gateway.poll() is not None:
                log.seek(0)
                raise AssertionError(log.read().decode())
            return answers(ready, "/ready")
        wait_for(is_ready, "the gateway is ready")
        for line in lines:
            if not line.startswith(("backend ", "env ", "run ")):
                try:
                    if line.startswith("until "):
                        wait_for(lambda line=line: holds(line.removeprefix("until "), offset, folder), line)
                    else:
                        ask(line, offset, folder)
                except Exception as error:
                    log.seek(0)
                    raise AssertionError(f"{error!r}; the gateway's exit status is {gateway.poll()}, its log:\n{log.read().decode()}") from error


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def answers(port, path="/"):
    try:
        return get(port, path)[0] == 200
    except OSError:
        return False


ELSEWHERE = {"monitoring"}  # files for others than Tidegate: monitoring.py tests them


def main():
    binary, only = sys.argv[1], sys.argv[2:]
    failures = 0
    for folder in sorted((ROOT / "examples").iterdir()):
        if not folder.is_dir() or folder.name in ELSEWHERE or (only and folder.name not in only):
            continue
        try:
            assert (folder / "README.md").exists(), "no README.md"
            run(binary, folder)
            print(f"PASS example {folder.name}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAIL example {folder.name}: {type(error).__name__} {error}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
