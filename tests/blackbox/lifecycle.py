"""The binary from start to stop: what a user of the command line sees. Usage: lifecycle.py BINARY"""
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import free_port, get, main, raw, wait_for  # noqa: E402
from h2 import Client, request as h2_request  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"


def a_request_reaches_the_backend_and_says_who_sent_it(gateway):
    gateway.backend()
    gateway.route(TO_ECHO, hostnames="www.example.com")
    gateway.start()
    status, _, body = get(gateway.port, "/a/b?c=d", "www.example.com")
    seen = json.loads(body)
    assert status == 200 and seen["path"] == "/a/b" and seen["query"] == "c=d", body
    assert seen["headers"]["x-forwarded-for"] == ["127.0.0.1"] and seen["headers"]["x-forwarded-proto"] == ["http"]
    assert len(seen["headers"]["x-request-id"][0]) == 36
    assert get(gateway.port, "/", "other.example.com")[0] == 404
    forged = {"X-Forwarded-Client-Cert": "Subject=admin", "X-Forwarded-Proto": "https"}
    seen = json.loads(get(gateway.port, "/", "www.example.com", headers=forged)[2])["headers"]
    twice = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: www.example.com\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n\r\n")
    assert b'"x-forwarded-proto":["http"]' in twice, twice
    assert "x-forwarded-client-cert" not in seen and seen["x-forwarded-proto"] == ["http"], seen


def an_edit_is_served_within_100_ms_and_costs_no_request(gateway):
    gateway.backend()
    for i in range(10):
        gateway.route(TO_ECHO, name=f"other{i}", hostnames=f"h{i}.example.com")
    rule = "    - filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: v, value: '{}'}}]}}}}]\n      backendRefs: [{{name: echo, port: 80}}]\n"
    gateway.route(rule.format(0), hostnames="www.example.com")
    gateway.start()
    stop, failed, done = threading.Event(), [], [0]

    def load():
        while not stop.is_set():
            try:
                status = get(gateway.port, "/", "www.example.com")[0]
                if status != 200:
                    failed.append(status)
            except OSError as error:
                failed.append(error)
            done[0] += 1

    loaders = [threading.Thread(target=load, daemon=True) for _ in range(2)]
    for one in loaders:
        one.start()
    waits = []
    for version in range(1, 101):
        gateway.route(rule.format(version), hostnames="www.example.com")
        written = time.monotonic()
        wait_for(lambda: get(gateway.port, "/", "www.example.com")[1].get("v") == str(version), f"version {version} is served")
        waits.append(time.monotonic() - written)
    stop.set()
    for one in loaders:
        one.join()
    assert not failed, failed[:5]
    assert done[0] > 100
    median = sorted(waits)[50]
    assert median < 0.1, f"median {median * 1000:.0f} ms"


LOAD = """
import select, socket, sys
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(16)]
while not select.select([sys.stdin], [], [], 0)[0]:
    for peer in peers:
        peer.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    for peer in peers:
        assert peer.recv(4096).startswith(b"HTTP/1.1 302 "), "not redirected"
"""


def no_worker_serves_the_old_once_another_has_served_the_new(gateway):
    """Whichever connection a client uses next: 32 of them, on three workers that share a CPU and are busy with others'."""
    gateway.workers = 3
    gateway.backend()
    rule = "    - filters: [{{type: RequestRedirect, requestRedirect: {{hostname: v{}.example.com}}}}]\n"
    gateway.route(rule.format(0))
    for i in range(300):
        gateway.route(TO_ECHO, name=f"other{i}", hostnames=f"h{i}.example.com")
    all_cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_cpus)})
    try:
        gateway.start()
    finally:
        os.sched_setaffinity(0, all_cpus)
    loaders = [subprocess.Popen([sys.executable, "-c", LOAD, str(gateway.port)], stdin=subprocess.PIPE) for _ in range(2)]
    peers = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(32)]

    def version(peer):
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = peer.recv(4096)
        return int(re.search(rb"location: http://v(\d+)\.", head, re.IGNORECASE)[1])
    old = []
    for now in range(1, 61):
        gateway.route(rule.format(now))
        asked = iter(range(1 << 30))
        wait_for(lambda: version(peers[next(asked) % len(peers)]) == now, f"version {now} is served")
        old += [now for peer in peers if version(peer) != now]
    for one in loaders:
        one.stdin.close()
    for peer in peers:
        peer.close()
    assert [one.wait() for one in loaders] == [0, 0]
    assert not old, f"{len(old)} of {60 * 32} answers were old: in changes {sorted(set(old))}"


def workers_come_before_the_control_thread(gateway):
    """Where both want one CPU: the control thread is nicer, by as much as it would be in a process that is nice itself."""
    def niceness(pid):
        tasks = pathlib.Path(f"/proc/{pid}/task")
        values = {int(task.name): int((task / "stat").read_text().rpartition(")")[2].split()[16]) for task in tasks.iterdir()}
        return values.pop(pid), sorted(values.values())
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    gateway.start()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    control, others = niceness(gateway.process.pid)
    assert control == min(ours + 15, 19), control
    assert others.count(ours) >= gateway.workers, others


def sigterm_lets_a_slow_download_finish_and_refuses_new_connections(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    size = 30_000_000
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.sendall(f"GET /?bytes={size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        got = len(peer.recv(1000))
        gateway.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                socket.create_connection(("127.0.0.1", gateway.port), 1).close()
                return False
            except OSError:
                return True
        wait_for(refused, "new connections are refused")
        assert get(gateway.ready, "/ready")[0] == 503
        while chunk := peer.recv(1 << 20):
            got += len(chunk)
        assert got > size, f"{got} of {size} bytes"
    assert gateway.process.wait(10) == 0


def a_request_that_is_there_when_the_drain_begins_is_answered(gateway):
    """Client and signal come while the process stands still: whichever it sees first, it reads what has come before it closes."""
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    peers = [socket.create_connection(("127.0.0.1", gateway.port), 10) for _ in range(40)]
    for peer in peers:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
    time.sleep(0.3)  # they rest
    gateway.process.send_signal(signal.SIGSTOP)
    gateway.process.send_signal(signal.SIGTERM)
    for peer in peers:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    gateway.process.send_signal(signal.SIGCONT)
    answers = [peer.recv(4096) for peer in peers]
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers), [answer[:40] for answer in answers]
    for peer in peers:
        peer.close()
    assert gateway.process.wait(10) == 0


def the_drain_timeout_ends_what_does_not_end(gateway):
    gateway.arguments = ["--drain-timeout", "300ms"]
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    with socket.create_connection(("127.0.0.1", gateway.port)) as stuck, socket.create_connection(("127.0.0.1", gateway.port)) as idle:
        stuck.sendall(b"GET /?bytes=100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        stuck.recv(10)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.recv(65536)
        started = time.monotonic()
        assert gateway.terminate() == 0
        assert 0.25 < time.monotonic() - started < 3
        assert idle.recv(1) == b"", "a connection that idles is closed at once"


def a_broken_file_keeps_its_last_good_objects_and_is_reported(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    gateway.write("route.yaml", "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n  metadata: {name: x\n")
    wait_for(lambda: "route.yaml:" in gateway.log(), "the log names the file")
    assert get(gateway.port, "/")[0] == 200
    files = json.loads(get(gateway.admin, "/configfiles")[2])["files"]
    bad = next(one for one in files if one["path"].endswith("/route.yaml"))
    assert bad["state"] == "last good" and bad["problems"], bad


def a_file_that_is_written_in_place_is_not_read_half(gateway):
    gateway.backend()
    gateway.start()
    form = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {0}}}
spec:
  parentRefs: [{{name: g}}]
  hostnames: [{0}.example.com]
  rules: [{{filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: v, value: '{1}'}}]}}}}], backendRefs: [{{name: echo, port: 80}}]}}]
---
"""
    (gateway.config / "two.yaml").write_text(form.format("one", 1) + form.format("two", 1))
    gateway.wait_for_route(host="two.example.com")
    seen = []

    def pause(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            seen.append(get(gateway.port, "/", "two.example.com")[0])
    with open(gateway.config / "two.yaml", "w", encoding="utf-8") as file:
        pause(0.7)  # empty, longer than anybody waits
        file.write(form.format("one", 2))
        file.flush()
        pause(0.2)  # good YAML, of the first route alone
        file.write(form.format("two", 2))
    wait_for(lambda: get(gateway.port, "/", "two.example.com")[1].get("v") == "2", "what was written is served")
    assert set(seen) == {200}, [seen.count(one) for one in (200, 404)]
    assert get(gateway.port, "/", "one.example.com")[1].get("v") == "2"


def wrong_types_and_unknown_fields_are_reported_with_their_line(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.route("    - backendRefs: [{name: echo, port: eighty}]\n", name="wrong")
    gateway.route("    - backendRef: [{name: echo, port: 80}]\n", name="unknown", hostnames="u.example.com")
    gateway.start()
    assert "wrong.yaml:7:" in gateway.log() and "unknown.yaml:" in gateway.log(), gateway.log()
    assert get(gateway.port, "/")[0] == 200


def a_missing_secret_leaves_the_other_listeners_served(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    tls_port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: https, protocol: HTTPS, port: {tls_port}, tls: {{certificateRefs: [{{name: absent}}]}}}}\n"))
    gateway.start()
    assert get(gateway.port, "/")[0] == 200
    listeners = {one["name"]: one for one in gateway.object("gateways", "g")["status"]["listeners"]}
    refs = gateway.condition(listeners["https"]["conditions"], "ResolvedRefs")
    assert refs["status"] == "False" and refs["reason"] == "InvalidCertificateRef", refs
    assert "gateway.yaml:13: Gateway default/g" in gateway.log(), gateway.log()


def a_reserved_port_is_refused_and_the_rest_is_served(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: taken, protocol: HTTP, port: {gateway.metrics}}}\n"))
    gateway.start()
    assert get(gateway.port, "/")[0] == 200
    listeners = {one["name"]: one for one in gateway.object("gateways", "g")["status"]["listeners"]}
    accepted = gateway.condition(listeners["taken"]["conditions"], "Accepted")
    assert accepted["status"] == "False" and accepted["reason"] == "PortUnavailable", accepted
    assert "Gateway default/g: listener taken: port" in gateway.log(), gateway.log()


def a_port_that_is_in_use_is_reported_and_tried_again(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    with socket.socket() as other:
        other.bind(("127.0.0.1", gateway.port))
        other.listen()
        gateway.start()
        listener = gateway.object("gateways", "g")["status"]["listeners"][0]
        accepted = gateway.condition(listener["conditions"], "Accepted")
        assert accepted["status"] == "False" and accepted["reason"] == "PortUnavailable", accepted
    gateway.wait_for_route()

    def programmed():
        listener = gateway.object("gateways", "g")["status"]["listeners"][0]
        return gateway.condition(listener["conditions"], "Programmed")["status"] == "True"
    wait_for(programmed, "the listener is programmed")


def listeners_come_go_and_move_while_others_serve(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    first = gateway.port
    with socket.create_connection(("127.0.0.1", first)) as kept:
        request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        kept.sendall(request)
        assert b" 200 " in kept.recv(65536)
        second = free_port()
        gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: two, protocol: HTTP, port: {second}}}\n"))
        wait_for(lambda: answers(second), "the new listener answers")
        kept.sendall(request)
        assert b" 200 " in kept.recv(65536), "the connection on the first listener lives"
        gateway.port = third = free_port()
        gateway.write("gateway.yaml", gateway.gateway_yaml())
        wait_for(lambda: answers(third), "the moved listener answers")
        wait_for(lambda: not answers(second), "the removed listener is gone")


def no_core_file_is_left(gateway):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    gateway.start()
    resource.setrlimit(resource.RLIMIT_CORE, before)
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 ", limits), limits


def a_listener_that_goes_ends_its_connections_once_they_are_answered(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    port, size = free_port(), 30_000_000
    listener = f"    - {{name: two, protocol: HTTP, port: {port}}}\n"
    gateway.write("gateway.yaml", gateway.gateway_yaml(listener))
    gateway.start()
    wait_for(lambda: answers(port), "the listener answers")
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 5) as idle, socket.create_connection(("127.0.0.1", port), 5) as slow, \
            Client(port) as h2, socket.create_connection(("127.0.0.1", gateway.port), 5) as other:
        for peer in (idle, other):
            peer.sendall(request)
            assert b" 200 " in peer.recv(65536)
        h2.open(1, h2_request())
        assert h2.outcome(1) == "200"
        slow.sendall(f"GET /?bytes={size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        got = len(slow.recv(1000))
        gateway.write("gateway.yaml", gateway.gateway_yaml())
        wait_for(lambda: not answers(port), "the listener is gone")
        assert idle.recv(65536) == b"", "who idled is told"
        assert h2.until(lambda: h2.goaway() is not None), "who speaks HTTP/2 as well"
        while chunk := slow.recv(1 << 20):
            got += len(chunk)
        assert got > size, f"{got} of {size} bytes"
        other.sendall(request)
        assert b" 200 " in other.recv(65536), "who came by another listener stays"


def answers(port):
    try:
        return get(port, "/")[0] == 200
    except OSError:
        return False


def a_config_map_style_symlink_swap_is_noticed(gateway):
    echo = gateway.backend()
    mount = gateway.config / "mount"
    mount.mkdir()
    route = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mounted}
spec:
  parentRefs: [{name: g}]
  rules: [{matches: [{path: {value: /%s}}], backendRefs: [{name: echo, port: 80}]}]
"""
    for version in ("one", "two"):
        (mount / f"..{version}").mkdir()
        (mount / f"..{version}" / "route.yaml").write_text(route % version)
    (mount / "..data").symlink_to("..one")
    (mount / "route.yaml").symlink_to("..data/route.yaml")
    gateway.start()
    gateway.wait_for_route("/one")
    (mount / "..tmp").symlink_to("..two")
    os.replace(mount / "..tmp", mount / "..data")
    gateway.wait_for_route("/two")
    assert get(gateway.port, "/one")[0] == 404
    assert echo.process.poll() is None


def a_directory_that_appears_later_is_read(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    hidden = gateway.config.with_name("elsewhere")
    gateway.config.rename(hidden)
    gateway.start()
    hidden.rename(gateway.config)
    gateway.wait_for_route()


def what_happens_beside_the_directory_is_not_read(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()

    def reloads():
        text = get(gateway.metrics, "/metrics")[2].decode()
        return next(line.split()[1] for line in text.splitlines() if line.startswith('tidegate_config_reload_total{result="success"}'))

    before = reloads()
    for i in range(20):
        gateway.config.with_name("neighbour.log").write_text(f"line {i}\n")
    gateway.route(TO_ECHO, name="another", hostnames="another.example.com")
    gateway.wait_for_route(host="another.example.com")
    after = reloads()
    assert int(float(after)) - int(float(before)) <= 2, (before, after)


def sighup_reads_again_and_validate_reports(gateway):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: nowhere, port: 80}]\n")
    gateway.start()
    assert get(gateway.port, "/")[0] == 500
    gateway.process.send_signal(signal.SIGHUP)
    done = subprocess.run([gateway.binary, "validate", str(gateway.config)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "route.yaml:7: HTTPRoute default/route: Service default/nowhere does not exist" in done.stdout, done.stdout
    assert gateway.process.poll() is None


def strict_makes_a_problem_a_start_up_error(gateway):
    gateway.route("    - backendRefs: [{name: nowhere, port: 80}]\n")
    gateway.arguments = ["--strict"]
    gateway.start(wait=False)
    assert gateway.process.wait(10) == 1


def wrong_usage_is_exit_status_2(gateway):
    for arguments in (["nonsense"], ["run"], ["run", "--config", "x", "--workers", "0"], ["run", "--config", "x", "--gateway", "x"]):
        done = subprocess.run([gateway.binary, *arguments], capture_output=True, check=False)
        assert done.returncode == 2, (arguments, done)
    done = subprocess.run([gateway.binary, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tidegate ")


def health_checks_can_be_failed_by_hand_and_secrets_stay_hidden(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: hunter2}\n")
    gateway.start()
    assert get(gateway.admin, "/healthcheck/fail")[0] == 405
    assert get(gateway.admin, "/healthcheck/fail", method="POST")[0] == 200
    assert get(gateway.ready, "/ready")[0] == 503
    assert get(gateway.admin, "/healthcheck/ok", method="POST")[0] == 200
    assert get(gateway.ready, "/ready")[0] == 200
    for path in ("/config_dump", "/configfiles", "/api/v1/secrets", "/api/v1/namespaces/default/secrets/s"):
        status, _, body = get(gateway.admin, path)
        assert status == 200 and b"hunter2" not in body, path
    text = get(gateway.metrics, "/metrics")[2].decode()
    assert "tidegate_config_snapshots_total 1" in text and "envoy_server_live 1" in text, text[-500:]


def the_access_log_writes_a_line_a_request(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    path = gateway.config.with_name("access.log")
    gateway.arguments = ["--access-log", str(path)]
    gateway.start()
    get(gateway.port, "/logged", "a.example.com")
    line = wait_for(lambda: next((one for one in path.read_text().splitlines() if "/logged" in one), None), "the line is there")
    assert '"GET /logged HTTP/1.1" 200 - 0 ' in line and '"a.example.com"' in line, line
    path.rename(path.with_suffix(".1"))
    gateway.process.send_signal(signal.SIGUSR1)
    wait_for(path.exists, "the log is opened anew")
    get(gateway.port, "/later", "a.example.com")
    wait_for(lambda: "/later" in path.read_text(), "the new file is written to")


def the_access_log_takes_any_operator_and_refuses_what_is_none(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    path = gateway.config.with_name("access.log")
    form = "%REQ(:PATH)% %RESPONSE_CODE_DETAILS% %RESP(content-type)% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %REQUEST_DURATION% %CEL(request.method)%\n"
    gateway.arguments = ["--access-log", str(path), "--access-log-format", form.replace("\\n", "\n")]
    gateway.start()
    get(gateway.port, "/x")
    line = wait_for(path.read_text, "the line is there")
    assert re.fullmatch(r"/x via_upstream application/json 1 \d+ GET\n", line), line
    wrong = subprocess.run([gateway.binary, "run", "--config", str(gateway.config), "--access-log", "-", "--access-log-format", "%UPSTREAM_HOSTS%"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "did you mean %UPSTREAM_HOST%?" in wrong.stderr, wrong


def the_status_of_each_failure(gateway):
    gateway.service("refusing", free_port())
    gateway.write("empty.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: empty}\nspec: {ports: [{port: 80}]}\n")
    gateway.backend()
    gateway.route("""    - {matches: [{path: {value: /empty}}], backendRefs: [{name: empty, port: 80}]}
    - {matches: [{path: {value: /refusing}}], backendRefs: [{name: refusing, port: 80}]}
    - {matches: [{path: {value: /absent}}], backendRefs: [{name: absent, port: 80}]}
    - {matches: [{path: {value: /slow}}], timeouts: {request: 100ms}, backendRefs: [{name: echo, port: 80}]}
""")
    gateway.start()
    for path, status in (("/none", 404), ("/absent", 500), ("/empty", 503), ("/refusing", 502), ("/slow?delay=5000", 504)):
        answer = get(gateway.port, path)
        assert answer[0] == status and answer[2], (path, answer)


def expect_100_chunks_trailers_and_http_1_0(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    host = b"Host: a\r\n"
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\n" + host + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"), answer
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert b'"body":"hello"' in answer and b'"trailers":{"x-sum":["7"]}' in answer, answer
    answer = raw(gateway.port, b"GET / HTTP/1.0\r\n" + host + b"\r\n", until_closed=True)
    assert b" 200 OK\r\n" in answer and b"Connection: close" in answer, answer
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", until_closed=True)
    assert answer.startswith(b"HTTP/1.1 400 "), answer


TESTS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == "__main__" and value is not answers]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
