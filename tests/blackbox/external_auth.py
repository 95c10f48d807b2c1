"""The ExternalAuth filter with services of both protocols. Usage: external_auth.py BINARY"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw  # noqa: E402
from grpc_service import GrpcService, header, proto  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402


def route(gateway, filter_text):
    gateway.route(f"    - filters: [{{type: ExternalAuth, externalAuth: {{{filter_text}}}}}]\n"
                  "      backendRefs: [{name: echo, port: 80}]\n")


def http_service(gateway, answer, more=", http: {}"):
    """`answer(head, body)` gives the bytes of an answer."""
    def script(peer, number):
        while True:
            head, body = service.head(peer)
            length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
            while len(body) < length:
                body += peer.recv(65536)
            peer.sendall(answer(head, body))
    service = ScriptedUpstream(script)
    gateway.backends.append(service)
    gateway.service("auth", service.port)
    gateway.backend()
    route(gateway, "protocol: HTTP, backendRef: {name: auth, port: 80}" + more)
    gateway.start()
    return service


def only_what_the_service_allows_passes(gateway):
    def answer(head, body):
        if b"authorization: good" in head.lower():
            return b"HTTP/1.1 200 OK\r\nX-User: jane\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nok"
        return (b"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                b"Content-Type: text/x\r\nContent-Length: 4\r\n\r\nwho?")
    service = http_service(gateway, answer, ", http: {path: /check, allowedHeaders: [X-Key]}")
    status, fields, body = get(gateway.port, "/a?b=c", method="POST", body=b"hello",
                               headers={"Authorization": "good", "X-Key": "k", "X-Other": "o", "Content-Type": "text/plain"})
    seen = json.loads(body)
    assert status == 200 and seen["headers"]["x-user"] == ["jane"] and seen["bodyBytes"] == 5, (status, seen)
    assert seen["headers"]["content-type"] == ["text/plain"], seen
    head = service.heads[0].lower()
    assert head.startswith(b"post /check/a?b=c http/1.1\r\n") and b"x-key: k" in head and b"x-other" not in head, head
    assert b"content-length: 0" in head and b"content-type" not in head, head
    answer = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True).lower()
    assert answer.startswith(b"http/1.1 401 ") and b"www-authenticate: basic" in answer and answer.endswith(b"\r\n\r\nwho?"), answer
    assert b"set-cookie: a=1" in answer and b"set-cookie: b=2" in answer and answer.count(b"content-type") == 1, answer


def a_service_that_fails_lets_nothing_through(gateway):
    now = [b""]
    service = http_service(gateway, lambda head, body: now[0])
    for now[0] in (b"garbage\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"):
        service.connections = 0
        assert get(gateway.port, "/")[0] == 403, now
        if b"9" in now[0]:
            assert service.connections <= 2
    now[0] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert get(gateway.port, "/")[0] == 200
    service.stop()
    route(gateway, "protocol: HTTP, backendRef: {name: missing, port: 80}, http: {}")
    gateway.wait_for_route(status=403)


def the_body_is_shown_and_still_arrives(gateway):
    bodies = []

    def answer(head, body):
        bodies.append(body)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    http_service(gateway, answer, ", http: {}, forwardBody: {maxSize: 1000}")
    status, _, body = get(gateway.port, "/", method="POST", body=b"x" * 1000)
    assert status == 200 and json.loads(body)["bodyBytes"] == 1000 and bodies == [b"x" * 1000]
    assert get(gateway.port, "/", method="POST", body=b"x" * 1001)[0] == 413 and len(bodies) == 1
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    seen = raw(gateway.port, chunked + b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n", until_closed=True)
    assert seen.startswith(b"HTTP/1.1 200") and b'"bodyBytes":5' in seen and bodies[-1] == b"abcde", seen
    upgrade = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert upgrade.startswith(b"HTTP/1.1 101") and bodies[-1] == b"", upgrade
    assert raw(gateway.port, chunked + b"400\r\n" + b"y" * 1024 + b"\r\n0\r\n\r\n").startswith(b"HTTP/1.1 413")


def a_grpc_service_allows_and_denies(gateway):
    allow = proto(1, b"") + proto(3, proto(2, header(b"x-user", b"jane")) + proto(5, b"x-secret"))
    GrpcService(gateway, allow)
    gateway.backend()
    route(gateway, "protocol: GRPC, backendRef: {name: auth, port: 80}, grpc: {}")
    gateway.start()
    gateway.wait_for_route(status=200)
    seen = json.loads(get(gateway.port, "/", headers={"X-Secret": "1", "X-Other": "2"})[2])["headers"]
    assert seen["x-user"] == ["jane"] and "x-secret" not in seen and seen["x-other"] == ["2"], seen
    denied = proto(2, proto(1, b"\x08\x91\x03") + proto(2, header(b"x-why", b"because")) +
                   proto(2, header(b"content-length", b"999")) + proto(3, b"no"))
    GrpcService(gateway, proto(1, proto(1, 7)) + denied)
    gateway.wait_for_route(status=401)
    _, fields, body = get(gateway.port, "/")
    assert (fields["x-why"], body, fields["content-length"]) == ("because", b"no", "2"), (fields, body)
    half = GrpcService(gateway, allow[:-1])
    gateway.wait_for_route(status=403)
    GrpcService(gateway, allow)
    gateway.wait_for_route(status=200)
    gateway.service("auth", half.port)
    half.stop()
    gateway.wait_for_route(status=403)


TESTS = [only_what_the_service_allows_passes, a_service_that_fails_lets_nothing_through, the_body_is_shown_and_still_arrives,
         a_grpc_service_allows_and_denies]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
