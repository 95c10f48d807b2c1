"""Backends that break the rules: their answers are never passed on as they are. Usage: hostile_upstreams.py BINARY

Sources: RFC 9110 and 9112 where they say MUST: splitting of answers, framing that is wrong, 1xx without end, bodies where none may
be, ends that come early, garbage, heads without end, resets.
"""
import contextlib
import pathlib
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from gateway import get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


class Backend:
    """Answers a request for /N with the Nth script: bytes, then what becomes of the connection."""

    def __init__(self, gateway, app_protocol="", rules="    - backendRefs: [{name: echo, port: 80}]\n"):
        self.answers = {}
        self.seen = []
        self.lock = threading.Lock()
        self.upstream = ScriptedUpstream(self.serve)
        gateway.service("echo", self.upstream.port, app_protocol)
        gateway.route(rules)
        gateway.start()
        self.answers["/ready"] = (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "keep")
        gateway.wait_for_route("/ready")

    def serve(self, peer, _):
        while True:
            head, _rest = self.upstream.head(peer)
            path = head.split(b" ")[1].decode()
            with self.lock:
                self.seen.append(path)
            data, then = self.answers[path]
            for piece in data if isinstance(data, list) else [data]:
                peer.sendall(piece)
            if then == "close":
                return
            if then == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return
            if then == "hang":
                peer.settimeout(20)
                peer.recv(1)
                return


def exchange(port, path, method="GET", patience=10, version="1.1", fields="", connection="close"):
    """All bytes that come for one request that closes, and whether they ended well."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(f"{method} {path} HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\n{fields}\r\n".encode())
        peer.settimeout(patience)
        try:
            while chunk := peer.recv(65536):
                out += chunk
        except ConnectionResetError:
            return out, "reset"
        except socket.timeout:
            return out, "silence"
    return out, "closed"


def whole(answer):
    """Whether the answer has ended by its own framing; its status and body."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, rest = rest.partition(b"\r\n\r\n")
    status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        body = b""
        while True:
            line, mark, rest = rest.partition(b"\r\n")
            if not mark:
                return False, status, body
            size = int(line, 16)
            if size == 0:
                return rest == b"\r\n", status, body
            body, rest = body + rest[:size], rest[size + 2:]
    length = next((int(line[15:]) for line in fields.split(b"\r\n") if line.startswith(b"content-length:")), None)
    return length is not None and len(rest) == length, status, rest


OK = b"HTTP/1.1 200 OK\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: evil=1\r\n\r\nevil"

BROKEN_HEADS = [
    ("garbage", b"\x00\x01\x02garbage\r\n\r\n"), ("text", b"hello\r\n\r\n"), ("no status", b"HTTP/1.1\r\n\r\n"), ("a status of letters", b"HTTP/1.1 abc OK\r\n\r\n"),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"), ("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n"), ("status 000", b"HTTP/1.1 000 x\r\n\r\n"), ("status 999", b"HTTP/1.1 999 x\r\n\r\n"),
    ("a signed status", b"HTTP/1.1 +20 OK\r\n\r\n"), ("another protocol", b"ICY 200 OK\r\n\r\n"), ("HTTP/2.0", b"HTTP/2.0 200 OK\r\n\r\n"), ("lower case", b"http/1.1 200 OK\r\n\r\n"),
    ("two spaces", b"HTTP/1.1  200 OK\r\n\r\n"), ("a space first", b" HTTP/1.1 200 OK\r\n\r\n"), ("CR in the reason", b"HTTP/1.1 200 O\rK\r\n\r\n"), ("NUL in the reason", b"HTTP/1.1 200 O\x00K\r\n\r\n"),
    ("lines that end in LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), ("one line that ends in LF", OK + b"A: b\nContent-Length: 2\r\n\r\nok"), ("LF LF at the end", OK + b"Content-Length: 2\n\nok"),
    ("CR in a value", OK + b"A: b\rc\r\nContent-Length: 2\r\n\r\nok"), ("NUL in a value", OK + b"A: b\x00\r\nContent-Length: 2\r\n\r\nok"), ("NUL in a name", OK + b"A\x00: b\r\nContent-Length: 2\r\n\r\nok"),
    ("a space before the colon", OK + b"Content-Length : 2\r\n\r\nok"), ("a space in a name", OK + b"A B: c\r\nContent-Length: 2\r\n\r\nok"), ("no colon", OK + b"A\r\nContent-Length: 2\r\n\r\nok"),
    ("no name", OK + b": b\r\nContent-Length: 2\r\n\r\nok"), ("a folded field", OK + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nok"), ("a fold first", OK + b" A: b\r\nContent-Length: 2\r\n\r\nok"),
    ("two lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"), ("two lengths, same", OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"), ("a list of lengths", OK + b"Content-Length: 2, 2\r\n\r\nok"),
    ("a signed length", OK + b"Content-Length: +2\r\n\r\nok"), ("a negative length", OK + b"Content-Length: -2\r\n\r\nok"), ("a length of letters", OK + b"Content-Length: two\r\n\r\nok"), ("a length too high", OK + b"Content-Length: 99999999999999999999\r\n\r\nok"),
    ("length and coding", OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), ("two codings", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("an unknown coding", OK + b"Transfer-Encoding: x\r\n\r\nok"), ("gzip and chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), ("chunked and gzip", OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("a coding in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ("an obfuscated coding", OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), ("a coding with VT", OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), ("a head of 64 kB", OK + b"A: " + b"b" * 65536 + b"\r\n\r\n"), ("2000 fields", OK + b"A: b\r\n" * 2000 + b"\r\n"),
    ("a head that does not end", OK + b"A: b\r\n"), ("nothing", b""), ("half a status line", b"HTTP/1.1 20"), ("1000 times 100", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + OK + b"Content-Length: 2\r\n\r\nok"),
    ("1000 times 103", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000 + OK + b"Content-Length: 2\r\n\r\nok"), ("103 alone", b"HTTP/1.1 103 Early Hints\r\n\r\n"), ("102 with a body", b"HTTP/1.1 102 Processing\r\nContent-Length: 4\r\n\r\nevil" + OK + b"\r\n"),
    ("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("settings of HTTP/2", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x28"),
]


def a_head_that_is_none_becomes_502(gateway):
    backend = Backend(gateway)
    wrong = []
    for number, (name, data) in enumerate(BROKEN_HEADS):
        for then in ("close", "reset"):
            path = f"/{number}{then}"
            backend.answers[path] = (data, then)
            answer, end = exchange(gateway.port, path)
            good, status, _ = whole(answer)
            if status not in (502, 503) or not good or end != "closed" or b"evil" in answer:
                wrong.append(f"{name}, {then}: {end} {answer[:120]!r}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)


def no_request_is_repeated_that_may_have_had_an_effect(gateway):
    backend = Backend(gateway)
    for number, (data, then) in enumerate(((b"", "close"), (b"", "reset"), (b"HTTP/1.1 2", "reset"), (b"garbage\r\n\r\n", "close"))):
        backend.answers[f"/post{number}"] = (data, then)
        answer, _ = exchange(gateway.port, f"/post{number}", "POST")
        assert whole(answer)[1] in (502, 503), answer
        assert backend.seen.count(f"/post{number}") == 1, backend.seen


BROKEN_BODIES = [
    ("shorter than its length", OK + b"Content-Length: 10\r\n\r\nhello"), ("no byte of its length", OK + b"Content-Length: 10\r\n\r\n"), ("chunks without the last one", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ("half a chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), ("half a size", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1"), ("a bad size", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n"),
    ("a chunk too long", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n"), ("a size that ends in LF", OK + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"), ("a size with a space", OK + b"Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"),
    ("the last chunk without its end", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"), ("a trailer that is none", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA B\r\n\r\n"), ("LF in a trailer", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n"),
    ("2^64 bytes", OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"), ("a negative size", OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
]


def a_body_that_does_not_end_well_never_looks_whole(gateway):
    """The client sees it: 502, or an answer whose framing does not end. The same in HTTP/2: a reset."""
    backend = Backend(gateway)
    wrong = []
    for number, (name, data) in enumerate(BROKEN_BODIES):
        for then in ("close", "reset"):
            for pieces in ("together", "apart"):
                path = f"/{number}{then}{pieces}"
                head, _, rest = data.partition(b"\r\n\r\n")
                backend.answers[path] = (data if pieces == "together" else [head + b"\r\n\r\n", rest], then)
                answer, end = exchange(gateway.port, path)
                good, status, _ = whole(answer)
                if (good and status == 200) or end == "silence":
                    wrong.append(f"{name}, {then}, {pieces}: {end}, {answer!r}")
                with h2.Client(gateway.port) as client:
                    client.open(1, h2.request(path))
                    client.until(lambda: client.heard(h2.RST_STREAM, 1) or [one for one in client.frames if one.stream == 1 and one.kind < 2 and one.flags & 1])
                    status = client.outcome(1)
                    if status == "200" and not client.heard(h2.RST_STREAM, 1):
                        wrong.append(f"{name}, {then}, {pieces}: whole in HTTP/2")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)


def a_second_answer_is_nobodys(gateway):
    """Response splitting and queue poisoning: what follows an answer unasked is no answer to the next request."""
    backend = Backend(gateway)
    rows = [("behind a length", OK + b"Content-Length: 2\r\n\r\nok" + SECOND, b"ok", "GET"), ("behind chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + SECOND, b"ok", "GET"), ("behind 204", b"HTTP/1.1 204 No Content\r\n\r\n" + SECOND, b"", "GET"),
            ("behind 204 with a length", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", b"", "GET"), ("behind 304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", b"", "GET"), ("behind 304 with chunks", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", b"", "GET"),
            ("behind HEAD", OK + b"Content-Length: 4\r\n\r\nevil", b"", "HEAD"), ("behind HEAD with chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", b"", "HEAD"), ("behind HEAD, a second answer", OK + b"\r\n" + SECOND, b"", "HEAD"),
            ("behind 205", b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n" + SECOND, b"", "GET"), ("behind zero", OK + b"Content-Length: 0\r\n\r\n" + SECOND, b"", "GET"), ("a shorter length", OK + b"Content-Length: 2\r\n\r\nokevil", b"ok", "GET")]
    wrong = []
    backend.answers["/next"] = (OK + b"Content-Length: 4\r\n\r\nnext", "keep")
    for number, (name, data, body, method) in enumerate(rows):
        for pieces in ([data], [data[:-4], data[-4:]]):
            path = f"/{number}x{len(pieces)}"
            backend.answers[path] = (pieces, "keep")
            with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
                peer.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                with contextlib.suppress(OSError):
                    while chunk := peer.recv(65536):
                        answer += chunk
            # What comes late, when the next request is on its way, costs that one its answer.
            late = len(pieces) > 1 and b"HTTP/1.1 502 " in answer
            if b"evil" in answer or not (answer.endswith(b"next") or late) or body not in answer:
                wrong.append(f"{name}: {answer!r}")
            for _ in range(3):
                if get(gateway.port, "/next")[2] != b"next":
                    wrong.append(f"{name}: another client got it")
    assert not wrong, "\n".join(wrong)


def what_may_not_cross_is_left_out(gateway):
    backend = Backend(gateway)
    backend.answers["/hop"] = (OK + b"Connection: close, X-Secret, Content-Length\r\nX-Secret: a\r\nKeep-Alive: x\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTE: x\r\nTrailer: B\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nB: c\r\n\r\n", "close")
    answer, _ = exchange(gateway.port, "/hop")
    good, status, body = whole(answer)
    assert good and status == 200 and body == b"ok", answer
    lower = answer.lower()
    for name in (b"x-secret", b"keep-alive:", b"proxy-connection", b"upgrade", b"\r\nte:", b"content-length"):
        assert name not in lower, (name, answer)
    backend.answers["/hints"] = (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", "keep")
    assert exchange(gateway.port, "/hints")[0].startswith(b"HTTP/1.1 103 ")
    assert exchange(gateway.port, "/hints", version="1.0")[0].startswith(b"HTTP/1.1 200 "), "1xx is not for HTTP/1.0 (RFC 9110 section 15.2)"


def the_reason_and_fields_of_a_backend_cannot_split_an_answer(gateway):
    """Whatever a backend says, the client's answer has the lines that we write."""
    backend = Backend(gateway)
    backend.answers["/reason"] = (b"HTTP/1.1 200 OK X-Evil: 1\r\nContent-Length: 2\r\n\r\nok", "keep")
    answer, _ = exchange(gateway.port, "/reason")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    backend.answers["/utf8"] = (OK + b"X: \xc3\xa9\r\nContent-Length: 2\r\n\r\nok", "keep")
    assert b"x: \xc3\xa9\r\n" in exchange(gateway.port, "/utf8")[0].lower()


def what_a_policy_hides_does_not_come_as_a_trailer(gateway):
    rules = "    - filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-by, value: us}], remove: [x-internal]}}]\n      backendRefs: [{name: echo, port: 80}]\n"
    backend = Backend(gateway, rules=rules)
    backend.answers["/"] = (OK + b"Connection: X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Hop: a\r\n\r\n", "keep")
    backend.answers["/two"] = (OK + b"X-Internal: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Internal: a\r\nX_internal: a\r\nX-By: a\r\nX-Sum: 9\r\n\r\n", "keep")
    for path, trailers in (("/", b""), ("/two", b"X-Sum: 9\r\n"), ("/", b"")):
        answer, _ = exchange(gateway.port, path, fields="TE: trailers\r\n")
        assert answer.endswith(b"2\r\nok\r\n0\r\n" + trailers + b"\r\n") and answer.count(b"x-by: us") == 1, answer


def an_answer_that_breaks_off_is_not_whole_for_old_clients_either(gateway):
    """In HTTP/1.0 the end of the connection is that of the body: an orderly one would say that it was all."""
    backend = Backend(gateway)
    backend.answers.update({"/good": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "keep"),
                            "/cut": ([OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"], "close"),
                            "/bad": ([OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"x\r\n"], "hang")})
    answer, end = exchange(gateway.port, "/good", version="1.0")
    assert answer.endswith(b"\r\n\r\nhello") and end == "closed", (answer, end)
    for path in ("/cut", "/bad"):
        answer, end = exchange(gateway.port, path, version="1.0")
        assert end == "reset" or b" 502 " in answer, (path, answer, end)


def only_the_protocol_that_was_asked_for_is_switched_to(gateway):
    backend = Backend(gateway)
    for number, (fields, wanted) in enumerate(((b"Upgrade: chat\r\nConnection: Upgrade\r\n", 101), (b"upgrade: CHAT\r\nConnection: Upgrade\r\n", 101),
                                               (b"Upgrade: other\r\nConnection: Upgrade\r\n", 502), (b"Connection: Upgrade\r\n", 502), (b"", 502), (b"Upgrade: h2c\r\n", 502))):
        path = f"/{number}"
        backend.answers[path] = (b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\nhello", "close")
        answer, _ = exchange(gateway.port, path, fields="Upgrade: chat\r\n", connection="Upgrade")
        assert answer.startswith(b"HTTP/1.1 %d " % wanted) and answer.endswith(b"\r\n\r\nhello") == (wanted == 101), (fields, answer)


def who_ended_a_tunnel_is_counted(gateway):
    backend = Backend(gateway)
    backend.answers["/"] = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n", "close")
    backend.answers["/stays"] = (backend.answers["/"][0], "hang")

    def counted(side):
        text = get(gateway.admin, f"/stats?filter=cluster.kube_default_echo_80.upstream_cx_destroy_{side}$")[2].decode()
        return int(text.rpartition(": ")[2])
    before = counted("remote"), counted("local")
    exchange(gateway.port, "/", fields="Upgrade: chat\r\n", connection="Upgrade")
    wait_for(lambda: (counted("remote"), counted("local")) == (before[0] + 1, before[1]), "the backend has left")
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
        peer.sendall(b"GET /stays HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 101 ")
    wait_for(lambda: (counted("remote"), counted("local")) == (before[0] + 1, before[1] + 1), "we have left")


def backends_that_hang_hold_nobody_up(gateway):
    backend = Backend(gateway)
    backend.answers.update({"/silent": (b"", "hang"), "/head": (b"HTTP/1.1 200 OK\r\nA: ", "hang"), "/body": (OK + b"Content-Length: 9\r\n\r\nx", "hang")})
    peers = []
    for i in range(60):
        peer = socket.create_connection(("127.0.0.1", gateway.port), 5)
        peer.sendall(f"GET {('/silent', '/head', '/body')[i % 3]} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        peers.append(peer)
    for _ in range(30):
        assert get(gateway.port, "/ready")[0] == 200
    for peer in peers:
        peer.close()
    wait_for(lambda: b"downstream_rq_active: 0" in get(gateway.admin, "/stats?filter=downstream_rq_active")[2], "the exchanges end with their clients")


def an_http_2_backend_that_breaks_the_rules_becomes_502(gateway):
    """What it sends instead of an answer, for the stream that it is asked on: never passed on, and the next request is served."""
    head = lambda s, fields, flags=h2.END_HEADERS: h2.frame(h2.HEADERS, flags, s, h2.block(fields))  # noqa: E731
    data = lambda s, body, end=True: h2.frame(h2.DATA, h2.END_STREAM if end else 0, s, body)  # noqa: E731
    ok = [(":status", "200")]
    ways = {
        "garbage": lambda s: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "GOAWAY": lambda s: h2.frame(h2.GOAWAY, 0, 0, struct.pack("!II", s, h2.INTERNAL_ERROR)),
        "a reset": lambda s: h2.frame(h2.RST_STREAM, 0, s, struct.pack("!I", h2.INTERNAL_ERROR)), "no status": lambda s: head(s, [("x", "y")]) + data(s, b"evil"),
        "two statuses": lambda s: head(s, ok + ok) + data(s, b"evil"), "status abc": lambda s: head(s, [(":status", "abc")]) + data(s, b"evil"), "status 99": lambda s: head(s, [(":status", "99")]) + data(s, b"evil"),
        "status 101": lambda s: head(s, [(":status", "101")]) + data(s, b"evil"), "status 1000": lambda s: head(s, [(":status", "1000")]) + data(s, b"evil"), "status with CRLF": lambda s: head(s, [(":status", "200\r\nx: y")]) + data(s, b"evil"),
        "CRLF in a value": lambda s: head(s, ok + [("x", "a\r\nset-cookie: evil")]) + data(s, b"evil"), "CRLF in a name": lambda s: head(s, ok + [("x\r\nset-cookie: evil", "a")]) + data(s, b"evil"),
        "NUL in a value": lambda s: head(s, ok + [("x", "a\x00evil")]) + data(s, b"evil"), "a name in capitals": lambda s: head(s, ok + [("X", "evil")]) + data(s, b"evil"), "a colon in a name": lambda s: head(s, ok + [("a:b", "evil")]) + data(s, b"evil"),
        "a status behind other fields": lambda s: head(s, [("x", "y"), *ok]) + data(s, b"evil"), "a path": lambda s: head(s, ok + [(":path", "/")]) + data(s, b"evil"), "transfer-encoding": lambda s: head(s, ok + [("transfer-encoding", "chunked")]) + data(s, b"evil"),
        "connection": lambda s: head(s, ok + [("connection", "close")]) + data(s, b"evil"), "a length that is none": lambda s: head(s, ok + [("content-length", "+4")]) + data(s, b"evil"), "two lengths": lambda s: head(s, ok + [("content-length", "4"), ("content-length", "5")]) + data(s, b"evil"),
        "data ahead of the head": lambda s: data(s, b"evil"), "1000 times 103": lambda s: head(s, [(":status", "103")]) * 1000, "103 that ends the stream": lambda s: head(s, [(":status", "103")], h2.END_HEADERS | h2.END_STREAM),
        "a block that is broken": lambda s: h2.frame(h2.HEADERS, h2.END_HEADERS, s, b"\xff\xff\xff\xff\xff"), "a table that is too large": lambda s: h2.frame(h2.HEADERS, h2.END_HEADERS, s, b"\x3f\xff\xff\x7f" + h2.block(ok)),
        "PUSH_PROMISE": lambda s: h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, s, b"\0\0\0\2" + h2.block(h2.request())), "an answer to nobody": lambda s: head(s + 2, ok) + data(s + 2, b"evil"), "a stream of its own": lambda s: head(2, h2.request()),
        "CONTINUATION without end": lambda s: h2.frame(h2.HEADERS, 0, s, h2.block(ok)) + h2.frame(h2.CONTINUATION, 0, s, h2.block([("x", "y")])) * 1000, "a bomb": lambda s: h2.frame(h2.HEADERS, h2.END_HEADERS, s, h2.block(ok) + b"\x40" + h2.literal("x") + h2.literal("y" * 3000) + b"\xbe" * 12000),
        "a frame of 20 kB": lambda s: h2.frame(h2.DATA, 0, s, b"x" * 20000), "a frame of 3 bytes too few": lambda s: h2.frame(h2.RST_STREAM, 0, s, b"\0"), "10000 SETTINGS": lambda s: h2.frame(h2.SETTINGS, 0, 0) * 10000, "10000 PINGs": lambda s: h2.frame(h2.PING, 0, 0, b"12345678") * 10000,
        "a window above 2^31": lambda s: h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, "nothing, and the end": lambda s: b"",
    }
    names = list(ways)

    def script(peer, _):
        server = h2.Server(peer)
        stream = server.request()
        if not names:
            peer.sendall(head(stream, ok) + data(stream, b"fine"))
            return server.request()
        peer.sendall(ways[names[0]](stream))
        return None
    upstream = ScriptedUpstream(script)
    gateway.service("echo", upstream.port, "kubernetes.io/h2c")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    wrong = []
    while names:
        name = names[0]
        answer, end = exchange(gateway.port, "/", "POST")
        good, status, _ = whole(answer)
        if status not in (502, 503) or not good or end != "closed" or b"evil" in answer:
            wrong.append(f"{name}: {end} {answer[:160]!r}")
        names.pop(0)
    assert not wrong, f"{len(wrong)} of {len(ways)}:\n" + "\n".join(wrong)
    gateway.wait_for_route("/")
    assert get(gateway.port, "/")[2] == b"fine"


def a_request_that_a_backend_has_not_touched_is_sent_again(gateway):
    """GOAWAY and REFUSED_STREAM say that nothing has happened (RFC 9113 section 8.7): a connection that goes away costs no request, whatever its method."""
    ways = {"GOAWAY": lambda s: h2.frame(h2.GOAWAY, 0, 0, struct.pack("!II", s - 2, h2.NO_ERROR)), "REFUSED_STREAM": lambda s: h2.frame(h2.RST_STREAM, 0, s, struct.pack("!I", h2.REFUSED_STREAM))}
    way, seen, refused = [""], [], []

    def script(peer, number):
        server = h2.Server(peer)
        served = 0
        while True:
            stream = server.request()
            if served and way[0]:
                peer.sendall(ways[way[0]](stream))
                refused.append(way[0])
                way[0] = ""
                continue
            served += 1
            seen.append(number)
            peer.sendall(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, h2.block([(":status", "204")])))
    upstream = ScriptedUpstream(script)
    gateway.workers = 1
    gateway.service("echo", upstream.port, "kubernetes.io/h2c")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/", status=204)

    def ask(method):  # in one write: what has been taken of a body that comes later cannot be sent again
        return raw(gateway.port, f"{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx".encode(), until_closed=True)[:12]
    for name in ways:
        for method in ("GET", "POST"):
            assert ask(method) == b"HTTP/1.1 204"
            seen.clear()
            way[0] = name
            status = [ask(method) for _ in range(4)]
            assert status == [b"HTTP/1.1 204"] * 4, (name, method, status)
            assert len(seen) == 4, (name, method, seen)
    assert refused == ["GOAWAY", "GOAWAY", "REFUSED_STREAM", "REFUSED_STREAM"], refused


def an_answer_is_heard_though_the_body_is_not_taken(gateway):
    """A backend that opens no window for a request's body and says why, with and without NO_ERROR behind it."""
    resets = [False]

    def script(peer, _):
        server = h2.Server(peer, struct.pack("!HI", 4, 0))
        while True:
            stream = server.request()
            peer.sendall(h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.block([(":status", "413"), ("content-length", "3")])) + h2.frame(h2.DATA, h2.END_STREAM, stream, b"no\n")
                         + (h2.frame(h2.RST_STREAM, 0, stream, struct.pack("!I", h2.NO_ERROR)) if resets[0] else b""))
    upstream = ScriptedUpstream(script)
    gateway.service("echo", upstream.port, "kubernetes.io/h2c")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/", status=413)
    for with_reset in (False, True):
        resets[0] = with_reset
        for size in (1, 100_000):
            for _ in range(3):  # the window is 65535 until the settings come
                status, _, body = get(gateway.port, "/", method="POST", body=b"x" * size)
                assert (status, body) == (413, b"no\n"), (resets, size, status, body)


TESTS = [a_request_that_a_backend_has_not_touched_is_sent_again, an_answer_is_heard_though_the_body_is_not_taken, an_http_2_backend_that_breaks_the_rules_becomes_502, a_head_that_is_none_becomes_502, no_request_is_repeated_that_may_have_had_an_effect, a_body_that_does_not_end_well_never_looks_whole, a_second_answer_is_nobodys,
         what_a_policy_hides_does_not_come_as_a_trailer, an_answer_that_breaks_off_is_not_whole_for_old_clients_either, only_the_protocol_that_was_asked_for_is_switched_to, who_ended_a_tunnel_is_counted,
         what_may_not_cross_is_left_out, the_reason_and_fields_of_a_backend_cannot_split_an_answer, backends_that_hang_hold_nobody_up]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
