"""Backends that misbehave, and what the client gets. Usage: upstreams.py BINARY"""
import http.client
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def scripted(gateway, script, rules=TO_ECHO):
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(rules)
    gateway.start()
    return upstream


def each_wrong_answer_is_502(gateway):
    wrong = [b"", b"HTTP/1.1 200", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
             b"HTTP/1.1 200 OK\r\nBad Field: 1\r\n\r\n", b"HTTP/1.1 99 No\r\n\r\n", b"HTTP/2 200\r\n\r\n",
             b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000 + b"\r\n\r\n", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"]
    now = [b""]

    def script(peer, number):
        upstream.head(peer)
        peer.sendall(now[0])
    upstream = scripted(gateway, script)
    for answer in wrong:
        now[0] = answer
        status, _, body = get(gateway.port, "/")
        assert status == 502 and body, (answer[:60], status, body)
    now[0] = OK
    assert get(gateway.port, "/")[2] == b"ok"


def an_answer_that_nobody_asked_for_is_nobodys(gateway):
    said = threading.Event()

    def script(peer, number):
        while True:
            upstream.head(peer)
            if number == 1:
                peer.sendall(OK)
                time.sleep(0.2)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen")
                said.set()
            else:
                peer.sendall(OK)
    upstream = scripted(gateway, script)
    assert get(gateway.port, "/")[2] == b"ok"
    assert said.wait(5)
    for _ in range(4):
        assert get(gateway.port, "/")[2] == b"ok"


def a_body_beside_an_upgrade_is_a_body(gateway):
    got = []

    def script(peer, number):
        while True:
            head, body = upstream.head(peer)
            while len(body) < 32:
                body += peer.recv(65536)
            got.append((head.lower(), body))
            peer.sendall(OK)
    upstream = scripted(gateway, script)
    hidden = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    hidden = hidden[:32].ljust(32, b" ")
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 32\r\n\r\n" + hidden)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    head, body = got[0]
    assert b"content-length: 32" in head and b"upgrade" not in head and body == hidden, got


def hop_by_hop_fields_stop_here_and_others_pass(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\nKeep-Alive: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                     b"Content-Length: 2\r\n\r\nok")
    upstream = scripted(gateway, script)
    answer = raw(gateway.port, b"GET /p?q HTTP/1.1\r\nHost: h:1\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nX-Pass: yes\r\n"
                 b"Proxy-Connection: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", until_closed=True)
    assert b"x-hop" not in answer.lower() and b"keep-alive" not in answer.lower(), answer
    assert b"X-End: 2" in answer and b"Set-Cookie: a=1" in answer and b"Set-Cookie: b=2" in answer, answer
    head = upstream.heads[0].lower()
    assert head.startswith(b"get /p?q http/1.1\r\nhost: h:1\r\n") and b"x-pass: yes" in head, head
    assert b"x-secret" not in head and b"proxy-connection" not in head, head
    assert b"x-forwarded-for: 192.0.2.1, 127.0.0.1" in head, head


def informational_answers_pass_and_100_is_ours(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    upstream = scripted(gateway, script)
    answer = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True)
    assert answer.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"), answer


def a_body_cut_short_closes_the_connection(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    upstream = scripted(gateway, script)
    answer = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", until_closed=True)
    assert answer.endswith(b"only this"), answer


def a_body_without_length_ends_with_its_connection(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello ")
        peer.sendall(b"world")
    upstream = scripted(gateway, script)
    assert get(gateway.port, "/")[2] == b"hello world"
    answer = raw(gateway.port, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", until_closed=True)
    assert answer.endswith(b"\r\n\r\nhello world") and b"chunked" not in answer.lower(), answer


def trailers_pass_both_ways(gateway):
    def script(peer, number):
        _, body = upstream.head(peer)
        while not body.endswith(b"\r\n\r\n"):
            body += peer.recv(65536)
        bodies.append(body)
        peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n")
    bodies = []
    upstream = scripted(gateway, script)
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"3\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n")
    assert answer.endswith(b"2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n"), answer
    assert bodies[0].endswith(b"0\r\nX-Up: 1\r\n\r\n"), bodies


def an_early_answer_to_an_upload_is_passed_on(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    upstream = scripted(gateway, script)
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000)
        peer.settimeout(5)
        answer = b""
        while b"big" not in answer:
            chunk = peer.recv(65536)
            assert chunk, answer
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 "), answer


def a_post_is_sent_once(gateway):
    def script(peer, number):
        upstream.head(peer)  # and nothing: closed
    upstream = scripted(gateway, script)
    assert get(gateway.port, "/", method="POST", body=b"x")[0] == 502
    assert len(upstream.heads) == 1, upstream.heads


def retries_follow_the_route(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(OK if number >= 3 else b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    upstream = scripted(gateway, script, "    - retry: {attempts: 2, backoff: 10ms, codes: [503]}\n"
                        "      backendRefs: [{name: echo, port: 80}]\n")
    assert get(gateway.port, "/")[2] == b"ok"
    assert len(upstream.heads) == 3


def a_reset_in_the_middle_is_502_before_the_head_and_a_close_after_it(gateway):
    first = [b""]

    def script(peer, number):
        upstream.head(peer)
        peer.sendall(first[0])
        time.sleep(0.05)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    upstream = scripted(gateway, script)
    assert get(gateway.port, "/", method="POST", body=b"x")[0] == 502
    first[0] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"
    answer = raw(gateway.port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", until_closed=True)
    assert answer.endswith(b"123"), answer


def timeouts_are_504(gateway):
    def script(peer, number):
        upstream.head(peer)
        held.wait(5)
    held = threading.Event()
    upstream = scripted(gateway, script, "    - timeouts: {request: 2s, backendRequest: 100ms}\n      backendRefs: [{name: echo, port: 80}]\n")
    started = time.monotonic()
    assert get(gateway.port, "/", method="POST", body=b"")[0] == 504
    assert time.monotonic() - started < 1.5
    held.set()


def time_outs_that_meet_end_a_request_once(gateway):
    """That of a try, of the request, of the stream and the pause before the next try, all of them at 100 ms."""
    def script(peer, number):
        upstream.head(peer)
        peer.recv(1)
    gateway.write("policy.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: idle}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  timeouts: {streamIdle: 100ms}
""")
    upstream = scripted(gateway, script, "    - {timeouts: {request: 100ms, backendRequest: 50ms}, retry: {attempts: 9, backoff: 50ms, codes: [504]}, "
                        "backendRefs: [{name: echo, port: 80}]}\n")
    seen = []

    def ask():
        for _ in range(10):
            seen.append(get(gateway.port, "/")[0])
    askers = [threading.Thread(target=ask) for _ in range(16)]
    for one in askers:
        one.start()
    for one in askers:
        one.join(30)
    assert len(seen) == 160 and set(seen) <= {504, 408}, (len(seen), set(seen))
    assert gateway.process.poll() is None
    stats = get(gateway.admin, "/stats?filter=downstream_rq_active")[2].decode()
    assert "downstream_rq_active: 0" in stats, stats


def timeouts_reach_who_connects(gateway):
    # A listener whose queue is full: the system answers no SYN any more.
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    port = full.getsockname()[1]
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
        waiting.append(one)
    gateway.service("echo", port)
    gateway.service("streams", port, "kubernetes.io/h2c")
    gateway.route("    - {matches: [{path: {value: /streams}}], timeouts: {request: 300ms}, backendRefs: [{name: streams, port: 80}]}\n"
                  "    - {timeouts: {request: 300ms}, backendRefs: [{name: echo, port: 80}]}\n")
    gateway.start()
    for path in ("/", "/streams"):
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(get(gateway.port, path)[0])) for _ in range(3)]
        started = time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == [504] * 3 and time.monotonic() - started < 2, (path, answers, time.monotonic() - started)
    full.close()


def a_backend_that_is_too_slow_is_tried_again_where_that_is_safe(gateway):
    def script(peer, number):
        if b"/slow" not in upstream.head(peer)[0] or upstream.connections > 1:
            peer.sendall(OK)
        else:
            held.wait(5)
    held = threading.Event()
    upstream = scripted(gateway, script, "    - timeouts: {backendRequest: 100ms}\n      retry: {attempts: 1}\n"
                        "      backendRefs: [{name: echo, port: 80}]\n")
    assert get(gateway.port, "/slow")[2] == b"ok" and upstream.connections == 2
    upstream.connections = 0
    assert get(gateway.port, "/slow", method="POST", body=b"x")[0] == 504 and upstream.connections == 1
    held.set()


def a_session_stays_with_its_endpoint(gateway):
    def script(name):
        def serve(peer, number):
            while True:
                one.head(peer)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nSet-Cookie: own=1\r\n\r\n" + name)
        one = ScriptedUpstream(serve)
        gateway.backends.append(one)
        return one
    ports = [script(name).port for name in (b"a", b"b", b"c")]
    for i, port in enumerate(ports):
        gateway.service(f"s{i}", port)
    refs = "[{name: s0, port: 80}, {name: s1, port: 80}, {name: s2, port: 80}]"
    gateway.route(f"    - sessionPersistence: {{sessionName: s, absoluteTimeout: 1h}}\n      backendRefs: {refs}\n"
                  f"    - matches: [{{path: {{value: /header}}}}]\n      sessionPersistence: {{sessionName: X-S, type: Header}}\n"
                  f"      backendRefs: {refs}\n")
    gateway.start()
    seen = set()
    for _ in range(20):
        first = http.client.HTTPConnection("127.0.0.1", gateway.port)
        first.request("GET", "/")
        answer = first.getresponse()
        cookie = next(value for value in answer.headers.get_all("Set-Cookie") if value.startswith("s="))
        assert cookie.endswith("; Path=/; HttpOnly"), cookie
        name = answer.read()
        seen.add(name)
        for _ in range(4):
            first.request("GET", "/", headers={"Cookie": "x=1; " + cookie.split(";")[0]})
            again = first.getresponse()
            assert again.read() == name and again.headers.get_all("Set-Cookie") == ["own=1"]
    assert len(seen) > 1, seen
    status, fields, name = get(gateway.port, "/header")
    for _ in range(10):
        _, again, answer = get(gateway.port, "/header", headers={"X-S": fields["x-s"]})
        assert (again["x-s"], answer) == (fields["x-s"], name), (again, answer)
    # An endpoint that has gone is replaced, and the client told.
    gone = b"abc".index(name)
    gateway.service(f"s{gone}", ports[gone - 1])
    wait_for(lambda: get(gateway.port, "/header", headers={"X-S": fields["x-s"]})[2] != name, "another endpoint answers")
    assert get(gateway.port, "/header", headers={"X-S": fields["x-s"]})[1]["x-s"] != fields["x-s"]


def a_client_that_leaves_ends_the_attempt(gateway):
    def script(peer, number):
        upstream.head(peer)
        ended.append(peer.recv(1))
    ended = []
    upstream = scripted(gateway, script)
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: upstream.heads, "the request arrives")
    wait_for(lambda: ended == [b""], "the backend's connection is closed")


def requests_byte_by_byte_are_the_same_requests(gateway):
    def script(peer, number):
        _, body = upstream.head(peer)
        while len(body) < 5:
            body += peer.recv(1)
        peer.sendall(OK)
    upstream = scripted(gateway, script)
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello":
            peer.sendall(bytes([byte]))
        peer.settimeout(5)
        assert peer.recv(65536).endswith(b"ok")
    assert upstream.heads[0].startswith(b"POST /slow HTTP/1.1")


def a_mirror_gets_the_body_too(gateway):
    def script(peer, number):
        head, body = upstream.head(peer)
        size = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        while len(body) < size:
            body += peer.recv(1 << 20)
        bodies.append(body)
        peer.sendall(OK)
    bodies = []
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("shadow", upstream.port)
    gateway.backend()
    gateway.route("    - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}}}]\n"
                  "      backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    for size in (3, 200_000):
        assert get(gateway.port, "/", method="POST", body=b"x" * size)[0] == 200
        wait_for(lambda: bodies and bodies[-1] == b"x" * size, f"the mirror has {size} bytes")
    assert get(gateway.port, "/", method="POST", body=b"x" * 3_000_000)[0] == 200
    assert len(bodies) == 2, "too long to be mirrored"


def an_answer_that_breaks_before_its_first_byte_counts_once(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")
    upstream = scripted(gateway, script)
    assert get(gateway.port, "/")[0] == 502

    def counted(name):
        text = get(gateway.admin, f"/stats?filter=downstream_rq_{name}$")[2].decode()
        return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if line.startswith("http."))
    wait_for(lambda: counted("5xx") == 1, "the 502 is counted")
    assert (counted("completed"), counted("2xx")) == (1, 0), (counted("completed"), counted("2xx"))


def endpoints_are_counted_for_the_clusters_page(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    gateway.start()
    for path in ("/", "/", "/?status=503"):
        get(gateway.port, path)
    text = get(gateway.admin, "/clusters")[2].decode()
    host = f"kube_default_echo_80::127.0.0.1:{gateway.backends[0].port}::"
    assert host + "rq_total::3" in text and host + "rq_error::1" in text and host + "rq_success::2" in text, text
    assert host + "cx_total::" in text


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__" and name != "scripted"]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
