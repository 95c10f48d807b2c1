"""Clients that try to make the gateway and its backend read different requests. Usage: hostile_http1.py BINARY

Each case says what the client gets, and what may reach the backend. Sources: RFC 9110 and 9112 where they say MUST, and what has
been published on request smuggling (CL.TE, TE.CL, TE.TE, CL.0, 0.CL, chunk extensions, bare LF, trailers, hop-by-hop fields).
"""
import contextlib
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import main, wait_for  # noqa: E402
from recorder import Recorder, serve  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSED, OPEN = True, False


def post(fields, body=b"", line=b"POST / HTTP/1.1"):
    return line + b"\r\nHost: a\r\n" + fields + b"\r\n\r\n" + body


def get(target=b"/", fields=b"Host: a", version=b"HTTP/1.1", method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n\r\n"


def talk(port, data, pieces=1, patience=2.0):
    """Sends `data`; all that comes back, and whether the gateway has closed. Ends early once it has."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            step = max(1, -(-len(data) // pieces))
            for at in range(0, len(data), step):
                peer.sendall(data[at:at + step])
        peer.settimeout(patience)
        try:
            while chunk := peer.recv(65536):
                out += chunk
            return out, CLOSED
        except ConnectionResetError:
            return out, CLOSED
        except socket.timeout:
            return out, OPEN


def statuses(answer):
    """Of all answers in a row; bodies of answers are "ok" or have a length."""
    out, rest = [], answer
    while rest.startswith(b"HTTP/1.1 "):
        head, _, rest = rest.partition(b"\r\n\r\n")
        out.append(int(head[9:12]))
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        rest = rest[length:] if 100 <= out[-1] and out[-1] not in (204, 304) else rest
    return out


def all_refused(gateway, rows, wanted=(400,)):
    """Each row, with another request behind it: refused, closed, and nothing at the backend but what never ended."""
    recorder = serve(gateway)
    wrong = []
    for row in rows:
        name, data = row[0], row[1]
        for pieces in (1, 7):
            recorder.requests.clear()
            recorder.unfinished.clear()
            answer, closed = talk(gateway.port, data + SMUGGLED, pieces)
            got = statuses(answer)
            allowed = row[2] if len(row) > 2 else wanted
            if len(got) != 1 or got[0] not in allowed or not closed:
                wrong.append(f"{name}: answered {got}, {'closed' if closed else 'open'}: {answer[:90]!r}")
            if recorder.requests:
                wrong.append(f"{name}: the backend got {[one.head for one in recorder.requests]}")
            if b"smuggled" in recorder.pieces():
                wrong.append(f"{name}: the backend got a part: {recorder.pieces()!r}")
    recorder.stop()
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)


TE, CL4 = b"Transfer-Encoding: chunked", b"Content-Length: 4"
END = b"0\r\n\r\n"


def two_framings_of_one_body_are_refused(gateway):
    all_refused(gateway, [
        ("CL.TE", post(CL4 + b"\r\n" + TE, END)),
        ("TE.CL", post(TE + b"\r\n" + CL4, END)),
        ("TE.CL, zero", post(TE + b"\r\nContent-Length: 0", END)),
        ("CL.TE on GET", post(CL4 + b"\r\n" + TE, END, b"GET / HTTP/1.1")),
        ("TE.TE", post(TE + b"\r\n" + TE, END)),
        ("TE.TE, second unknown", post(TE + b"\r\nTransfer-Encoding: x", END)),
        ("TE.TE, first identity", post(b"Transfer-Encoding: identity\r\n" + TE, END)),
        ("TE.TE, cow", post(TE + b"\r\nTransfer-encoding: cow", END)),
        ("CL CL, same", post(CL4 + b"\r\n" + CL4, b"abcd")),
        ("CL CL, different", post(b"Content-Length: 0\r\n" + CL4, b"abcd")),
        ("CL list, same", post(b"Content-Length: 4, 4", b"abcd")),
        ("CL list, different", post(b"Content-Length: 0, 4", b"abcd")),
        ("CL and TE in another case", post(b"content-length: 4\r\ntransfer-encoding: CHUNKED", END)),
        ("CL and TE that Connection names", post(CL4 + b"\r\n" + TE + b"\r\nConnection: Transfer-Encoding", END)),
        ("CL that Connection names twice", post(CL4 + b"\r\nConnection: content-length\r\nContent-Length: 5", b"abcd")),
        ("HTTP/1.0 with TE", post(TE, END, b"POST / HTTP/1.0")),
        ("HTTP/1.0 with TE and CL", post(TE + b"\r\n" + CL4, END, b"POST / HTTP/1.0")),
        ("HTTP/1.0 keep-alive with TE", post(TE + b"\r\nConnection: keep-alive", END, b"POST / HTTP/1.0")),
        ("an alias of TE", post(b"Transfer_Encoding: chunked\r\n" + CL4, END)),
        ("an alias of CL", post(b"Content_Length: 4\r\n" + TE, END)),
    ])


def lengths_that_are_no_numbers_are_refused(gateway):
    values = [b"+4", b"-4", b"0x4", b"4 4", b"", b" ", b"4;", b"4,", b",4", b"1e1", b"4.0", b"4\x0b", b"\x0c4", b"'4'", b'"4"', b"four", b"4\xc2\xa0",
              b"\xef\xbc\x94", b"99999999999999999999", b"18446744073709551616", b"9223372036854775808", b"4_0", b"0b1", b"4\x00", b"NaN",
              b"4 \x1f"]
    all_refused(gateway, [(f"length {value!r}", post(b"Content-Length: " + value, b"abcd")) for value in values])


def codings_that_are_not_chunked_are_refused(gateway):
    refused, unknown = (400,), (400, 501)
    rows = [(b"xchunked", refused), (b"chunkedx", refused), (b"chunked, identity", refused), (b"identity, chunked", unknown), (b"gzip, chunked", unknown),
            (b"chunked, chunked", unknown), (b"chunked chunked", refused), (b"chunked;q=1", refused), (b'"chunked"', refused), (b"'chunked'", refused),
            (b"chunked,", refused), (b",chunked", unknown), (b"\x0bchunked", refused), (b"chunked\x0b", refused), (b"\x0cchunked", refused),
            (b"chunked\x00", refused), (b"ch\x00unked", refused), (b"identity", refused), (b"", refused), (b"gzip", refused), (b"chun\xc5\xb3ked", refused),
            (b"\xe2\x84\xaachunked", refused), (b"chunKed\xc2\x85", refused), (b"x chunked", refused), (b"chunked\x7f", refused),
            (b"\xc2\xa0chunked", refused), (b"chunked, ", refused), (b"chun\tked", refused), (b"chunked\\", refused)]
    all_refused(gateway, [(f"coding {value!r}", post(b"Transfer-Encoding: " + value, END), allowed) for value, allowed in rows])


def fields_that_are_none_are_refused(gateway):
    rows = [("space before the colon", b"Transfer-Encoding : chunked"), ("tab before the colon", b"Transfer-Encoding\t: chunked"),
            ("space before the name", b" Transfer-Encoding: chunked"), ("tab before the name", b"\tTransfer-Encoding: chunked"),
            ("folded value", b"X: y\r\n z"), ("folded by a tab", b"X: y\r\n\tz"), ("folded coding", b"Transfer-Encoding:\r\n chunked"),
            ("folded length", b"Content-Length:\r\n 4"), ("folded, then empty", b"X: y\r\n \r\nZ: a"),
            ("no colon", b"Transfer-Encoding"), ("no name", b": x"), ("a space in the name", b"A B: c"), ("only a space", b" "),
            ("NUL in the name", b"A\x00B: c"), ("NUL in the value", b"A: b\x00c"), ("CR in the value", b"A: b\rc"),
            ("CR, then a field", b"A: b\rTransfer-Encoding: chunked"), ("CR in the name", b"A\rB: c"), ("CR before the colon", b"A\r: c"),
            ("LF alone", b"A: b\nTransfer-Encoding: chunked"), ("LF alone, then CRLF", b"A: b\nB: c\r\nC: d"), ("CR CR LF", b"A: b\r\r\nB: c"),
            ("DEL in the value", b"A: b\x7fc"), ("BEL in the value", b"A: b\x07c"), ("ESC in the value", b"A: \x1b[2J"), ("VT in the value", b"A: \x0bx"),
            ("brackets in the name", b"A(B): c"), ("a quote in the name", b'A"B: c'), ("a slash in the name", b"A/B: c"), ("an at in the name", b"A@B: c"),
            ("UTF-8 in the name", b"\xc3\xa9: c"), ("a byte order mark", b"\xef\xbb\xbfA: c"), ("a bracketed name", b"[A]: c"), ("a semicolon in the name", b"A;b: c"),
            ("a pseudo-field", b":path: /b"), ("a comma in the name", b"A,B: c"), ("an equals sign in the name", b"A=B: c"), ("braces in the name", b"{A}: c")]
    all_refused(gateway, [(name, post(field)) for name, field in rows] + [
        ("every line ends in LF", b"GET / HTTP/1.1\nHost: a\n\n"),
        ("the head ends in LF LF", b"GET / HTTP/1.1\r\nHost: a\n\n"),
        ("the head ends in LF CR LF", b"GET / HTTP/1.1\r\nHost: a\n\r\n"),
        ("the head ends in CR LF LF", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
        ("the first line ends in LF", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
        ("a fold right behind the first line", b"GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n"),
        ("a fold hides the second Host", b"GET / HTTP/1.1\r\nHost: a\r\n Host: b\r\n\r\n"),
    ])


def request_lines_that_are_none_are_refused(gateway):
    host = b"Host: a"
    rows = [("two spaces", b"GET  / HTTP/1.1"), ("a tab", b"GET\t/ HTTP/1.1"), ("a tab before the version", b"GET /\tHTTP/1.1"), ("a space first", b" GET / HTTP/1.1"),
            ("a space last", b"GET / HTTP/1.1 "), ("three words too many", b"GET / HTTP/1.1 x"), ("a space in the target", b"GET /a b HTTP/1.1"),
            ("no version", b"GET /"), ("no target", b"GET HTTP/1.1"), ("one word", b"GET"), ("version in lower case", b"GET / http/1.1"),
            ("version 1.10", b"GET / HTTP/1.10"), ("version 01.1", b"GET / HTTP/01.1"), ("version 1,1", b"GET / HTTP/1,1"), ("version with NUL", b"GET / HTTP/1.1\x00"),
            ("version without a number", b"GET / HTTP/"), ("version HTTPS", b"GET / HTTPS/1.1"), ("version with a sign", b"GET / HTTP/+1.1"),
            ("CR in the line", b"GET /\rx HTTP/1.1"), ("CR before the version", b"GET / \rHTTP/1.1"), ("NUL in the target", b"GET /\x00 HTTP/1.1"),
            ("DEL in the target", b"GET /\x7f HTTP/1.1"), ("VT for a space", b"GET\x0b/ HTTP/1.1"), ("FF for a space", b"GET /\x0cHTTP/1.1"),
            ("UTF-8 in the target", b"GET /\xc3\xa9 HTTP/1.1"), ("Latin-1 in the target", b"GET /\xe9 HTTP/1.1"), ("a fragment", b"GET /a#b HTTP/1.1"),
            ("a relative target", b"GET a HTTP/1.1"), ("a query alone", b"GET ?a HTTP/1.1"), ("a backslash first", b"GET \\a HTTP/1.1"), ("a dot first", b"GET ./a HTTP/1.1"),
            ("an asterisk for GET", b"GET * HTTP/1.1"), ("an asterisk and more", b"OPTIONS *a HTTP/1.1"), ("an authority for GET", b"GET a:80 HTTP/1.1"),
            ("a method with an at", b"G@T / HTTP/1.1"), ("a method with a colon", b"GET: / HTTP/1.1"), ("a method in brackets", b"(GET) / HTTP/1.1"),
            ("a method with NUL", b"G\x00T / HTTP/1.1"), ("no method", b" / HTTP/1.1"), ("a method of 100 letters", b"A" * 100 + b" / HTTP/1.1"), ("a UTF-8 method", b"G\xc3\x89T / HTTP/1.1"),
            ("FTP", b"GET ftp://a/ HTTP/1.1"), ("a file", b"GET file:///etc/passwd HTTP/1.1"), ("no host in absolute-form", b"GET http:///x HTTP/1.1"), ("a name of a user", b"GET http://u@a/ HTTP/1.1"),
            ("a password", b"GET http://a:b@c/ HTTP/1.1"), ("a port too high", b"GET http://a:99999/ HTTP/1.1"), ("a port of letters", b"GET http://a:b/ HTTP/1.1"),
            ("a scheme only", b"GET http: HTTP/1.1"), ("one slash", b"GET http:/a/ HTTP/1.1"), ("a backslash in the authority", b"GET http://a\\b/ HTTP/1.1"),
            ("an open bracket", b"GET http://[::1/ HTTP/1.1"), ("a zone in IPv6", b"GET http://[fe80::1%25eth0]/ HTTP/1.1"), ("CONNECT without a port", b"CONNECT a HTTP/1.1"),
            ("CONNECT with a path", b"CONNECT / HTTP/1.1"), ("CONNECT with a URL", b"CONNECT http://a:80/ HTTP/1.1"), ("CONNECT with a user", b"CONNECT u@a:80 HTTP/1.1")]
    all_refused(gateway, [(name, line + b"\r\n" + host + b"\r\n\r\n") for name, line in rows])


def other_versions_are_not_spoken(gateway):
    all_refused(gateway, [(f"version {version!r}", get(version=version), (400, 505))
                          for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/1.2", b"HTTP/9.9", b"HTTP/0.0")])


def what_is_no_http_at_all_gets_no_answer(gateway):
    recorder = serve(gateway)
    for data in (b"INVALID CONNECTION PREFACE\r\n\r\n", b"EHLO mail.example.com SMTP\r\n\r\n"):
        assert talk(gateway.port, data) == (b"", CLOSED), data
    assert not recorder.requests and not recorder.pieces()


def a_host_that_is_missing_or_double_or_none_is_refused(gateway):
    values = [b"a b", b"a/b", b"u@a", b"a,b", b"a:b", b"a:99999", b"a:-1", b"a:80:80", b"[::1", b"::1", b"a#b", b"a?b", b"a\\b", b"a\x00b", b"a\tb", b"http://a", b"a;b\x7f", b"\xc3\xa9",
              b"a<b", b'"a"', b"a|b", b"[a]", b"a:8a", b":80", b"{a}", b"a%00b", b"%61", b"www%2eexample.com", b"a^b", b"[::1]x", b"a:80 ,b"]
    all_refused(gateway, [(f"Host {value!r}", get(fields=b"Host: " + value)) for value in values] + [
        ("none", get(fields=b"X: y")), ("two, same", get(fields=b"Host: a\r\nHost: a")), ("two, different", get(fields=b"Host: a\r\nHost: b")),
        ("two, far apart", get(fields=b"Host: a\r\nX: y\r\nhost: b")), ("two in HTTP/1.0", get(fields=b"Host: a\r\nHost: b", version=b"HTTP/1.0")),
        ("two, one empty", get(fields=b"Host: a\r\nHost:")),
        ("absolute-form and another port that may be left out", get(b"http://a:80/", b"Host: a:443")),
        ("absolute-form and another Host", get(b"http://b/", b"Host: a")), ("absolute-form and another port", get(b"http://a:81/", b"Host: a:82")),
        ("absolute-form without Host", get(b"http://a/", b"X: y")), ("CONNECT and another Host", get(b"b:80", b"Host: a", method=b"CONNECT")),
        ("absolute-form and an invalid Host", get(b"http://a/", b"Host: a b")),
    ])


def chunks_that_are_none_are_refused(gateway):
    bodies = [("a space before the size", b" 5\r\nhello\r\n" + END), ("a space behind the size", b"5 \r\nhello\r\n" + END), ("a tab behind the size", b"5\t\r\nhello\r\n" + END),
              ("a plus", b"+5\r\nhello\r\n" + END), ("a minus", b"-5\r\nhello\r\n" + END), ("0x", b"0x5\r\nhello\r\n" + END), ("no digit", b"g\r\nhello\r\n" + END),
              ("an underscore", b"0_5\r\nhello\r\n" + END), ("empty", b"\r\nhello\r\n" + END), ("a comma", b"5,\r\nhello\r\n" + END), ("a dot", b"5.0\r\nhello\r\n" + END),
              ("too large", b"FFFFFFFFFFFFFFFFF\r\nhello\r\n" + END), ("2^64", b"10000000000000000\r\nhello\r\n" + END), ("2^64 and 5", b"10000000000000005\r\nhello\r\n" + END),
              ("the size ends in LF", b"5\nhello\r\n" + END), ("the size ends in CR", b"5\rhello\r\n" + END), ("the size ends in CR CR LF", b"5\r\r\nhello\r\n" + END),
              ("NUL behind the size", b"5\x00\r\nhello\r\n" + END), ("LF in the extension", b"5;a\nhello\r\n" + END), ("CR in the extension", b"5;a\rb\r\nhello\r\n" + END),
              ("NUL in the extension", b"5;a\x00\r\nhello\r\n" + END), ("DEL in the extension", b"5;a\x7f\r\nhello\r\n" + END), ("an extension without end", b"5;" + b"a" * 20000 + b"\r\nhello\r\n" + END),
              ("LF in a quoted extension", b'5;a="\n"\r\nhello\r\n' + END), ("a chunk longer than its size", b"5\r\nhelloo\r\n" + END), ("a chunk shorter than its size", b"6\r\nhello\r\n" + END),
              ("the data ends in LF", b"5\r\nhello\n" + END), ("the data ends in CR", b"5\r\nhello\r" + END), ("no end of the data", b"5\r\nhello" + END),
              ("the last chunk ends in LF", b"0\n\r\n"), ("the body ends in LF", b"0\r\n\n"), ("a bad name in a trailer", b"0\r\nA B: c\r\n\r\n"), ("no colon in a trailer", b"0\r\nA\r\n\r\n"),
              ("LF in a trailer", b"0\r\nA: b\n\r\n"), ("NUL in a trailer", b"0\r\nA: b\x00\r\n\r\n"), ("CR in a trailer", b"0\r\nA: b\rc\r\n\r\n"), ("a folded trailer", b"0\r\nA: b\r\n c\r\n\r\n"),
              ("a trailer with a space before the colon", b"0\r\nA : b\r\n\r\n"), ("trailers without end", b"0\r\n" + b"A: b\r\n" * 2000 + b"\r\n"), ("letters behind a digit", b"5g\r\nhello\r\n" + END),
              ("Arabic digits", b"\xd9\xa5\r\nhello\r\n" + END), ("a semicolon first", b";5\r\nhello\r\n" + END)]
    all_refused(gateway, [(name, post(TE, body)) for name, body in bodies])


def what_is_too_large_is_refused(gateway):
    all_refused(gateway, [("a target of 20 kB", get(b"/" + b"a" * 20000), (414,)), ("a field of 40 kB", get(fields=b"Host: a\r\nX: " + b"a" * 40000), (431,)),
                          ("101 fields", get(fields=b"Host: a" + b"\r\nX: y" * 101), (431,)), ("a name of 40 kB", get(fields=b"Host: a\r\n" + b"a" * 40000 + b": y"), (431,)),
                          ("10000 empty fields", get(fields=b"Host: a" + b"\r\nX:" * 10000), (431,)), ("a target of 40 kB", get(b"/" + b"a" * 40000), (414, 431)),
                          ("an expectation", post(CL4 + b"\r\nExpect: a-pony", b"abcd"), (417,)), ("two expectations", post(CL4 + b"\r\nExpect: 100-continue, x", b"abcd"), (417,)),
                          ("an obfuscated expectation", post(CL4 + b"\r\nExpect: y 100-continue", b"abcd"), (417,)),
                          ("an expectation ahead of the one there is", post(CL4 + b"\r\nExpect: y\r\nExpect: 100-continue", b"abcd"), (417,)),
                          ("101 fields that Connection names", get(fields=b"Host: a\r\nConnection: close" + b",x" * 101), (431,))])


def good_requests_pass_as_they_are_meant(gateway):
    """The same bytes, whole and byte by byte: each request once, each body as it was, framing our own."""
    recorder = serve(gateway)
    rows = [("a length", post(CL4, b"abcd"), b"abcd"), ("zero", post(b"Content-Length: 0"), b""), ("leading zeros", post(b"Content-Length: 004", b"abcd"), b"abcd"),
            ("chunks", post(TE, b"4\r\nabcd\r\n" + END), b"abcd"), ("CHUNKED", post(b"transfer-ENCODING: CHUNKED", b"4\r\nabcd\r\n" + END), b"abcd"),
            ("space around the coding", post(b"Transfer-Encoding: \t chunked \t", b"4\r\nabcd\r\n" + END), b"abcd"), ("sizes in both cases", post(TE, b"a\r\n0123456789\r\nA\r\n0123456789\r\n" + END), b"0123456789" * 2),
            ("leading zeros of a size", post(TE, b"0004\r\nabcd\r\n000\r\n\r\n"), b"abcd"), ("an extension", post(TE, b'4;a=b;c="d"\r\nabcd\r\n0;x\r\n\r\n'), b"abcd"),
            ("a trailer", post(TE, b"4\r\nabcd\r\n0\r\nA: b\r\n\r\n"), b"abcd"), ("a body on GET", post(CL4, b"abcd", b"GET / HTTP/1.1"), b"abcd"), ("a body on DELETE", post(CL4, b"abcd", b"DELETE / HTTP/1.1"), b"abcd"),
            ("a request for a body (CL.0)", post(b"Content-Length: %d" % len(SMUGGLED), SMUGGLED), SMUGGLED), ("a request in a chunk (TE.0)", post(TE, b"%x\r\n%s\r\n" % (len(SMUGGLED), SMUGGLED) + END), SMUGGLED),
            ("a request for a body of GET", post(b"Content-Length: %d" % len(SMUGGLED), SMUGGLED, b"GET / HTTP/1.1"), SMUGGLED), ("a body on HEAD", post(b"Content-Length: %d" % len(SMUGGLED), SMUGGLED, b"HEAD / HTTP/1.1"), SMUGGLED),
            ("OPTIONS with a body", post(b"Content-Length: %d" % len(SMUGGLED), SMUGGLED, b"OPTIONS / HTTP/1.1"), SMUGGLED), ("an unknown method with a body", post(b"Content-Length: %d" % len(SMUGGLED), SMUGGLED, b"PURGE / HTTP/1.1"), SMUGGLED),
            ("one empty line first", b"\r\n" + post(CL4, b"abcd"), b"abcd"), ("an upgrade with a body", post(b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: %d" % len(SMUGGLED), SMUGGLED), SMUGGLED),
            ("an upgrade to h2c", get(fields=b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA"), b"")]
    wrong = []
    for name, data, body in rows:
        for pieces in (1, 40):
            recorder.requests.clear()
            answer, _ = talk(gateway.port, data + get(b"/last", b"Host: a\r\nConnection: close"), pieces)
            got = [one.body for one in recorder.requests]
            if got != [body, b""] or recorder.requests[1].target != "/last":
                wrong.append(f"{name}: the backend got {[(one.head, one.body) for one in recorder.requests]}, the client {answer[:60]!r}")
            framings = [one.all("content-length") + one.all("transfer-encoding") for one in recorder.requests]
            if any(len(framing) > 1 for framing in framings) or any(one.all("upgrade") for one in recorder.requests):
                wrong.append(f"{name}: framed by {framings}")
    assert not wrong, "\n".join(wrong)


def fields_of_one_hop_do_not_cross(gateway):
    recorder = serve(gateway)
    answer, _ = talk(gateway.port, post(b"Connection: close, X-Forwarded-For, X-Forwarded-Proto, Cookie, Keep-Alive, x-secret\r\nX-Forwarded-For: 1.2.3.4\r\nX-Secret: a\r\n"
                                        b"X-Forwarded-Proto: https\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded_Proto: https\r\nx_request_id: 1\r\nKeep-Alive: 9\r\nProxy-Connection: keep-alive\r\n"
                                        b"TE: gzip\r\nTrailer: X\r\nUpgrade: h2c\r\n" + TE, b"1\r\na\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"))
    assert statuses(answer) == [200], answer
    seen = recorder.requests[0]
    names = [name for name, _ in seen.fields]
    assert seen.all("x-forwarded-for") == ["127.0.0.1"] and seen.all("x-forwarded-proto") == ["http"], seen.fields
    for name in ("x-secret", "keep-alive", "proxy-connection", "te", "upgrade", "trailer", "x_forwarded_for", "x-forwarded_proto", "x_request_id", "connection"):
        assert name not in names, (name, seen.fields)
    assert seen.all("host") == ["a"] and seen.all("transfer-encoding") == ["chunked"] and not seen.all("content-length"), seen.fields
    for name in (b"content-length", b"transfer-encoding", b"host", b"x-forwarded-for"):
        assert name not in seen.trailers.lower(), seen.trailers


def settling(gateway):
    """A route whose policy sets a field and removes another; what comes to its backend."""
    recorder = Recorder()
    gateway.service("echo", recorder.port)
    gateway.route("    - filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-user, value: nobody}], remove: [x-role]}}]\n      backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/ready")
    return recorder


def trailers_cannot_stand_in_for_fields(gateway):
    """A backend may take them for fields of the head: of routing, of identity, of conditions, of content, or that a policy has set."""
    recorder = settling(gateway)
    wrong = []
    for name in (b"Host", b"Authorization", b"Proxy-Authorization", b"Cookie", b"X-Forwarded-For", b"X_Forwarded_For", b"x-forwarded-proto", b"X-Forwarded-Client-Cert", b"Forwarded",
                 b"X-Real-IP", b"X-Request-Id", b"X-User", b"X_USER", b"X-Role", b"x_role", b"Content-Type", b"Content-Encoding", b"Content-Range", b"Content-Length", b"Content_Length", b"Transfer-Encoding",
                 b"Transfer_Encoding", b"Connection", b"Upgrade", b"TE", b"Trailer", b"Expect", b"Range", b"If-Match", b"If-None-Match", b"Cache-Control", b"Max-Forwards", b"x-envoy-original-path"):
        recorder.requests.clear()
        answer, _ = talk(gateway.port, post(TE, b"1\r\na\r\n0\r\n" + name + b": evil\r\nX-Sum: 9\r\n\r\n") + get(b"/last", b"Host: a\r\nConnection: close"))
        if statuses(answer) != [200, 200] or recorder.requests[0].trailers.strip().lower() != b"x-sum: 9":
            wrong.append(f"{name!r}: {answer[:60]!r}, the backend got {recorder.requests[0].trailers!r}")
    recorder.requests.clear()
    talk(gateway.port, post(b"Connection: close, X-Hop\r\n" + TE, b"0\r\nX-Hop: evil\r\n\r\n"))
    if b"hop" in recorder.requests[0].trailers.lower():
        wrong.append(f"Connection has named {recorder.requests[0].trailers!r}")
    assert not wrong, "\n".join(wrong)


def what_a_policy_has_settled_has_no_other_spelling(gateway):
    """Backends that make variables of fields (CGI, WSGI, Rack) take `_` and `-` for one."""
    recorder = settling(gateway)
    for fields in (b"X_User: evil\r\nX_Role: evil", b"x-role: evil\r\nX_USER: evil\r\nX-User: evil\r\nx_user: evil\r\nX_rOLE: evil"):
        recorder.requests.clear()
        talk(gateway.port, post(fields + b"\r\nA_b: kept\r\nConnection: close\r\nContent-Length: 0"))
        seen = recorder.requests[0]
        assert b"evil" not in seen.head and seen.all("x-user") == ["nobody"] and seen.all("a_b") == ["kept"], seen.head


def what_is_refused_is_answered_as_it_was_asked(gateway):
    """No content for HEAD (RFC 9110 section 9.3.2)."""
    serve(gateway)
    for fields in (b"Host: a\r\nHost: b", b"X: y", b"Host: a\r\nA B: c"):
        answer, closed = talk(gateway.port, get(fields=fields, method=b"HEAD"))
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"\r\n\r\n") and closed, answer
        assert not talk(gateway.port, get(fields=fields))[0].endswith(b"\r\n\r\n")


def an_answer_without_its_body_announces_the_end(gateway):
    recorder = Recorder()
    gateway.service("echo", recorder.port)
    gateway.route("    - matches: [{path: {value: /moved}}]\n      filters: [{type: RequestRedirect, requestRedirect: {hostname: b}}]\n    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    for target in (b"/moved", b"/..%2f"):
        answer, closed = talk(gateway.port, post(CL4, b"", b"POST " + target + b" HTTP/1.1"))
        assert b"\r\nConnection: close\r\n" in answer and closed, answer
        answer, closed = talk(gateway.port, post(CL4, b"abcd", b"POST " + target + b" HTTP/1.1") + get(b"/next"), patience=0.5)
        assert len(statuses(answer)) == 2 and b"close" not in answer and not closed, answer


def a_client_that_leaves_after_a_slow_body_ends_the_attempt(gateway):
    ended = []

    def script(peer, _):
        data = b""
        while not data.endswith(b"ab"):
            data += peer.recv(65536)
        bodies.append(data)
        ended.append(peer.recv(1))
    bodies = []
    upstream = ScriptedUpstream(script)
    gateway.service("echo", upstream.port)
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
        peer.sendall(post(b"Content-Length: 2", b"a"))
        wait_for(lambda: upstream.connections, "the head arrives")
        time.sleep(0.1)  # longer than a client is left unwatched
        peer.sendall(b"b")
        wait_for(lambda: bodies, "the body arrives")
    wait_for(lambda: ended == [b""], "the backend's connection is closed")


def a_path_is_the_same_for_routes_policies_and_backends(gateway):
    recorder = Recorder()
    gateway.service("echo", recorder.port)
    gateway.route("    - matches: [{path: {type: PathPrefix, value: /admin}}]\n"
                  "      filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: rule, value: admin}]}}]\n      backendRefs: [{name: echo, port: 80}]\n"
                  "    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/ready")
    admin = [b"/admin", b"/admin/", b"//admin", b"///admin//", b"/./admin", b"/x/../admin", b"/%61dmin", b"/adm%69n", b"/%2e/admin", b"/x/%2e%2e/admin", b"/x/%2E./admin", b"/\\admin",
             b"/x\\..\\admin", b"/x/..//admin", b"/public/../admin/secret", b"/admin/./x", b"/../admin", b"/../../admin", b"/a/b/../../admin", b"http://a/x/../admin", b"/admin?/../public", b"/admin/..//admin"]
    public = [b"/", b"/public", b"/ADMIN", b"/admin%2fx", b"/administrator", b"/admin/../public", b"/admin/%2e%2e/public", b"/public?x=/admin", b"/admin/..", b"/%2561dmin", b"/adm%C3%ADn",
              b"/admin;x", b"/public/%2fadmin", b"/admin\\..\\public"]
    refused = [b"/public/..;/admin", b"/..;a=b/admin", b"/public/..%2fadmin", b"/public%2f..%2fadmin", b"/public/%2e%2e%2fadmin", b"/public/..%5cadmin", b"/public%5c..%5cadmin", b"/%00", b"/a%", b"/a%4", b"/a%zz",
               b"/%%36%31dmin", b"/public/.;/admin", b"/public/%2e%2e;/admin", b"/public/.%2e%5Cadmin"]
    wrong = []
    for target in admin + public:
        recorder.requests.clear()
        answer, _ = talk(gateway.port, get(target, b"Host: a\r\nConnection: close"))
        if statuses(answer) != [200] or not recorder.requests:
            wrong.append(f"{target!r}: {answer[:80]!r}")
            continue
        path = recorder.requests[0].target.split("?")[0]
        by_admin = b"rule: admin" in answer
        if by_admin != (target in admin) or by_admin != (path == "/admin" or path.startswith("/admin/")):
            wrong.append(f"{target!r}: rule admin {by_admin}, the backend saw {path!r}")
        if "//" in path or "/./" in path or "/../" in path or "\\" in path:
            wrong.append(f"{target!r}: the backend saw {path!r}")
    for target in refused:
        recorder.requests.clear()
        answer, _ = talk(gateway.port, get(target, b"Host: a\r\nConnection: close"))
        if statuses(answer) != [400] or recorder.requests:
            wrong.append(f"{target!r}: {answer[:60]!r}, {len(recorder.requests)} at the backend")
    assert not wrong, "\n".join(wrong)


def a_client_that_expects_100_cannot_shift_the_connection(gateway):
    """0.CL and Expect: the body that was announced is read as one, whenever it comes."""
    recorder = serve(gateway)
    for fields in (b"Expect: 100-continue", b"Expect: 100-Continue", b"Expect:100-continue\r\nConnection: keep-alive"):
        recorder.requests.clear()
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
            peer.sendall(post(b"Content-Length: %d\r\n" % len(SMUGGLED) + fields))
            first = peer.recv(65536)
            assert first.startswith(b"HTTP/1.1 100 "), first
            peer.sendall(SMUGGLED)
            second = peer.recv(65536)
            assert second.startswith(b"HTTP/1.1 200 "), second
        assert [one.target for one in recorder.requests] == ["/"] and recorder.requests[0].body == SMUGGLED, recorder.requests
    # Answered without the body: what follows is never taken for a request.
    recorder.requests.clear()
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
        peer.sendall(b"POST /..%2f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n")
        answer = peer.recv(65536)
        with contextlib.suppress(OSError):
            peer.sendall(SMUGGLED)
            while chunk := peer.recv(65536):
                answer += chunk
    assert statuses(answer) == [400] and not recorder.requests, (answer, recorder.requests)


def the_queue_of_a_connection_is_never_mixed_up(gateway):
    """Many requests in one write, some of them with bodies: as many answers, in their order, each request once."""
    recorder = serve(gateway)
    data = b"".join(post(CL4, b"%04d" % i, b"POST /%d HTTP/1.1" % i) if i % 2 else get(b"/%d" % i) for i in range(60))
    answer, _ = talk(gateway.port, data + get(b"/60", b"Host: a\r\nConnection: close"))
    assert statuses(answer) == [200] * 61, statuses(answer)
    assert [one.target for one in recorder.requests] == [f"/{i}" for i in range(61)]
    # One that is refused ends the row.
    recorder.requests.clear()
    answer, closed = talk(gateway.port, get(b"/1") + post(CL4 + b"\r\n" + TE, END) + SMUGGLED)
    assert statuses(answer) == [200, 400] and closed and [one.target for one in recorder.requests] == ["/1"], answer


TESTS = [two_framings_of_one_body_are_refused, lengths_that_are_no_numbers_are_refused, codings_that_are_not_chunked_are_refused, fields_that_are_none_are_refused,
         request_lines_that_are_none_are_refused, other_versions_are_not_spoken, what_is_no_http_at_all_gets_no_answer, a_host_that_is_missing_or_double_or_none_is_refused,
         chunks_that_are_none_are_refused, what_is_too_large_is_refused, good_requests_pass_as_they_are_meant, fields_of_one_hop_do_not_cross, trailers_cannot_stand_in_for_fields,
         what_a_policy_has_settled_has_no_other_spelling, what_is_refused_is_answered_as_it_was_asked, an_answer_without_its_body_announces_the_end, a_client_that_leaves_after_a_slow_body_ends_the_attempt,
         a_path_is_the_same_for_routes_policies_and_backends, a_client_that_expects_100_cannot_shift_the_connection, the_queue_of_a_connection_is_never_mixed_up]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
