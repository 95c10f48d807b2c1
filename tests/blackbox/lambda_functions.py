"""Backends of type AWS: Lambda functions, behind a server in Amazon's place that checks signatures itself. Usage: lambda_functions.py BINARY"""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, raw, wait_for  # noqa: E402

KEY, SECRET = "AKIDTEST", "s3cr3t/of+mine"
ROLE_KEY, ROLE_SECRET, ROLE_TOKEN = "ASIAROLE", "r0le-s3cr3t", "r0le-t0ken=="
REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:hello:$LATEST"


def signature(secret, service, head, method, path, body):
    """What Amazon computes: Signature Version 4, from the published description."""
    words = dict(part.strip().split("=", 1) for part in head["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(","))
    names = words["SignedHeaders"].split(";")
    key, day, region, of_service, end = words["Credential"].split("/")
    assert (region, of_service, end) == (REGION, service, "aws4_request"), words
    assert "host" in names and all(name in names for name in head if name.startswith("x-amz-")), names
    canonical = "\n".join([method, urllib.parse.quote(path, safe="/-._~"), "", *(f"{name}:{' '.join(head[name].split())}" for name in names), "",
                           ";".join(names), hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", head["x-amz-date"], f"{day}/{region}/{service}/aws4_request",
                         hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    assert hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest() == words["Signature"], (canonical, head)
    return key


class Amazon:
    """Lambda and STS. `answer(head, payload)`: status, fields and body of an invocation."""

    def __init__(self, gateway):
        self.calls, self.roles, self.wrong = [], 0, []
        self.expires = 3600
        self.answer = lambda head, payload: (200, {}, json.dumps({"status_code": 200, "body": "hello"}))
        amazon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                head = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(head.get("content-length", 0)))
                try:
                    status, fields, text = amazon.role(head, body) if self.path == "/" else amazon.invoke(head, self.path, body)
                except AssertionError as wrong:
                    amazon.wrong.append(str(wrong))
                    status, fields, text = 403, {}, "{}"
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text if isinstance(text, bytes) else text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        gateway.backends.append(self)

    def invoke(self, head, path, body):
        assert head["host"] == f"127.0.0.1:{self.port}", head
        assert path == f"/2015-03-31/functions/{ARN}/invocations", path
        token = head.get("x-amz-security-token")
        key = signature(ROLE_SECRET if token == ROLE_TOKEN else SECRET, "lambda", head, "POST", path, body)
        assert key == (ROLE_KEY if token == ROLE_TOKEN else KEY), key
        self.calls.append((head, body))
        return self.answer(head, body)

    def role(self, head, body):
        assert signature(SECRET, "sts", head, "POST", "/", body) == KEY
        form = urllib.parse.parse_qs(body.decode())
        assert form["Action"] == ["AssumeRole"] and form["RoleArn"] == ["arn:aws:iam::123456789012:role/caller"], form
        self.roles += 1
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.expires))
        return 200, {"Content-Type": "text/xml"}, (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>{ROLE_KEY}</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>"
            f"<SessionToken>{ROLE_TOKEN}</SessionToken><Expiration>{until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def function(gateway, amazon, more="", auth="auth: {type: Secret, secretRef: {name: aws}}"):
    gateway.write("function.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {{name: hello}}
spec:
  type: AWS
  aws:
    region: {REGION}
    accountId: "123456789012"
    {auth}
    lambda:
      functionName: hello
      endpointURL: http://127.0.0.1:{amazon.port}
{more}""")


def secret(gateway, key=SECRET):
    gateway.write("aws.yaml", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: aws}}\nstringData: {{accessKey: {KEY}, secretKey: \"{key}\"}}\n")


TO_FUNCTION = "    - backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: hello}]\n"


def served(gateway):
    amazon = Amazon(gateway)
    secret(gateway)
    function(gateway, amazon)
    gateway.route(TO_FUNCTION)
    gateway.start()
    return amazon


def a_function_sees_the_request_and_makes_the_answer(gateway):
    amazon = served(gateway)
    amazon.answer = lambda head, payload: (200, {"X-Amzn-RequestId": "1"}, json.dumps(
        {"status_code": 418, "headers": {"X-Made": "by hello", "Content-Type": "text/plain", "Content-Length": "7", "Bad Name": "x"},
         "cookies": ["a=1; HttpOnly", "b=2"], "body": base64.b64encode(b"tea\x00pot").decode(), "is_base64_encoded": True}))
    status, fields, body = get(gateway.port, "/a/b?x=1&y=%20", "www.example.com", method="PUT", body=b"\xff\x00",
                               headers={"X-One": "1", "Authorization": "Basic mine", "X-Amz-Security-Token": "forged"})
    assert (status, body, fields["x-made"], fields["content-type"]) == (418, b"tea\x00pot", "by hello", "text/plain"), (status, fields, body)
    assert "bad name" not in fields, fields
    answer = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True).lower()
    assert answer.count(b"set-cookie") == 2 and answer.count(b"content-length") == 1, answer
    head, payload = amazon.calls[0]
    seen = json.loads(payload)
    assert (seen["raw_path"], seen["method"], seen["query_string_parameters"]) == ("/a/b?x=1&y=%20", "PUT", {"x": "1", "y": "%20"}), seen
    assert seen["headers"]["x-one"] == "1" and seen["headers"]["authorization"] == "Basic mine", seen
    assert base64.b64decode(seen["body"]) == b"\xff\x00" and seen["is_base64_encoded"] is True, seen
    assert head["x-amz-invocation-type"] == "RequestResponse" and head["content-type"] == "application/json", head
    assert "x-amz-security-token" not in head and not amazon.wrong, (head, amazon.wrong)
    answer = raw(gateway.port, b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", until_closed=True)
    assert answer.startswith(b"HTTP/1.1 418") and answer.endswith(b"\r\n\r\n"), answer
    assert json.loads(amazon.calls[-1][1])["method"] == "HEAD"


def errors_are_told(gateway):
    amazon = served(gateway)
    amazon.answer = lambda head, payload: (200, {}, "no json")
    assert get(gateway.port, "/")[0] == 500
    amazon.answer = lambda head, payload: (200, {"X-Amz-Function-Error": "Unhandled"}, '{"errorMessage": "x"}')
    status, fields, body = get(gateway.port, "/")
    assert (status, body) == (200, b'{"errorMessage": "x"}') and fields["x-amz-function-error"] == "Unhandled", (status, fields)
    amazon.answer = lambda head, payload: (429, {}, '{"Reason": "busy"}')
    assert get(gateway.port, "/")[::2] == (429, b'{"Reason": "busy"}')
    assert get(gateway.port, "/", method="POST", body=b"x" * (6 * 1024 * 1024 + 1))[0] == 413
    assert not amazon.wrong, amazon.wrong


def a_payload_may_go_as_it_is_and_nobody_wait(gateway):
    amazon = served(gateway)
    amazon.answer = lambda head, payload: (202, {}, "")
    function(gateway, amazon, "      invocationMode: Async\n      payloadTransformMode: None\n")
    gateway.wait_for_route(status=202)
    assert get(gateway.port, "/x", method="POST", body=b'{"a": 1}', headers={"Content-Type": "application/json"})[0] == 202
    head, payload = amazon.calls[-1]
    assert payload == b'{"a": 1}' and head["x-amz-invocation-type"] == "Event" and not amazon.wrong, (head, payload, amazon.wrong)
    amazon.answer = lambda head, payload: (200, {}, '{"status_code": 500}')
    function(gateway, amazon, "      payloadTransformMode: None\n")
    wait_for(lambda: get(gateway.port, "/")[::2] == (200, b'{"status_code": 500}'), "the answer goes as it is, too")


def credentials_of_the_environment_serve(gateway):
    amazon = Amazon(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": ""}
    function(gateway, amazon, auth="")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert not amazon.wrong, amazon.wrong


def a_role_is_assumed_and_kept(gateway):
    amazon = Amazon(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{amazon.port}"}
    function(gateway, amazon, auth="auth: {type: AssumeRole, assumeRole: {roleArn: 'arn:aws:iam::123456789012:role/caller'}}")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert [get(gateway.port, "/")[0] for _ in range(4)] == [200] * 4
    assert amazon.roles == 1 and amazon.calls[-1][0]["x-amz-security-token"] == ROLE_TOKEN and not amazon.wrong, (amazon.roles, amazon.wrong)
    for page in ("/config_dump", "/snapshot", "/configfiles"):
        text = get(gateway.admin, page)[2].decode()
        assert all(word not in text for word in (SECRET, ROLE_SECRET, ROLE_TOKEN)), page
    assert all(word not in gateway.log() for word in (SECRET, ROLE_SECRET, ROLE_TOKEN))


def what_is_wrong_closes_its_rules_and_shows_nothing(gateway):
    amazon = served(gateway)
    assert get(gateway.port, "/")[0] == 200
    for page in ("/config_dump", "/snapshot", "/configfiles"):
        text = get(gateway.admin, page)[2].decode()
        assert SECRET not in text and KEY not in text.replace("accessKeyId", ""), page
    secret(gateway, "wrong")
    gateway.wait_for_route(status=403)  # Amazon says so
    assert amazon.wrong
    secret(gateway, "line\\n")
    gateway.wait_for_route(status=500)
    wait_for(lambda: "key secretKey: it has white space" in gateway.log(), "the log says why")
    secret(gateway)
    gateway.wait_for_route()
    gateway.backend()
    gateway.route("    - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: echo, port: 80}}}]\n" + TO_FUNCTION.replace("    - ", "      "))
    gateway.wait_for_route(status=500)
    assert "requests for a function are not mirrored" in gateway.log()
    gateway.route("    - filters: [{type: RequestMirror, requestMirror: {backendRef: {group: gateway.kgateway.dev, kind: Backend, name: hello}}}]\n"
                  "      backendRefs: [{name: echo, port: 80}]\n")
    wait_for(lambda: "is a function" in gateway.log(), "a function is no mirror")
    assert SECRET not in gateway.log()


TESTS = [a_function_sees_the_request_and_makes_the_answer, errors_are_told, a_payload_may_go_as_it_is_and_nobody_wait,
         credentials_of_the_environment_serve, a_role_is_assumed_and_kept, what_is_wrong_closes_its_rules_and_shows_nothing]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
