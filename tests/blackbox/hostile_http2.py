"""Clients that use HTTP/2 to break the gateway or to get a request past it. Usage: hostile_http2.py BINARY

Sources: RFC 9113 where it says MUST, what has been published on requests smuggled by a downgrade to HTTP/1 (H2.CL, H2.TE, fields
and pseudo-fields with CR, LF or colons), and the floods: rapid reset, "made you reset", CONTINUATION, SETTINGS, PING, PRIORITY,
WINDOW_UPDATE, frames without bytes, windows that stay shut, compression bombs.
"""
import json
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import h2  # noqa: E402
from gateway import get, main, sanitized, wait_for  # noqa: E402
from h2 import Client, block, frame, literal, request  # noqa: E402
from recorder import serve  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

CALM = h2.ENHANCE_YOUR_CALM


def stat(gateway, name):
    for line in get(gateway.admin, f"/stats?filter={name}")[2].decode().splitlines():
        key, _, value = line.partition(": ")
        if key.endswith(name):
            return int(value)
    return None


def resident(gateway):
    return int(json.loads(get(gateway.admin, "/memory")[2])["total_physical_bytes"])


def heads_that_rfc_9113_forbids_are_refused(gateway):
    """A stream error or 400, and nothing at the backend; other streams of the connection go on."""
    recorder = serve(gateway)
    good = dict(request())
    rows = [(f"{what} in the value of x", request(more=[("x", value)])) for what, value in
            (("CR", "a\rb"), ("LF", "a\nb"), ("CRLF and a field", "a\r\nTransfer-Encoding: chunked"), ("NUL", "a\x00b"), ("CRLF CRLF", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
             ("DEL", "a\x7f"), ("BEL", "\x07"), ("a space first", " a"), ("a tab last", "a\t"), ("a space alone", " "))]
    rows += [(f"the name {name!r}", request(more=[(name, "b")])) for name in
             ("X", "a b", "a:b", "a\r\nb", "a\nb", "a\rb", "a\x00b", "a\tb", "a(b", 'a"b', "\xe9", "", " a", "a ", "transfer-encoding\r\n", "a: b\r\nc", ":x", ":", ":status", ": path", "a/b", "a@b", "transfer-encoding ",
              "\x7f")]
    rows += [(f"{name} twice", request(more=[(name, good[name])])) for name in good]
    rows += [(f"{name} twice, different", [(name, "/b" if name == ":path" else "b"), *request()]) for name in good]
    rows += [(f"no {left}", [(name, value) for name, value in request() if name != left]) for left in (":method", ":scheme", ":path", ":authority")]
    rows += [("a pseudo-field behind others", [("x", "y"), *request()]), ("a pseudo-field last", [*request()[:3], ("x", "y"), (":path", "/")])]
    rows += [(f"the path {path!r}", request(path)) for path in
             ("", "a", "*", "/a b", "/a\r\nHost: b", "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /smuggled", "/\x00", "/#a", "/\x7f", "/\xe9", "http://b/", "/a\nb", "\\a", " /", "//\t", "/..;/x", "/a%2f..%2fb", "?x")]
    rows += [(f"the method {method!r}", request(method=method)) for method in
             ("", "G T", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", "GET\r\n", "G:T", "G\x00T", "(GET)", "A" * 100, "GET ", " GET", "G\xc9T")]
    rows += [(f"the authority {authority!r}", request(authority=authority)) for authority in
             ("u@a", "a b", "a\r\nTransfer-Encoding: chunked", "a/b", "a,b", "a:b", "a:99999", "a\x00", "a#b", "[::1", "a\\b", "a?b", "\xe9", "a\tb")]
    rows += [(f"the scheme {scheme!r}", request(scheme=scheme)) for scheme in ("", "ftp", "file", "http\r\nx: y", "http ", "http://b", "h2", "http\x00")]
    rows += [(f"{name}: {value}", request(more=[(name, value)])) for name, value in
             (("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("connection", "close"), ("connection", "transfer-encoding"), ("keep-alive", "1"), ("proxy-connection", "keep-alive"),
              ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, deflate"), ("host", "b"), ("host", "a b"), ("content-length", "+1"), ("content-length", "-1"), ("content-length", "0x1"), ("content-length", "1,1"),
              ("content-length", ""), ("content-length", "99999999999999999999"), ("content_length", "4"), ("transfer_encoding", "chunked"))]
    rows += [("two hosts", request(more=[("host", "a"), ("host", "a")])), ("two lengths", request(more=[("content-length", "0"), ("content-length", "1")])),
             ("two lengths, same", request(more=[("content-length", "0"), ("content-length", "0")])), ("CONNECT", [(":method", "CONNECT"), (":authority", "b:80")]),
             ("CONNECT with a path", [(":method", "CONNECT"), (":authority", "b:80"), (":path", "/"), (":scheme", "http")]), (":protocol without CONNECT", request(more=[(":protocol", "websocket")]))]
    wrong = []
    for name, fields in rows:
        recorder.requests.clear()
        with Client(gateway.port) as client:
            client.open(1, fields)
            outcome = client.outcome(1)
            if outcome not in (f"reset {h2.PROTOCOL_ERROR}", "400", "501"):
                wrong.append(f"{name}: {outcome}")
            if recorder.requests or recorder.pieces():
                wrong.append(f"{name}: the backend got {[one.head for one in recorder.requests]} {recorder.pieces()}")
                recorder.unfinished.clear()
            client.open(3, request("/next"))
            if not client.until(lambda: client.heard(h2.HEADERS, 3)) or client.goaway():
                wrong.append(f"{name}: the next stream: {client.outcome(3)}")
    assert not wrong, f"{len(wrong)} of {len(rows)}:\n" + "\n".join(wrong)


def a_length_that_the_body_does_not_have_never_frames_it(gateway):
    """H2.CL: what is sent on is framed by what came, and a body that is too long or too short ends the exchange."""
    recorder = serve(gateway)
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for length, body, pieces in (("0", smuggled, 1), ("5", smuggled, 1), ("1000", smuggled, 1), ("5", smuggled, 5), ("1000", b"", 1)):
        recorder.requests.clear()
        recorder.unfinished.clear()
        with Client(gateway.port) as client:
            client.open(1, request(f"/{length}", "POST", more=[("content-length", length)]), end=False)
            step = max(1, len(body) // pieces)
            for at in range(0, max(len(body), 1), step):
                last = at + step >= len(body)
                client.send(frame(h2.DATA, h2.END_STREAM if last else 0, 1, body[at:at + step]))
            outcome = client.outcome(1)
            early = length == "0" and outcome == "200"  # answered before the body that it should not have came
            assert early or outcome == f"reset {h2.PROTOCOL_ERROR}" or outcome.startswith("4"), (length, pieces, outcome)
        # By their own lengths: that of the row before may have come only now.
        assert not [one for one in recorder.requests if one.target == "/smuggled" or len(one.body) != int(one.target[1:])], recorder.requests
        assert b"GET /smuggled" not in b"".join(one.head for one in recorder.requests), recorder.requests


def a_request_reaches_an_http_1_backend_as_it_was_meant(gateway):
    recorder = serve(gateway)
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    with Client(gateway.port) as client:
        client.open(1, request("/1", "POST", more=[("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), ("x", "y")]), end=False)
        client.send(frame(h2.DATA, 0, 1, smuggled[:7]) + frame(h2.DATA, 0, 1, smuggled[7:]))
        client.send(frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, block([("t", "1"), ("content-length", "9"), ("host", "evil"), ("transfer-encoding", "x")])))
        first = client.outcome(1)
        client.open(3, request("/3", "POST", more=[("content-length", str(len(smuggled)))]), end=False)
        client.send(frame(h2.DATA, h2.END_STREAM | h2.PADDED, 3, b"\x03" + smuggled + b"\0\0\0"))
        client.until(lambda: client.heard(h2.DATA, 3))
        client.open(5, request("//x/..//./%61%2fb", "HEAD", more=[("host", "a")]))
        client.until(lambda: client.heard(h2.HEADERS, 5))
    # Trailers that belong to the framing end the stream as malformed, or are left out.
    seen = {one.target: one for one in recorder.requests}
    assert "/smuggled" not in seen, seen
    if first == "200":
        one = seen["/1"]
        assert one.body == smuggled and one.all("transfer-encoding") == ["chunked"] and one.all("cookie") == ["a=1; b=2"] and one.all("host") == ["a"], one.fields
        assert b"evil" not in one.trailers and b"content-length" not in one.trailers.lower() and b"transfer" not in one.trailers.lower(), one.trailers
    else:
        assert first == f"reset {h2.PROTOCOL_ERROR}", first
    assert seen["/3"].body == smuggled and seen["/3"].all("content-length") == [str(len(smuggled))], seen["/3"].fields
    assert seen["/a%2fb"].method == "HEAD" and seen["/a%2fb"].all("host") == ["a"], list(seen)


def hits(gateway, limit):
    """What tidegate_limit_hits_total says."""
    return stat(gateway, f"limit_hits.{limit}") or 0


def flood(gateway, name, pieces, codes=(CALM,), prepare=None, metric="downstream_rq_too_many_premature_resets", seconds=20, limit=None):
    """Sends pieces until the gateway ends the connection; how many it took. Memory is as before, and others are served."""
    before, counted, hit = resident(gateway), stat(gateway, metric) or 0, hits(gateway, limit)
    with Client(gateway.port) as client:
        if prepare:
            prepare(client)
        sent, end = 0, time.monotonic() + seconds
        for piece in pieces:
            sent += 1
            if not client.send(piece) or client.goaway() or client.closed or time.monotonic() > end:
                break
            if sent % 8 == 0:
                while client.receive(0.001):
                    pass
        client.until(client.goaway)
        assert client.goaway() in codes, (name, sent, client.goaway(), client.closed, client.frames[-3:])
        client.until(lambda: client.closed)
        assert client.closed, f"{name}: the connection is open after GOAWAY"
    assert get(gateway.port, "/after")[0] == 200, name
    assert (stat(gateway, metric) or 0) > counted, f"{name}: {metric} does not count it"
    assert limit is None or hits(gateway, limit) == hit + 1, f"{name}: tidegate_limit_hits_total{{limit={limit}}} went from {hit} to {hits(gateway, limit)}"
    grown = resident(gateway) - before
    assert grown < 40_000_000, f"{name}: {grown} bytes more"
    return sent


def streams(step=10, first=1):
    stream = first
    while True:
        yield range(stream, stream + 2 * step, 2)
        stream += 2 * step


def whole(stream, end=True):
    return frame(h2.HEADERS, h2.END_HEADERS | (h2.END_STREAM if end else 0), stream, block(request()))


def rapid_resets_end_the_connection(gateway):
    recorder = serve(gateway)
    reset = lambda s: frame(h2.RST_STREAM, 0, s, struct.pack("!I", h2.CANCEL))  # noqa: E731
    sent = flood(gateway, "HEADERS and RST_STREAM", (b"".join(whole(s) + reset(s) for s in some) for some in streams()), limit="http2_resets")
    assert sent * 10 <= 2000, sent
    assert len(recorder.requests) < 300, f"{len(recorder.requests)} requests reached the backend"
    flood(gateway, "HEADERS with a body and RST_STREAM", (b"".join(whole(s, False) + reset(s) for s in some) for some in streams()))
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "no exchange is left")


def resets_that_the_gateway_is_made_to_send_end_the_connection(gateway):
    """What the peer does makes us reset the stream while the backend works on."""
    serve(gateway)
    update = lambda s, n: frame(h2.WINDOW_UPDATE, 0, s, struct.pack("!I", n))  # noqa: E731
    ways = {"WINDOW_UPDATE of 0": lambda s: whole(s) + update(s, 0), "a window above 2^31": lambda s: whole(s, False) + update(s, 0x7fffffff),
            "DATA behind the end": lambda s: whole(s) + frame(h2.DATA, 0, s, b"x"), "HEADERS behind the end": lambda s: whole(s) + whole(s),
            "a length that is not met": lambda s: frame(h2.HEADERS, h2.END_HEADERS, s, block(request(method="POST", more=[("content-length", "9")]))) + frame(h2.DATA, h2.END_STREAM, s, b"x"),
            "a priority on itself": lambda s: whole(s) + frame(h2.PRIORITY, 0, s, struct.pack("!IB", s, 1)), "WINDOW_UPDATE of 3 bytes": lambda s: whole(s) + frame(h2.WINDOW_UPDATE, 0, s, b"\0\0\0"),
            "RST_STREAM of 3 bytes": lambda s: whole(s) + frame(h2.RST_STREAM, 0, s, b"\0\0\0"), "a head that is malformed": lambda s: frame(h2.HEADERS, 5, s, block(request(more=[("X", "y")])))}
    for name, make in ways.items():
        metric = "downstream_cx_protocol_error"
        flood(gateway, name, (b"".join(make(s) for s in some) for some in streams()), (CALM, h2.PROTOCOL_ERROR, h2.STREAM_CLOSED, h2.FLOW_CONTROL_ERROR, h2.FRAME_SIZE_ERROR), metric=metric)
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "no exchange is left")


def continuations_without_end_end_the_connection(gateway):
    serve(gateway)
    start = lambda client: client.send(frame(h2.HEADERS, h2.END_STREAM, 1, block(request())))  # noqa: E731
    ways = {"empty": b"", "small": block([("x", "y")]), "large": block([("x", "y" * 1000)] * 15), "a literal that never ends": b"\x00\x01x\x7f\xff\xff\x03" + b"y" * 16000}
    limits = {"empty": "http2_continuations", "small": "http2_continuations"}  # others are above that of a head first
    for name, payload in ways.items():
        codes = (CALM, h2.PROTOCOL_ERROR, h2.INTERNAL_ERROR, h2.COMPRESSION_ERROR)
        sent = flood(gateway, f"CONTINUATION, {name}", (frame(h2.CONTINUATION, 0, 1, payload) for _ in range(20000)), codes, start, "downstream_cx_protocol_error", limit=limits.get(name))
        assert sent < 1000, (name, sent)


def frames_that_do_nothing_end_the_connection(gateway):
    serve(gateway)
    hundred = lambda one: (one * 100 for _ in range(2000))  # noqa: E731
    flood(gateway, "SETTINGS", hundred(frame(h2.SETTINGS, 0, 0)))
    flood(gateway, "SETTINGS with a value", hundred(frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 1, 4096))))
    flood(gateway, "PING", hundred(frame(h2.PING, 0, 0, b"12345678")), limit="http2_frames")
    flood(gateway, "answers to PING", hundred(frame(h2.PING, h2.ACK, 0, b"12345678")))
    flood(gateway, "PRIORITY", hundred(frame(h2.PRIORITY, 0, 1, struct.pack("!IB", 0, 1))))
    flood(gateway, "PRIORITY of many streams", (b"".join(frame(h2.PRIORITY, 0, s, struct.pack("!IB", 0, 1)) for s in some) for some in streams(100)))
    flood(gateway, "unknown frames", hundred(frame(0x42, 0, 0, b"x")), limit="http2_frames")
    flood(gateway, "WINDOW_UPDATE", hundred(frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1))))
    start = lambda client: client.open(1, request(method="POST"), end=False)  # noqa: E731
    flood(gateway, "DATA without bytes", hundred(frame(h2.DATA, 0, 1)), prepare=start)
    flood(gateway, "DATA of padding", hundred(frame(h2.DATA, h2.PADDED, 1, b"\x00")), prepare=start)
    flood(gateway, "DATA of much padding", hundred(frame(h2.DATA, h2.PADDED, 1, b"\x20" + b"\0" * 32)), (CALM, h2.FLOW_CONTROL_ERROR), start, "downstream_cx_protocol_error", limit="http2_frames")
    flood(gateway, "WINDOW_UPDATE of a stream", hundred(frame(h2.WINDOW_UPDATE, 0, 1, struct.pack("!I", 1))), prepare=start)


def a_large_settings_frame_costs_no_more_than_a_small_one(gateway):
    """CVE-2020-11080: thousands of settings in a frame, over and over."""
    serve(gateway)
    many = frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 4, 65535) * 2400)
    flood(gateway, "SETTINGS of 14 kB", (many for _ in range(5000)), (CALM, h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR), metric="downstream_cx_protocol_error")


def compression_bombs_end_where_the_limit_is(gateway):
    """A field of the dynamic table, named a thousand times by one byte each: memory never has them."""
    recorder = serve(gateway)
    indexed = b"\x40" + literal("x") + literal("y" * 3500)
    before = resident(gateway)
    with Client(gateway.port) as client:
        for stream in range(1, 20, 2):
            if not client.send(frame(h2.HEADERS, 5, stream, block(request()) + (indexed if stream == 1 else b"") + b"\xbe" * 30)):
                break
        assert client.outcome(1) in ("431", f"goaway {CALM}", f"reset {h2.PROTOCOL_ERROR}"), client.outcome(1)
    with Client(gateway.port) as client:
        client.send(frame(h2.HEADERS, 5, 1, block(request()) + indexed + b"\xbe" * 12000))
        client.until(client.goaway)
        assert client.goaway() == CALM, client.frames
    with Client(gateway.port) as client:  # many small ones: their number is limited too
        client.open(1, request(more=[("a", "")] * 300))
        assert client.outcome(1) == "431", client.outcome(1)
    assert hits(gateway, "head_fields") == 1 and hits(gateway, "head_bytes") >= 2, (hits(gateway, "head_fields"), hits(gateway, "head_bytes"))
    with Client(gateway.port) as client:  # crumbs of a cookie, which become one field
        client.open(1, request(more=[("cookie", "a=" + "b" * 100)] * 90))
        assert client.outcome(1) == "200" and len(recorder.requests[-1].all("cookie")) == 1
        client.open(3, request(more=[("cookie", "a")] * 400))
        client.until(lambda: client.heard(h2.HEADERS, 3) or client.heard(h2.RST_STREAM, 3) or client.goaway())
        assert len(recorder.requests) == 1, "the second got through"
    assert resident(gateway) - before < 30_000_000


def more_streams_than_are_announced_are_refused(gateway):
    recorder = serve(gateway)
    recorder.answer = b""  # the backend never answers
    with Client(gateway.port) as client:
        for stream in range(1, 2 * 150, 2):
            client.open(stream, request(f"/{stream}"))
        client.until(client.goaway)
        assert client.goaway() == h2.PROTOCOL_ERROR, client.frames[-3:]
    assert len(recorder.requests) <= 100, len(recorder.requests)
    assert hits(gateway, "http2_streams") == 1
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "no exchange is left when the client has gone")


def refusals_that_nobody_takes_hold_no_memory(gateway):
    """A client that never acknowledges the limit is refused stream by stream: nine bytes each, and the answer waits for who does not read."""
    gateway.service("echo", ScriptedUpstream(lambda peer, _: peer.recv(1 << 16) and peer.recv(1)).port)
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    before, peak, sent = resident(gateway), 0, 0
    with Client(gateway.port, buffer=4096, wait=False) as client:
        for stream in range(1, 201, 2):
            client.open(stream, request())
        wait_for(lambda: stat(gateway, "downstream_rq_active") == 100, "as many as may be are under way")
        for first in range(201, 10_000_000, 4000):
            if not client.send(b"".join(frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream, b"") for stream in range(first, first + 4000, 2))):
                break
            sent += 2000
            peak = max(peak, resident(gateway))
            assert sent < 2_000_000, f"{sent} streams were refused, and the connection is open"
    assert hits(gateway, "http2_frames") == 1
    assert peak - before < 40_000_000, f"{peak - before} bytes for {sent} refusals"
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "the exchanges end with their client")


def an_extended_connect_opens_no_second_http(gateway):
    """h2c smuggling: a backend that agreed would take requests that no route and no policy sees."""
    recorder = serve(gateway)
    for protocol, outcomes in (("h2c", "501"), ("H2C", "501"), ("h2", "501"), ("HTTP/2.0", "501"), ("websocket, h2c", "400"), ("h2c, websocket", "400"), ("a b", "400"), ("a\xe9", "400")):
        recorder.requests.clear()
        with Client(gateway.port) as client:
            client.open(1, [(":method", "CONNECT"), (":protocol", protocol), *request()[1:], ("http2-settings", "AAMAAABkAAQAAP__")], end=False)
            assert client.outcome(1) == outcomes, (protocol, client.outcome(1))
            assert not recorder.requests and not recorder.pieces(), (protocol, [one.head for one in recorder.requests], recorder.pieces())
    with Client(gateway.port) as client:
        client.open(1, [(":method", "CONNECT"), (":protocol", "websocket"), *request()[1:], ("http2-settings", "AAMAAABkAAQAAP__")], end=False)
        wait_for(lambda: recorder.requests, "another protocol is asked for")
        head = recorder.requests[0].head.lower()
        assert b"upgrade: websocket" in head and b"http2-settings" not in head, head


def windows_that_stay_shut_hold_no_memory(gateway):
    """Answers for clients that take none of them wait at the backend."""
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    before = resident(gateway)
    clients = []
    for _ in range(10):
        client = Client(gateway.port, struct.pack("!HI", 4, 0))
        for stream in range(1, 100, 2):
            client.open(stream, request("/?bytes=10000000"))
        clients.append(client)
    wait_for(lambda: stat(gateway, "downstream_rq_active") >= 500, "all are under way")
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 200
    grown = resident(gateway) - before
    assert grown < (360_000_000 if sanitized(gateway.binary) else 120_000_000), f"{grown} bytes for 500 streams"
    for client in clients:
        client.peer.close()
    wait_for(lambda: stat(gateway, "downstream_rq_active") == 0, "the exchanges end with their clients")
    if not sanitized(gateway.binary):  # they keep what was freed
        wait_for(lambda: resident(gateway) - before < 60_000_000, "memory comes back", 15)


def frames_on_closed_streams_and_odd_ids_end_the_connection(gateway):
    recorder = serve(gateway)
    for name, data, codes in (("DATA behind the end", frame(h2.DATA, 0, 1, b"GET /smuggled HTTP/1.1\r\n\r\n"), (h2.STREAM_CLOSED,)), ("HEADERS behind the end", whole(1), (h2.STREAM_CLOSED,)),
                              ("an id that goes back", whole(9) + whole(5), (h2.PROTOCOL_ERROR,)), ("an even id", whole(2), (h2.PROTOCOL_ERROR,)), ("a stream of 0", whole(0), (h2.PROTOCOL_ERROR,)),
                              ("PUSH_PROMISE", frame(h2.PUSH_PROMISE, 4, 3, b"\0\0\0\2" + block(request())), (h2.PROTOCOL_ERROR,)), ("a frame of 16385 bytes", frame(h2.DATA, 0, 3, b"x" * 16385), (h2.FRAME_SIZE_ERROR,)),
                              ("DATA on an idle stream", frame(h2.DATA, 0, 99, b"x"), (h2.PROTOCOL_ERROR,)), ("CONTINUATION alone", frame(h2.CONTINUATION, 4, 3, b""), (h2.PROTOCOL_ERROR,)),
                              ("something between HEADERS and CONTINUATION", frame(h2.HEADERS, 1, 3, block(request())) + frame(h2.PING, 0, 0, b"12345678"), (h2.PROTOCOL_ERROR,)),
                              ("a broken block", frame(h2.HEADERS, 5, 3, b"\xff\xff\xff\xff\xff\xff\xff"), (h2.COMPRESSION_ERROR,)), ("an index of 0", frame(h2.HEADERS, 5, 3, b"\x80"), (h2.COMPRESSION_ERROR,)),
                              ("a window above 2^31", frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), (h2.FLOW_CONTROL_ERROR,)), ("a first window above 2^31", frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 4, 1 << 31)), (h2.FLOW_CONTROL_ERROR,)),
                              ("a frame size of 1", frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 5, 1)), (h2.PROTOCOL_ERROR,)), ("padding longer than the frame", frame(h2.DATA, 8, 3, b"\x09x"), (h2.PROTOCOL_ERROR,))):
        recorder.requests.clear()
        with Client(gateway.port) as client:
            client.open(1, request("/first"))
            assert client.outcome(1) == "200", name
            client.until(lambda: client.heard(h2.DATA, 1))
            client.send(data)
            client.until(client.goaway)
            assert client.goaway() in codes, (name, client.goaway(), client.frames[-3:])
            client.until(lambda: client.closed)
            assert client.closed, name
        assert "/smuggled" not in [one.target for one in recorder.requests]


TESTS = [heads_that_rfc_9113_forbids_are_refused, a_length_that_the_body_does_not_have_never_frames_it, a_request_reaches_an_http_1_backend_as_it_was_meant,
         rapid_resets_end_the_connection, resets_that_the_gateway_is_made_to_send_end_the_connection, continuations_without_end_end_the_connection,
         frames_that_do_nothing_end_the_connection, a_large_settings_frame_costs_no_more_than_a_small_one, compression_bombs_end_where_the_limit_is,
         more_streams_than_are_announced_are_refused, refusals_that_nobody_takes_hold_no_memory, an_extended_connect_opens_no_second_http,
         windows_that_stay_shut_hold_no_memory, frames_on_closed_streams_and_odd_ids_end_the_connection]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
