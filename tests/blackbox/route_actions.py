"""What kgateway adds to what a rule does with a request: bodies of DirectResponses made by formats. Usage: route_actions.py BINARY"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402


def direct_response(name, spec):
    return (f"apiVersion: gateway.kgateway.dev/v1alpha1\nkind: DirectResponse\nmetadata: {{name: {name}}}\n"
            f"spec: {spec}\n")


def names(name):
    return (f"      filters: [{{type: ExtensionRef, extensionRef: {{group: gateway.kgateway.dev, kind: DirectResponse, name: {name}}}}}]\n")


def a_body_is_made_by_its_format(gateway):
    gateway.write("text.yaml", direct_response("text", r'{status: 418, bodyFormat: {text: "%REQ(:METHOD)% %REQ(X-KEY)% %RESPONSE_CODE% %%\n"}}'))
    gateway.write("json.yaml", direct_response(
        "json", '{status: 200, bodyFormat: {contentType: application/problem+json, '
        'json: {path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%", key: "%REQ(X-KEY)%", in: {list: ["%PROTOCOL%", 1]}}}}'))
    gateway.route("    - matches: [{path: {value: /text}}]\n" + names("text") +
                  "    - matches: [{path: {value: /json}}]\n" + names("json"))
    gateway.start()
    gateway.wait_for_route("/text", status=418)
    status, fields, body = get(gateway.port, "/text", method="PUT", headers={"X-Key": "k"})
    assert (status, body) == (418, b"PUT k 418 %\n") and fields["content-type"] == "text/plain", (status, fields, body)
    assert get(gateway.port, "/text")[2] == b"GET - 418 %\n"
    status, fields, body = get(gateway.port, "/json/x?y", headers={"X-Key": 'a"b\\c'})
    assert status == 200 and fields["content-type"] == "application/problem+json", (status, fields)
    assert json.loads(body) == {"path": "/json/x?y", "code": 200, "key": 'a"b\\c', "in": {"list": ["HTTP/1.1", 1]}}, body
    head = raw(gateway.port, b"HEAD /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True)
    assert head.lower().count(b"content-length: 13") == 1 and head.endswith(b"\r\n\r\n"), head


def a_format_that_is_wrong_closes_its_rule_and_says_where(gateway):
    gateway.write("bad.yaml", direct_response("bad", '{status: 200, bodyFormat: {text: "ab %REQUEST(:PATH)%"}}'))
    gateway.route(names("bad").replace("      f", "    - f"))
    gateway.start()
    gateway.wait_for_route(status=500)
    wait_for(lambda: "bodyFormat: position 3" in gateway.log(), "the log says where")
    gateway.write("bad.yaml", direct_response("bad", '{status: 200, bodyFormat: {text: "ab %REQ(:PATH)%"}}'))
    gateway.wait_for_route()


TESTS = [a_body_is_made_by_its_format, a_format_that_is_wrong_closes_its_rule_and_says_where]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
