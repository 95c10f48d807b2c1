"""Backends of type AWS: Lambda functions, behind a server in Amazon's place that checks signatures itself. Usage: lambda_functions.py BINARY"""
import base64
import json
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from amazon import KEY, OWN_ROLE, REGION, ROLE, ROLE_SECRET, ROLE_TOKEN, SECRET, WEB_TOKEN, Amazon  # noqa: E402
from gateway import get, main, raw, wait_for  # noqa: E402

ARN = f"arn:aws:lambda:{REGION}:123456789012:function:hello:$LATEST"


class Functions(Amazon):
    """Lambda. `answer(head, payload)`: status, fields and body of an invocation."""

    def __init__(self, gateway):
        self.calls = []
        self.answer = lambda head, payload: (200, {}, json.dumps({"status_code": 200, "body": "hello"}))
        super().__init__(gateway)

    def serve(self, head, path, body):
        if path == "/" or head[":method"] != "POST":
            return super().serve(head, path, body)
        assert path == f"/2015-03-31/functions/{ARN}/invocations", path
        self.signed("lambda", head, path, body)
        self.calls.append((head, body))
        return self.answer(head, body)


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
    amazon = Functions(gateway)
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
    amazon = Functions(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": ""}
    function(gateway, amazon, auth="")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert not amazon.wrong, amazon.wrong


def a_role_is_assumed_and_kept(gateway):
    amazon = Functions(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{amazon.port}"}
    function(gateway, amazon, auth="auth: {type: AssumeRole, assumeRole: {roleArn: '" + ROLE + "'}}")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert [get(gateway.port, "/")[0] for _ in range(4)] == [200] * 4
    assert amazon.roles == 1 and amazon.calls[-1][0]["x-amz-security-token"] == ROLE_TOKEN and not amazon.wrong, (amazon.roles, amazon.wrong)
    for page in ("/config_dump", "/snapshot", "/configfiles"):
        text = get(gateway.admin, page)[2].decode()
        assert all(word not in text for word in (SECRET, ROLE_SECRET, ROLE_TOKEN)), page
    assert all(word not in gateway.log() for word in (SECRET, ROLE_SECRET, ROLE_TOKEN))


def runs_as_it_is(gateway, auth="", **environment):
    """What the process is where it runs, if `environment` says so, is all that it is."""
    amazon = Functions(gateway)
    token = gateway.config.parent / "token"
    token.write_text(WEB_TOKEN + "\n")
    place = f"http://127.0.0.1:{amazon.port}"
    known = {"token": str(token), "place": place}
    gateway.environment = {"AWS_ACCESS_KEY_ID": "", "HOME": "/nonexistent", "AWS_ENDPOINT_URL_STS": place, "AWS_EC2_METADATA_DISABLED": "true",
                           **{name: value.format(**known) for name, value in environment.items()}}
    function(gateway, amazon, auth=auth)
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert [get(gateway.port, "/")[0] for _ in range(4)] == [200] * 4
    assert amazon.own == 1 and amazon.calls[-1][0]["x-amz-security-token"] == ROLE_TOKEN and not amazon.wrong, (amazon.own, amazon.wrong)
    assert all(word not in gateway.log() for word in (ROLE_SECRET, ROLE_TOKEN, WEB_TOKEN))
    return amazon


WEB_IDENTITY = {"AWS_ROLE_ARN": OWN_ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{token}"}


def a_service_account_is_a_role(gateway):
    runs_as_it_is(gateway, **WEB_IDENTITY)


def a_service_account_may_take_another_role(gateway):
    amazon = runs_as_it_is(gateway, auth="auth: {type: AssumeRole, assumeRole: {roleArn: '" + ROLE + "'}}", **WEB_IDENTITY)
    assert amazon.roles == 1


def a_container_has_a_role(gateway):
    runs_as_it_is(gateway, AWS_CONTAINER_CREDENTIALS_FULL_URI="{place}/v1/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="{token}")


def an_instance_has_a_role(gateway):
    runs_as_it_is(gateway, AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT="{place}")


def credentials_that_nobody_gives_are_missed(gateway):
    amazon = Functions(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": "", "HOME": "/nonexistent", "AWS_ROLE_ARN": OWN_ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token",
                           "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{amazon.port}"}
    function(gateway, amazon, auth="")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route(status=500)
    assert "there is no token in /nonexistent/token" in gateway.log()


def the_clear_is_for_this_machine(gateway):
    gateway.environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://credentials.example/"}
    gateway.start(wait=False)
    assert gateway.process.wait(10) != 0
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https" in gateway.log()


def a_role_is_taken_again_before_it_ends(gateway):
    amazon = Functions(gateway)
    amazon.expires = 60  # less than what is early
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{amazon.port}"}
    function(gateway, amazon, auth="auth: {type: AssumeRole, assumeRole: {roleArn: '" + ROLE + "'}}")
    gateway.route(TO_FUNCTION)
    gateway.start()
    gateway.wait_for_route()
    assert [get(gateway.port, "/")[0] for _ in range(8)] == [200] * 8 and amazon.roles == 1, amazon.roles
    wait_for(lambda: get(gateway.port, "/")[0] == 200 and amazon.roles == 2, "it is asked for anew")
    amazon.expires = -1  # nothing that could be used: what is there serves on
    wait_for(lambda: get(gateway.port, "/")[0] == 200 and amazon.roles == 3, "it is asked for anew")
    assert get(gateway.port, "/")[0] == 200 and "was not given: the answer has no credentials" in gateway.log()


def those_who_wait_for_a_role_share_one_question(gateway):
    amazon = Functions(gateway)
    gateway.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{amazon.port}"}
    function(gateway, amazon, auth="auth: {type: AssumeRole, assumeRole: {roleArn: '" + ROLE + "'}}")
    gateway.route(TO_FUNCTION)
    gateway.workers = 4
    gateway.start()
    amazon.pause = threading.Event()
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(get(gateway.port, "/")[0])) for _ in range(16)]
    for asker in askers:
        asker.start()
    wait_for(lambda: amazon.roles == 1, "STS is asked")

    wait_for(lambda: b"http.http.downstream_rq_active: 16" in get(gateway.admin, "/stats?filter=downstream_rq_active")[2], "all requests are there")
    amazon.pause.set()
    for asker in askers:
        asker.join()
    assert answers == [200] * 16 and amazon.roles == 1 and not amazon.wrong, (answers, amazon.roles, amazon.wrong)


def a_payload_that_grows_too_large_is_refused(gateway):
    amazon = served(gateway)
    body = b"\x01" * (1 << 21)  # six bytes each in JSON
    assert get(gateway.port, "/", method="POST", body=body, headers={"Content-Type": "text/plain"})[0] == 413
    assert get(gateway.port, "/", method="POST", body=body, headers={"Content-Type": "image/png"})[0] == 200
    assert len(amazon.calls) == 1


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
         credentials_of_the_environment_serve, a_role_is_assumed_and_kept, a_role_is_taken_again_before_it_ends,
         those_who_wait_for_a_role_share_one_question, a_service_account_is_a_role, a_service_account_may_take_another_role,
         a_container_has_a_role, an_instance_has_a_role, credentials_that_nobody_gives_are_missed, the_clear_is_for_this_machine,
         a_payload_that_grows_too_large_is_refused, what_is_wrong_closes_its_rules_and_shows_nothing]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
