"""TrafficPolicy's extProc with a service on grpcio, in every mode. Usage: external_processing.py BINARY"""
import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from external_processor import CLASSES, Processor, fields_of, immediate, part_of, reply, struct  # noqa: E402
from gateway import free_port, get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TIDEGATE = "apis/gateway.kgateway.dev/v1alpha1"
BOTH_BODIES = "processingMode: {requestBodyMode: %s, responseBodyMode: %s, requestTrailerMode: SEND, responseTrailerMode: SEND}"


def extension(gateway, more="", name="e"):
    gateway.write(f"extension-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayExtension
metadata: {{name: {name}}}
spec:
  extProc:
    grpcService: {{backendRef: {{name: processor, port: 80}}}}
{"" if "messageTimeout" in more else "    messageTimeout: 5s"}
{more}""")


def policy(gateway, spec="extensionRef: {name: e}", name="p", target="{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}"):
    gateway.write(f"policy-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{target}]
  extProc: {{{spec}}}
""")


def start(gateway, more="", backend=True):
    if backend:
        gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    extension(gateway, "    failOpen: false\n" + more if "failOpen" not in more else more)
    policy(gateway)
    gateway.start()


def again(gateway, more, probe):
    """Other settings; until `probe()` is true."""
    extension(gateway, "    failOpen: false\n" + more if "failOpen" not in more else more)
    wait_for(probe, "the settings hold")


def answering(gateway, *parts):
    """A backend that reads all of a request with chunks and answers with these bytes, a pause between."""
    bodies = []

    def script(peer, number):
        while True:
            head, data = service.head(peer)
            if b"transfer-encoding: chunked" in head.lower():
                while b"0\r\n" not in data or not data.endswith(b"\r\n\r\n"):
                    data += peer.recv(65536)
            bodies.append(data)
            for part in parts:
                peer.sendall(part)
                if len(parts) > 1:
                    time.sleep(0.05)  # so that they are parts
    service = ScriptedUpstream(script)
    service.bodies = bodies
    gateway.backends.append(service)
    gateway.service("echo", service.port)
    return service


CHUNKED_ANSWER = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n6\r\nfirst \r\n", b"6\r\nsecond\r\n",
                  b"0\r\nx-end: done\r\n\r\n")
CHUNKED_REQUEST = (b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n"
                   b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 11\r\n\r\n")


def headers_are_shown_and_changed_both_ways(gateway):
    def say(request, seen):
        if part_of(request) == "request_headers":
            return reply("request_headers", [("x-user", "jane"), ("x-old", "new"), ("x-more", "2", True), ("x-only", "no", 1), ("x-fresh", "yes", 1),
                                             ("x-absent", "no", 3), (":path", "/other?q=1"), ("host", "evil"), (":method", "PUT"), (":scheme", "ftp"),
                                             (":authority", "evil"), ("x-envoy-retry-on", "5xx"), ("content-length", "7"),
                                             ("transfer-encoding", "chunked"), ("X-Latin", b"\xe9")],
                         ["x-secret", "host", ":path", "content-length"])
        return reply("response_headers", [("x-answer", "1"), (":status", "202"), ("content-length", "3")], ["server"])
    processor = Processor(gateway, say)
    start(gateway)
    gateway.wait_for_route(status=202)
    status, fields, body = get(gateway.port, "/p?a=b", host="www.example.com",
                               headers={"X-Secret": "s", "X-Old": "old", "X-More": "1", "X-Only": "1", "X-Kept": "k"})
    seen = json.loads(body)
    assert status == 202 and fields["x-answer"] == "1", (status, fields)
    assert (seen["method"], seen["path"], seen["query"], seen["host"]) == ("GET", "/other", "q=1", "www.example.com"), seen
    headers = seen["headers"]
    assert headers["x-user"] == ["jane"] and headers["x-old"] == ["new"] and headers["x-more"] == ["1", "2"], headers
    assert headers["x-only"] == ["1"] and headers["x-fresh"] == ["yes"] and headers["x-kept"] == ["k"], headers
    assert not {"x-absent", "x-secret", "x-envoy-retry-on", "transfer-encoding"} & set(headers), headers
    request, answer = processor.streams[-1]
    shown = fields_of(request)
    assert [shown[name] for name in (":method", ":path", ":authority", ":scheme")] == [["GET"], ["/p?a=b"], ["www.example.com"], ["http"]], shown
    assert shown["x-secret"] == ["s"] and request.request_headers.end_of_stream, shown
    assert fields_of(answer)[":status"] == ["200"] and not answer.response_headers.end_of_stream, answer
    assert request.HasField("protocol_config") and not answer.HasField("protocol_config")
    wait_for(lambda: len(processor.ended) == len(processor.streams), "streams end with their exchanges")
    assert all(processor.ended), processor.ended


def the_service_answers_in_place_of_the_backend(gateway):
    now = [None]
    processor = Processor(gateway, lambda request, seen: now[0](request))
    start(gateway)
    now[0] = lambda request: immediate(401, b"who are you?", [("x-why", "because"), ("content-length", "999"), ("host", "x")], "not known")
    gateway.wait_for_route(status=401)
    status, fields, body = get(gateway.port, "/")
    assert (body, fields["x-why"], fields["content-length"]) == (b"who are you?", "because", "12") and "host" not in fields, (fields, body)
    assert fields["content-type"].startswith("text/plain") and processor.parts() == ["request_headers"], fields
    now[0] = lambda request: immediate(418, b"no") if part_of(request) == "response_headers" else reply(part_of(request))
    assert get(gateway.port, "/")[::2] == (418, b"no")
    now[0] = lambda request: immediate(0)
    assert get(gateway.port, "/")[0] == 200
    assert raw(gateway.port, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200")


def a_whole_message_is_replaced(gateway):
    def say(request, seen):
        if part_of(request) == "request_headers":
            return reply("request_headers", [(":method", "POST"), ("x-replaced", "1")], body=b"new body", replace=True)
        return reply("response_headers", [("content-type", "text/x")], body=b"short", replace=True)
    processor = Processor(gateway, say)
    start(gateway, "    " + BOTH_BODIES % ("STREAMED", "BUFFERED") + "\n")
    gateway.wait_for_route(status=200)
    requests = answering(gateway, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlong body")
    wait_for(lambda: get(gateway.port, "/")[2] == b"short" and requests.heads, "the backend is the other one")
    status, fields, body = get(gateway.port, "/", method="PATCH", body=b"old")
    assert (status, body, fields["content-length"], fields["content-type"]) == (200, b"short", "5", "text/x"), (status, fields, body)
    assert requests.heads[-1].startswith(b"POST / ") and b"content-length: 8" in requests.heads[-1].lower(), requests.heads
    assert processor.parts() == ["request_headers", "response_headers"], processor.parts()


def bodies_are_shown_whole(gateway):
    def say(request, seen):
        part = part_of(request)
        if part == "request_body":
            return reply(part, [("x-seen", "1")], body=request.request_body.body.upper())
        if part == "response_body":
            return reply(part, [("x-length", str(len(request.response_body.body)))], clear=True)
        return reply(part)
    processor = Processor(gateway, say)
    start(gateway, "    processingMode: {requestBodyMode: BUFFERED}\n")
    gateway.wait_for_route(status=200)
    seen = json.loads(get(gateway.port, "/", method="POST", body=b"some text")[2])
    assert seen["body"] == "SOME TEXT" and seen["headers"]["x-seen"] == ["1"] and seen["bodyBytes"] == 9, seen
    assert processor.parts() == ["request_headers", "request_body", "response_headers"], processor.parts()
    assert processor.streams[-1][1].request_body.end_of_stream
    assert get(gateway.port, "/", method="POST", body=b"x" * (1 << 20))[0] == 200
    assert get(gateway.port, "/", method="POST", body=b"x" * ((1 << 20) + 1))[0] == 413
    chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n"
    assert raw(gateway.port, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 17 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")
    again(gateway, "    processingMode: {responseBodyMode: BUFFERED}\n", lambda: get(gateway.port, "/")[2] == b"")
    status, fields, body = get(gateway.port, "/?bytes=5000")
    assert (status, fields["content-length"], fields["x-length"]) == (200, "0", "5000"), (status, fields)
    assert get(gateway.port, "/?bytes=1048577")[0] == 500


def a_body_that_is_too_large_is_shown_in_part(gateway):
    def say(request, seen):
        part = part_of(request)
        return reply(part, body=b"PART") if part.endswith("body") else reply(part)
    processor = Processor(gateway, say)
    start(gateway, "    processingMode: {requestBodyMode: BUFFERED_PARTIAL, responseBodyMode: BUFFERED_PARTIAL}\n")
    gateway.wait_for_route(status=200)
    requests = answering(gateway, b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"z" * 2000000)
    wait_for(lambda: get(gateway.port, "/")[2].endswith(b"z"), "the backend is the other one")
    size = 3 << 20
    status, _, body = get(gateway.port, "/", method="POST", body=b"y" * size)
    wait_for(lambda: any(b"POST" in head for head in requests.heads), "the request came")
    shown = [request.request_body for request in processor.streams[-1] if request.HasField("request_body")]
    assert len(shown) == 1 and not shown[0].end_of_stream and (1 << 20) <= len(shown[0].body) < (1 << 20) + 300000, len(shown)
    sent = requests.bodies[-1]
    assert b"PART" in sent and sent.count(b"y") == size - len(shown[0].body), (sent.count(b"y"), len(shown[0].body))
    shown = [request.response_body for request in processor.streams[-1] if request.HasField("response_body")]
    assert len(shown) == 1 and body == b"PART" + b"z" * (2000000 - len(shown[0].body)), len(body)
    assert get(gateway.port, "/", method="POST", body=b"few")[0] == 200 and processor.streams[-1][1].request_body.end_of_stream
    assert b"PART" == requests.bodies[-1] or b"content-length: 4" in requests.heads[-1].lower(), requests.heads[-1]


def bodies_and_trailers_pass_in_parts(gateway):
    def say(request, seen):
        part = part_of(request)
        if part == "request_body":
            return reply(part, body=b"<" + request.request_body.body + b">")
        if part == "response_body":
            return reply(part, body=request.response_body.body.upper())
        if part == "request_trailers":
            return reply(part, [("x-sum", "13"), ("x-new", "t"), ("content-length", "1")])
        return reply(part, remove=["x-end"], set_headers=[("x-last", "l")]) if part == "response_trailers" else reply(part)
    processor = Processor(gateway, say)
    requests = answering(gateway, *CHUNKED_ANSWER)
    start(gateway, "    " + BOTH_BODIES % ("STREAMED", "STREAMED") + "\n", backend=False)
    wait_for(lambda: raw(gateway.port, CHUNKED_REQUEST, until_closed=True).startswith(b"HTTP/1.1 200"), "the route is there")
    answer = raw(gateway.port, CHUNKED_REQUEST, until_closed=True)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"FIRST " in body and b"SECOND" in body and b"x-last: l" in body and b"x-end: done" not in body, answer
    assert b"chunked" in head.lower() and b"content-length" not in head.lower(), head
    sent = requests.bodies[-1]
    assert b"<" in sent and b"x-sum: 13" in sent and b"x-new: t" in sent and b"content-length" not in sent.lower(), sent
    assert b"content-length" not in requests.heads[-1].lower(), requests.heads[-1]
    parts = processor.parts()
    assert parts[0] == "request_headers" and "request_trailers" in parts and parts[-1] == "response_trailers", parts
    assert parts.count("response_body") >= 2 and not any(one.response_body.end_of_stream for one in processor.streams[-1]), parts
    # A body without trailers ends with its last part.
    status, _, _ = get(gateway.port, "/", method="POST", body=b"z" * 300000)
    shown = [one.request_body for one in processor.streams[-1] if one.HasField("request_body")]
    assert status == 200 and b"".join(one.body for one in shown) == b"z" * 300000, status
    assert [one.end_of_stream for one in shown] == [False] * (len(shown) - 1) + [True], shown


def only_trailers_are_shown(gateway):
    processor = Processor(gateway, lambda request, seen: reply(part_of(request), [("x-seen", "yes")]))
    requests = answering(gateway, *CHUNKED_ANSWER)
    start(gateway, "    processingMode: {requestHeaderMode: SKIP, responseHeaderMode: SKIP, requestTrailerMode: SEND, responseTrailerMode: SEND}\n",
          backend=False)
    wait_for(lambda: raw(gateway.port, CHUNKED_REQUEST, until_closed=True).startswith(b"HTTP/1.1 200"), "the route is there")
    answer = raw(gateway.port, CHUNKED_REQUEST, until_closed=True)
    assert answer.endswith(b"x-end: done\r\nx-seen: yes\r\n\r\n"), answer
    assert requests.bodies[-1].endswith(b"x-sum: 11\r\nx-seen: yes\r\n\r\n"), requests.bodies[-1]
    assert processor.parts() == ["request_trailers", "response_trailers"], processor.parts()
    assert fields_of(processor.streams[-1][0]) == {"x-sum": ["11"]}
    count = len(processor.streams)
    assert get(gateway.port, "/")[0] == 200
    assert processor.parts(-1) == ["response_trailers"] and len(processor.streams) == count + 1


def big_bodies_go_through_in_parts(gateway):
    Processor(gateway, lambda request, seen: reply(part_of(request)))
    start(gateway, "    processingMode: {requestBodyMode: STREAMED, responseBodyMode: STREAMED}\n")
    gateway.wait_for_route(status=200)
    status, _, body = get(gateway.port, "/?bytes=20000000", method="POST", body=b"a" * 8000000, timeout=60)
    assert status == 200 and len(body) == 20000000, (status, len(body))
    seen = json.loads(get(gateway.port, "/", method="POST", body=b"a" * 8000000, timeout=60)[2])
    assert seen["bodyBytes"] == 8000000, seen


def both_ways(requests, context):
    """Sees all of a message before it says a word, then makes other parts of it."""
    for side in ("request", "response"):
        body, trailers = b"", None
        for request in requests:
            part = part_of(request)
            if not part.startswith(side):
                context.abort(13, "out of order: " + part)
            if part.endswith("body"):
                body += getattr(request, part).body
            if part.endswith("trailers"):
                trailers = request
            end = trailers is not None or (part.endswith("headers") and getattr(request, part).end_of_stream)
            if end or (part.endswith("body") and getattr(request, part).end_of_stream):
                break
        yield reply(side + "_headers", [("x-" + side, str(len(body)))])
        if not (trailers is None and not body):
            half = len(body) // 2
            yield reply(side + "_body", streamed=(b"[" + body[:half], False))
            yield reply(side + "_body", streamed=(body[half:] + b"]", trailers is None))
            if trailers is not None:
                yield reply(side + "_trailers", [("x-checked", "1")])


def bodies_go_both_ways_at_once(gateway):
    processor = Processor(gateway, process=both_ways)
    requests = answering(gateway, *CHUNKED_ANSWER)
    start(gateway, "    " + BOTH_BODIES % ("FULL_DUPLEX_STREAMED", "FULL_DUPLEX_STREAMED") + "\n", backend=False)
    wait_for(lambda: raw(gateway.port, CHUNKED_REQUEST, until_closed=True).startswith(b"HTTP/1.1 200"), "the route is there")
    answer = raw(gateway.port, CHUNKED_REQUEST, until_closed=True)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"x-response: 12" in head.lower() and b"[first " in body and b"second" in body and b"x-checked: 1" in body, answer
    sent = requests.bodies[-1]
    assert b"x-request: 11" in requests.heads[-1].lower() and sent.count(b"[") == 1 and sent.count(b"]") == 1 and b"x-checked: 1" in sent, sent
    assert b"x-sum: 11" in sent and b"x-end: done" in body, (sent, body)
    assert processor.parts()[0] == "request_headers" and "request_trailers" in processor.parts(), processor.parts()
    status, fields, body = get(gateway.port, "/")
    assert status == 200 and fields["x-response"] == "12", (status, fields)


def echoes(requests, context):
    """Bodies as they come, in pieces of its own size."""
    for request in requests:
        part = part_of(request)
        if not part.endswith("body"):
            yield reply(part)
            continue
        shown = getattr(request, part)
        for at in range(0, len(shown.body), 10000):
            yield reply(part, streamed=(shown.body[at:at + 10000], False))
        if shown.end_of_stream:
            yield reply(part, streamed=(b"", True))


def big_bodies_go_both_ways_at_once(gateway):
    Processor(gateway, process=echoes)
    start(gateway, "    processingMode: {requestBodyMode: FULL_DUPLEX_STREAMED, responseBodyMode: FULL_DUPLEX_STREAMED}\n")
    gateway.wait_for_route(status=200)
    status, _, body = get(gateway.port, "/?bytes=20000000", method="POST", body=b"a" * 8000000, timeout=60)
    assert status == 200 and len(body) == 20000000, (status, len(body))
    seen = json.loads(get(gateway.port, "/", method="POST", body=b"a" * 8000000, timeout=60)[2])
    assert seen["bodyBytes"] == 8000000, seen


def a_service_that_stops_reading_holds_the_client_back(gateway):
    go_on = threading.Event()

    def process(requests, context):
        for request in requests:
            if part_of(request) == "request_body":
                go_on.wait(20)
            yield from echoes([request], context)
    Processor(gateway, process=process)
    start(gateway, "    processingMode: {requestBodyMode: FULL_DUPLEX_STREAMED}\n")
    gateway.wait_for_route(status=200)
    size = 64 << 20
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        client.settimeout(1)
        sent = 0
        try:
            while sent < size:
                sent += client.send(b"b" * 65536)
        except TimeoutError:
            pass
        assert sent < size // 2, sent
        go_on.set()
        client.settimeout(30)
        while sent < size:
            sent += client.send(b"b" * min(65536, size - sent))
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200") and b'"bodyBytes":%d' % size in answer, answer[:300]


def a_service_may_choose_another_mode(gateway):
    mode = [CLASSES["Mode"](request_body_mode=2, response_header_mode=2)]

    def say(request, seen):
        part = part_of(request)
        out = reply(part, body=b"changed") if part.endswith("body") else reply(part)
        if part == "request_headers":
            out.mode_override.CopyFrom(mode[0])
        return out
    processor = Processor(gateway, say)
    start(gateway, "    allowProcessingModeOverride: true\n")
    gateway.wait_for_route(status=200)

    def parts(body=b"text"):
        seen = json.loads(get(gateway.port, "/", method="POST", body=body)[2])
        return seen["body"], processor.parts()
    assert parts() == ("changed", ["request_headers", "request_body"]), parts()
    mode[0] = CLASSES["Mode"](request_body_mode=1)  # DEFAULT leaves what is configured
    assert parts() == ("changed", ["request_headers", "request_body", "response_headers"]), parts()
    mode[0] = CLASSES["Mode"](request_body_mode=99)
    assert parts() == ("text", ["request_headers", "response_headers"]), parts()
    mode[0] = CLASSES["Mode"](request_body_mode=2)
    allowed = "    allowProcessingModeOverride: true\n    allowedProcessingModeOverrides: [{requestBodyMode: STREAMED}]\n"
    again(gateway, allowed, lambda: parts()[0] == "text")
    mode[0] = CLASSES["Mode"](request_body_mode=1)
    assert parts()[0] == "changed"
    again(gateway, "", lambda: parts()[0] == "text")


def a_service_may_ask_for_time(gateway):
    def process(requests, context):
        for request in requests:
            if part_of(request) == "request_headers":
                more = CLASSES["ProcessingResponse"]()
                more.override_message_timeout.seconds = 4
                yield more
                time.sleep(0.8)
            yield reply(part_of(request), [("x-late", "1")])
    Processor(gateway, process=process)
    start(gateway, "    messageTimeout: 300ms\n    maxMessageTimeout: 5s\n")
    gateway.wait_for_route(status=200)
    assert get(gateway.port, "/")[1]["x-late"] == "1"
    again(gateway, "    messageTimeout: 300ms\n    maxMessageTimeout: 3s\n", lambda: get(gateway.port, "/")[0] == 504)
    again(gateway, "    messageTimeout: 300ms\n", lambda: get(gateway.port, "/")[0] == 504)


def attributes_and_metadata_are_shown(gateway):
    processor = Processor(gateway)
    start(gateway, """    requestAttributes: [request.path, source.port, "request.headers['x-a']", "request.headers['x-b']"]
    metadataOptions: {forwarding: {untyped: [mine, none]}}
    filterStage: {stage: Route, predicate: Before}
""")
    gateway.write("transformation.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: t}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  transformation: {request: {dynamicMetadata: [{namespace: mine, key: who, value: {stringValue: "{{ header('x-a') }}"}}]}}
""")

    def shown():
        get(gateway.port, "/p?q=1", headers={"X-A": "jane"})
        return processor.streams and processor.streams[-1][0].HasField("metadata_context")
    wait_for(shown, "metadata is shown")
    request, answer = processor.streams[-1]
    attributes = {entry.key: struct(entry.value) for entry in request.attributes}["envoy.filters.http.ext_proc"]
    assert attributes["request.path"] == "/p?q=1" and attributes["request.headers['x-a']"] == "jane", attributes
    assert attributes["source.port"] > 0 and "request.headers['x-b']" not in attributes and not answer.attributes, attributes
    for one in (request, answer):
        assert {entry.key: struct(entry.value) for entry in one.metadata_context.filter_metadata} == {"mine": {"who": "jane"}}, one


def a_service_that_fails_lets_nothing_through(gateway):
    now = [None]
    processor = Processor(gateway, process=lambda requests, context: now[0](requests, context))

    def abort(requests, context):
        next(requests)
        context.abort(7, "no")

    def silent(requests, context):
        next(requests)
        time.sleep(1.5)
        yield reply("request_headers")

    def garbage(requests, context):
        next(requests)
        yield b"\x0a\x05garb"

    def wrong_part(requests, context):
        next(requests)
        yield reply("request_body")

    def twice(requests, context):
        next(requests)
        yield reply("request_headers")
        yield reply("request_headers")
        for _ in requests:
            pass

    def nothing(requests, context):
        next(requests)
        yield CLASSES["ProcessingResponse"]()

    def huge(requests, context):
        next(requests)
        yield reply("request_headers", [("x-big", "b" * (5 << 20))])

    def streamed(requests, context):
        for request in requests:
            part = part_of(request)
            yield reply(part, streamed=(b"x", True)) if part.endswith("body") else reply(part)

    def fine(requests, context):
        for request in requests:
            yield reply(part_of(request), [("x-fine", "1")])
    start(gateway, "    messageTimeout: 500ms\n    processingMode: {requestBodyMode: STREAMED}\n")
    now[0] = fine
    gateway.wait_for_route(status=200)

    def statuses(method, body):
        return get(gateway.port, "/", method=method, body=body)[0]
    cases = [(abort, 500), (silent, 504), (garbage, 500), (wrong_part, 500), (twice, 500), (nothing, 500), (huge, 500)]
    for now[0], expected in cases:
        assert statuses("GET", None) == expected, now
        assert statuses("POST", b"body") == expected, now
    now[0] = streamed
    assert statuses("POST", b"body") == 500
    open_to_all = "    failOpen: true\n    messageTimeout: 500ms\n    processingMode: {requestBodyMode: STREAMED}\n"
    now[0] = abort
    again(gateway, open_to_all, lambda: statuses("GET", None) == 200)
    for now[0] in (abort, silent, garbage, wrong_part, twice, nothing, huge, streamed):
        status, fields, answer = get(gateway.port, "/", method="POST", body=b"body")
        seen = json.loads(answer)
        assert status == 200 and seen["body"] == "body" and "x-fine" not in fields, (now, status, seen)
    processor.stop()
    assert statuses("POST", b"body") == 200
    again(gateway, "    messageTimeout: 500ms\n", lambda: statuses("GET", None) == 500)
    silent_port = socket.socket()
    silent_port.bind(("127.0.0.1", 0))
    silent_port.listen()
    gateway.service("processor", silent_port.getsockname()[1])  # takes connections and says nothing
    wait_for(lambda: statuses("GET", None) == 504, "the time-out holds while connecting")
    began = time.monotonic()
    assert statuses("GET", None) == 504 and time.monotonic() - began < 2
    gateway.service("processor", free_port())
    wait_for(lambda: statuses("GET", None) == 500, "nobody listens")


def a_service_that_ends_in_good_order_is_not_asked_again(gateway):
    def once(requests, context):
        next(requests)
        yield reply("request_headers", [("x-once", "1")])
    processor = Processor(gateway, process=once)
    start(gateway, "    processingMode: {requestBodyMode: BUFFERED}\n")
    gateway.wait_for_route(status=200)
    seen = json.loads(get(gateway.port, "/", method="POST", body=b"body")[2])
    assert seen["headers"]["x-once"] == ["1"] and seen["body"] == "body", seen
    assert set(processor.parts()) <= {"request_headers", "request_body"}, processor.parts()


def what_is_no_http_is_refused(gateway):
    now = [{}]

    def say(request, seen):
        part = part_of(request)
        return reply(part, **now[0].get(part, {}))
    Processor(gateway, say)
    start(gateway, "    failOpen: true\n    processingMode: {responseTrailerMode: SEND}\n")
    gateway.wait_for_route(status=200)
    for bad in ([("x-a", "1\r\nx-b: 2")], [("x a", "1")], [("", "1")], [("x-a", b"1\x00")], [(":path", "no path")], [(":path", "/a b")],
                [("x\r\ny", "1")], [("x-a%d" % i, "v") for i in range(101)], [("x-a", "v" * 40000)]):
        now[0] = {"request_headers": {"set_headers": bad}}
        assert get(gateway.port, "/")[0] == 500, bad[:1]
        if not bad[0][0].startswith(":"):
            now[0] = {"response_headers": {"set_headers": bad}}
            assert get(gateway.port, "/")[0] == 500, bad[:1]
    now[0] = {"request_headers": {"remove": ["x y"]}}
    assert get(gateway.port, "/")[0] == 500
    both = reply("request_headers", [("x-a", "1")])
    both.request_headers.response.header_mutation.set_headers[0].header.value = "2"
    now[0] = {}
    assert get(gateway.port, "/")[0] == 200


def the_service_leads_to_another_rule(gateway):
    now = [{"set_headers": [("x-model", "b")]}]

    def say(request, seen):
        out = reply(part_of(request), **now[0]) if part_of(request) == "request_headers" else reply(part_of(request))
        if part_of(request) == "request_headers":
            out.request_headers.response.clear_route_cache = now[0].get("set_headers") != [("x-model", "stay")]
        return out
    processor = Processor(gateway, say)
    gateway.backend()

    def headed(model, more=""):
        return (f"    - name: {model}\n      matches: [{{path: {{value: /first}}, headers: [{{name: x-model, value: {model}}}]}}]\n"
                f"      filters: [{{type: RequestHeaderModifier, requestHeaderModifier: {{set: [{{name: x-rule, value: {model}}}]}}}}{more}]\n"
                "      backendRefs: [{name: echo, port: 80}]\n")
    gateway.route(headed("b") + headed("guarded") +
                  "    - name: first\n      matches: [{path: {value: /first}}]\n      backendRefs: [{name: echo, port: 80}]\n")
    gateway.write("policy-guard.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: guard}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route, sectionName: guarded}]
  rbac: {policy: {matchExpressions: ["false"]}}
""")
    extension(gateway, "    failOpen: false\n")
    policy(gateway)
    gateway.start()

    def rule(path="/first"):
        status, _, body = get(gateway.port, path)
        return json.loads(body)["headers"].get("x-rule", [""])[0] if status == 200 else status
    wait_for(lambda: rule() == "b", "the service's header leads to the other rule")
    now[0] = {"set_headers": [("x-model", "guarded")]}
    assert rule() == 403, rule()  # that rule's own filters act too
    now[0] = {"set_headers": [("x-model", "stay")]}
    assert rule() == ""
    now[0] = {"set_headers": [(":path", "/nowhere")]}
    assert rule() == 404
    now[0] = {}
    assert rule() == ""
    assert {"response_headers"} <= set(processor.parts()), processor.parts()
    now[0] = {"set_headers": [("x-model", "b")]}
    extension(gateway, "    failOpen: false\n    routeCacheAction: Retain\n")
    wait_for(lambda: rule() == "", "the rule is retained")


def bodies_pass_in_http2(gateway):
    def say(request, seen):
        part = part_of(request)
        return reply(part, body=getattr(request, part).body.replace(b"a", b"b")) if part.endswith("body") else reply(part)
    Processor(gateway, say)
    gateway.backend(app_protocol="kubernetes.io/h2c")
    start(gateway, "    processingMode: {requestBodyMode: STREAMED, responseBodyMode: BUFFERED}\n", backend=False)
    gateway.wait_for_route(status=200)
    seen = json.loads(get(gateway.port, "/", method="POST", body=b"a" * 500000)[2])
    assert seen["bodyBytes"] == 500000 and "hebders" in seen and "a" not in seen["body"], list(seen)


def clients_that_leave_do_no_harm(gateway):
    def say(request, seen):
        time.sleep(0.01)
        part = part_of(request)
        if part.endswith("body") and seen[0].protocol_config.request_body_mode == 4:
            return reply(part, streamed=(getattr(request, part).body, getattr(request, part).end_of_stream))
        return reply(part, [("x-mode", str(seen[0].protocol_config.request_body_mode))])
    Processor(gateway, say)
    start(gateway)
    gateway.wait_for_route(status=200)
    for number, mode in ((1, "STREAMED"), (2, "BUFFERED"), (4, "FULL_DUPLEX_STREAMED")):
        again(gateway, "    " + BOTH_BODIES % (mode, mode) + "\n", lambda number=number: get(gateway.port, "/")[1].get("x-mode") == str(number))
        for after in (0, 0.01, 0.05, 0.2):
            peers = []
            for number in range(20):
                peer = socket.create_connection(("127.0.0.1", gateway.port))
                peer.sendall(b"POST /?bytes=3000000 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * (5000 * number))
                peers.append(peer)
            time.sleep(after)
            for peer in peers:
                peer.close()
    wait_for(lambda: b"http.http.downstream_rq_active: 0" in get(gateway.admin, "/stats")[2], "every exchange has ended")
    assert gateway.process.poll() is None


def a_status_without_a_body_has_none(gateway):
    def say(request, seen):
        return reply("response_headers", [(":status", "204")]) if part_of(request) == "response_headers" else reply(part_of(request))
    Processor(gateway, say)
    start(gateway)
    gateway.wait_for_route(status=204)
    request = b"GET /?bytes=300000 HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as peer:
        peer.sendall(request + request.replace(b"Host", b"Connection: close\r\nHost"))
        answer = b""
        while data := peer.recv(65536):
            answer += data
    assert len(answer) < 2000 and answer.count(b"HTTP/1.1 204 ") == 2, answer[:600]


def a_body_that_is_read_early_leaves_the_head_alone(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nX-Kept: as it was\r\nContent-Length: 60000\r\n\r\n")
        for _ in range(60):
            time.sleep(0.005)
            peer.sendall(b"a" * 1000)
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)

    def say(request, seen):
        part = part_of(request)
        if part == "response_headers":
            time.sleep(0.2)
        if part.endswith("body"):
            return reply(part, streamed=(getattr(request, part).body, getattr(request, part).end_of_stream))
        return reply(part)
    Processor(gateway, say)
    start(gateway, "    processingMode: {requestHeaderMode: SEND, responseBodyMode: FULL_DUPLEX_STREAMED, responseTrailerMode: SEND}\n", backend=False)
    wait_for(lambda: get(gateway.port, "/")[1].get("x-kept") == "as it was", "the head is as the backend said")
    for _ in range(5):
        status, fields, body = get(gateway.port, "/")
        assert (status, fields["x-kept"], len(body)) == (200, "as it was", 60000), (status, fields, len(body))


def late_trouble_breaks_the_answer_off(gateway):
    now = [None]

    def say(request, seen):
        part = part_of(request)
        return now[0](part) if part in ("request_body", "response_body") else reply(part)
    Processor(gateway, say)
    requests = answering(gateway, *CHUNKED_ANSWER)
    start(gateway, "    processingMode: {requestBodyMode: STREAMED, responseBodyMode: STREAMED}\n", backend=False)
    now[0] = reply
    wait_for(lambda: raw(gateway.port, CHUNKED_REQUEST, until_closed=True).startswith(b"HTTP/1.1 200"), "the route is there")
    now[0] = lambda part: immediate(403, b"no such words") if part == "response_body" else reply(part)
    answer = raw(gateway.port, CHUNKED_REQUEST, until_closed=True)
    assert answer.startswith(b"HTTP/1.1 200") and b"first" not in answer and not answer.endswith(b"0\r\n\r\n"), answer
    # The request's body has been refused before the backend has answered: the client hears of it.
    now[0] = lambda part: immediate(403, b"no such words") if part == "request_body" else reply(part)
    count = len(requests.bodies)
    answer = raw(gateway.port, CHUNKED_REQUEST, until_closed=True)
    assert answer.startswith(b"HTTP/1.1 403") and answer.endswith(b"no such words"), answer
    assert len(requests.bodies) == count
    assert gateway.process.poll() is None


def policies_say_for_whom_and_why_not(gateway):
    processor = Processor(gateway, lambda request, seen: reply(part_of(request), [("x-processed", "1")]))
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    extension(gateway)
    policy(gateway, "extensionRef: {name: e}, processingMode: {responseHeaderMode: SKIP}", "all", "{group: gateway.networking.k8s.io, kind: Gateway, name: g}")
    gateway.start()

    def processed():
        seen = json.loads(get(gateway.port, "/")[2])
        return "x-processed" in seen["headers"]
    wait_for(processed, "the Gateway's policy holds")
    assert processor.parts() == ["request_headers"], processor.parts()
    policy(gateway, "disable: {}")
    wait_for(lambda: not processed(), "the route's policy takes it away")

    def reason(name="p"):
        one = gateway.object("trafficpolicies", name, TIDEGATE)
        all_of = [gateway.condition(each["conditions"], "Accepted") for each in one.get("status", {}).get("ancestors", [])]
        return all_of[0].get("message", "") if all_of and all_of[0]["status"] == "False" else ""
    policy(gateway, "extensionRef: {name: missing}")
    wait_for(lambda: get(gateway.port, "/")[0] == 500 and "missing" in reason(), "an extension that is not there")
    extension(gateway, "    failOpen: true\n", "other")
    gateway.write("extension-other.yaml", (gateway.config / "extension-other.yaml").read_text().replace("name: processor", "name: nowhere"))
    policy(gateway, "extensionRef: {name: other}")
    wait_for(lambda: get(gateway.port, "/")[0] == 500 and "nowhere" in reason(), "a service that is not there")
    gateway.write("extension-other.yaml", (gateway.config / "extension-other.yaml").read_text().replace("name: nowhere", "name: processor, namespace: far"))
    wait_for(lambda: "nowhere" not in reason() and reason(), "a service elsewhere, without a grant")
    assert get(gateway.port, "/")[0] == 500
    policy(gateway)
    wait_for(lambda: get(gateway.port, "/")[0] == 200 and not reason(), "all is well again")


def what_a_prefix_names_is_counted_under_it(gateway):
    Processor(gateway)
    start(gateway, "    statPrefix: edge-1\n")
    assert [get(gateway.port, "/")[0] for _ in range(2)] == [200, 200]
    stats = get(gateway.admin, "/stats?filter=ext_proc")[2].decode()
    assert "http.http.ext_proc.edge-1.streams_started: 2\n" in stats and "http.http.ext_proc.edge-1.stream_msgs_sent: 4\n" in stats, stats
    assert "ext_proc.streams_started: 2" not in stats, stats
    assert 'envoy_http_ext_proc_edge_1_streams_started{envoy_http_conn_manager_prefix="http"} 2\n' in get(gateway.metrics, "/metrics")[2].decode()


TESTS = [what_a_prefix_names_is_counted_under_it, headers_are_shown_and_changed_both_ways, the_service_answers_in_place_of_the_backend, a_whole_message_is_replaced,
         bodies_are_shown_whole, a_body_that_is_too_large_is_shown_in_part, bodies_and_trailers_pass_in_parts, only_trailers_are_shown,
         big_bodies_go_through_in_parts, bodies_go_both_ways_at_once, big_bodies_go_both_ways_at_once,
         a_service_that_stops_reading_holds_the_client_back, a_service_may_choose_another_mode, a_service_may_ask_for_time,
         attributes_and_metadata_are_shown, a_service_that_fails_lets_nothing_through,
         a_service_that_ends_in_good_order_is_not_asked_again, what_is_no_http_is_refused, late_trouble_breaks_the_answer_off,
         the_service_leads_to_another_rule, bodies_pass_in_http2, clients_that_leave_do_no_harm,
         a_status_without_a_body_has_none, a_body_that_is_read_early_leaves_the_head_alone,
         policies_say_for_whom_and_why_not]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
