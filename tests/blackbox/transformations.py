"""TrafficPolicy.spec.transformation: heads and bodies by templates. Usage: transformations.py BINARY"""
import json
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

POLICIES = "apis/gateway.kgateway.dev/v1alpha1"


def policy(gateway, transformation):
    gateway.write("policy.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: t}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}}]
  transformation: {json.dumps(transformation)}
""")


def serve(gateway, transformation):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    policy(gateway, transformation)
    gateway.start()


def header(name, value):
    return {"name": name, "value": value}


def heads_are_changed_in_both_directions(gateway):
    serve(gateway, {
        "request": {"set": [header("x-a", "{{ request_header('X-B') }}!"), header("x-gone", "")], "add": [header("x-b", "2")],
                    "remove": ["x-secret"]},
        "response": {"set": [header("x-path", "{{ request_header(':path') }} {{ header(':status') }}"),
                             header(":status", "{% if header('content-type') == 'application/json' %}299{% endif %}")]}})
    status, fields, body = get(gateway.port, "/p?q", headers={"x-b": "1", "x-secret": "s", "x-gone": "g"})
    seen = json.loads(body)["headers"]
    assert (seen["x-a"], seen["x-b"]) == (["1!"], ["1", "2"]) and "x-secret" not in seen and "x-gone" not in seen, seen
    assert status == 299 and fields["x-path"] == "/p?q 200", (status, fields)


def a_method_may_change_and_the_answer_fits_what_was_asked(gateway):
    serve(gateway, {"request": {"set": [header(":method", "{{ header('x-method')|default(header(':method'), true) }}"),
                                        header(":path", "/other"), header(":authority", "other.example.com")]}})
    _, _, body = get(gateway.port, "/", headers={"x-method": "PUT"})
    seen = json.loads(body)
    assert (seen["method"], seen["path"], seen["host"]) == ("PUT", "/other", "other.example.com"), seen
    two = b"HEAD / HTTP/1.1\r\nHost: a\r\nX-Method: GET\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answers = raw(gateway.port, two, until_closed=True)
    first, second = answers.split(b"\r\n\r\n", 1)
    assert first.startswith(b"HTTP/1.1 200") and second.startswith(b"HTTP/1.1 200"), answers
    two = b"GET / HTTP/1.1\r\nHost: a\r\nX-Method: HEAD\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answers = raw(gateway.port, two, until_closed=True)
    first, second = answers.split(b"\r\n\r\n", 1)
    assert b"content-length: 0" in first.lower() and second.startswith(b"HTTP/1.1 200"), answers


def bodies_are_rewritten_whatever_their_framing(gateway):
    serve(gateway, {
        "request": {"body": {"parseAs": "AsJson", "value": '{"name":"{{ user.name|upper }}"}'}, "set": [header("x-model", "{{ model }}")]},
        "response": {"body": {"parseAs": "AsJson", 'value': '{{ body|length }} {{ body }} {{ headers["x-model"]|first }}'}}})
    sent = b'{"user":{"name":"ann"},"model":"m"}'
    status, fields, body = get(gateway.port, "/", method="POST", body=sent)
    assert (status, body) == (200, b'14 {"name":"ANN"} m'), (status, body)
    assert fields["content-length"] == str(len(body)), fields
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in sent:
        chunked += b"1\r\n%c\r\n" % byte
    answer = raw(gateway.port, chunked + b"0\r\n\r\n", until_closed=True)
    assert answer.endswith(b'14 {"name":"ANN"} m'), answer
    # What is no JSON passes as it is, on the request's side; a field that no body gives is answered with 400.
    assert get(gateway.port, "/", method="POST", body=b"no JSON")[2].startswith(b"7 no JSON"), "skipped"
    assert get(gateway.port, "/")[0] == 400


def a_body_over_the_limit_is_refused(gateway):
    serve(gateway, {"request": {"body": {"value": "{{ body() }}"}}, "response": {"body": {"value": "<{{ body()|length }}>"}}})
    large = b"x" * (1 << 20)
    assert get(gateway.port, "/?bytes=3", method="POST", body=large)[2] == b"<3>"
    assert get(gateway.port, "/", method="POST", body=large + b"x")[0] == 413
    assert get(gateway.port, f"/?bytes={len(large)}")[2] == b"<%d>" % len(large)
    assert get(gateway.port, f"/?bytes={len(large) + 1}")[0] == 500
    assert get(gateway.port, "/?bytes=3")[2] == b"<3>"


def headers_alone_do_not_hold_a_body_back(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        peer.recv(1)  # until the client has gone
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    policy(gateway, {"response": {"set": [header("x-a", "{{ header(':status') }}")]}})
    gateway.start()
    answer = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"x-a: 200" in answer and b"abc" in answer, answer


def a_head_outlives_the_body_that_comes_after_it(gateway):
    def script(peer, number):
        upstream.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nX-Kept: all of this value\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n")
        go_on.wait(5)
        peer.sendall(b"y" * 200)
    go_on = threading.Event()
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    policy(gateway, {"response": {"set": [header("x-first", "{{ substring(body(), 0, 1) }}")], "body": {"parseAs": "AsString", "value": "{{ body() }}!"}}})
    gateway.start()
    threading.Timer(0.2, go_on.set).start()  # the head is read by then; if it is not, the test proves less
    status, fields, body = get(gateway.port, "/")
    assert status == 200 and fields["x-kept"] == "all of this value" and fields["content-type"] == "text/plain", (status, fields)
    assert body == b"y" * 200 + b"!" and fields["x-first"] == "y", (fields, body)


def answers_of_our_own_are_transformed_too(gateway):
    gateway.route("    - backendRefs: [{name: nowhere, port: 80}]\n")
    policy(gateway, {"response": {"body": {"value": "sorry: {{ header(':status') }}"}, "set": [header("x-a", "b")]}})
    gateway.start()
    status, fields, body = get(gateway.port, "/")
    assert (status, body, fields["x-a"]) == (500, b"sorry: 500", "b"), (status, body, fields)


def a_wrong_template_is_told_with_its_line_and_lets_nothing_pass(gateway):
    serve(gateway, {"request": {"set": [header("x-a", "{{ headr('b') }}")]}})
    assert get(gateway.port, "/")[0] == 500
    assert 'policy.yaml:6: ' in gateway.log() and 'there is no function "headr"; is "header" meant?' in gateway.log(), gateway.log()
    conditions = gateway.object("trafficpolicies", "t", POLICIES)["status"]["ancestors"][0]["conditions"]
    accepted = gateway.condition(conditions, "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "Invalid"), accepted
    policy(gateway, {"request": {"set": [header("x-a", "{{ header('b') }}")]}})
    wait_for(lambda: get(gateway.port, "/")[0] == 200, "the policy is mended")


TESTS = [heads_are_changed_in_both_directions, a_method_may_change_and_the_answer_fits_what_was_asked,
         bodies_are_rewritten_whatever_their_framing, a_body_over_the_limit_is_refused, headers_alone_do_not_hold_a_body_back, a_head_outlives_the_body_that_comes_after_it,
         answers_of_our_own_are_transformed_too, a_wrong_template_is_told_with_its_line_and_lets_nothing_pass]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
