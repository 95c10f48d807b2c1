"""Backends of type AWS: EC2 instances, found by a server in Amazon's place that checks signatures itself. Usage: cloud_instances.py BINARY"""
import http.server
import json
import pathlib
import sys
import threading
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from amazon import KEY, REGION, ROLE, ROLE_SECRET, ROLE_TOKEN, SECRET, Amazon  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402


class Machines(Amazon):
    """EC2, and three machines at 127.0.0.1 to .3 that say who they are. `instances`: what it knows, each (address, tags, more)."""

    def __init__(self, gateway):
        self.instances, self.questions, self.page, self.refused, self.broken = [], [], 100, None, None
        self.machines = []
        port = free_port()
        for last in (1, 2, 3):
            class Machine(http.server.BaseHTTPRequestHandler):
                me = f"127.0.0.{last}".encode()

                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(self.me)))
                    self.end_headers()
                    self.wfile.write(self.me)

                def log_message(self, *_):
                    pass

            server = http.server.ThreadingHTTPServer((f"127.0.0.{last}", port), Machine)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.machines.append(server)
        self.machine_port = port
        super().__init__(gateway)

    def DescribeInstances(self, head, body, form):
        self.signed("ec2", head, "/", body)
        assert form["Version"] == "2016-11-15" and int(form["MaxResults"]) <= 1000, form
        self.questions.append((head, form))
        if self.refused:
            return 403, {}, f"<Response><Errors><Error><Code>{self.refused}</Code><Message>no</Message></Error></Errors></Response>"
        if self.broken:
            return 200, {}, self.broken
        start = int(form.get("NextToken", "page-0").removeprefix("page-"))
        sets = "".join(self.instance(*one) for one in self.instances[start:start + self.page])
        more = start + self.page < len(self.instances)
        return 200, {"Content-Type": "text/xml;charset=UTF-8"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>1</requestId><reservationSet>{sets}</reservationSet>"
            f"{f'<nextToken>page-{start + self.page}</nextToken>' if more else ''}</DescribeInstancesResponse>")

    @staticmethod
    def instance(address, tags, state="running", public=None, zone="eu-west-1a"):
        tag_set = "".join(f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>" for key, value in tags.items())
        return (f"<item><instancesSet><item><instanceId>i-{address}</instanceId><instanceState><code>16</code><name>{state}</name></instanceState>"
                f"<placement><availabilityZone>{zone}</availabilityZone></placement><privateIpAddress>{address}</privateIpAddress>"
                f"{f'<ipAddress>{public}</ipAddress>' if public else ''}<tagSet>{tag_set}</tagSet></item></instancesSet></item>")

    def stop(self):
        super().stop()
        for machine in self.machines:
            machine.shutdown()
            machine.server_close()


FILTERS = "filters: [{key: web}, {keyValue: {key: app, value: 'pay & go*'}}]"
TAGS = {"web": "", "app": "pay & go*"}


def backend(gateway, cloud, more=FILTERS, auth="auth: {type: Secret, secretRef: {name: aws}}"):
    gateway.write("backend.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {{name: machines}}
spec:
  type: AWS
  aws:
    region: {REGION}
    {auth}
    ec2:
      port: {cloud.machine_port}
      {more}
""")


def secret(gateway, key=SECRET):
    gateway.write("aws.yaml", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: aws}}\nstringData: {{accessKey: {KEY}, secretKey: \"{key}\"}}\n")


def served(gateway, instances, auth=None, interval="100ms", ready=True):
    cloud = Machines(gateway)
    cloud.instances = instances
    gateway.environment = {"AWS_ENDPOINT_URL_EC2": f"http://127.0.0.1:{cloud.port}", "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{cloud.port}",
                           "KGW_AWS_EC2_REFRESH_INTERVAL": interval, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": ""}
    if auth is None:
        secret(gateway)
        backend(gateway, cloud)
    else:
        backend(gateway, cloud, auth=auth)
    gateway.route("    - backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: machines}]\n")
    gateway.start()
    if ready:
        gateway.wait_for_route()
    return cloud


def who(gateway, times=8):
    """Who answers, or the status."""
    answers = [get(gateway.port, "/") for _ in range(times)]
    return {body.decode() if status == 200 else status for status, _, body in answers}


def discovered(gateway):
    found = gateway.object("backends", "machines", "apis/gateway.kgateway.dev/v1alpha1")
    one = gateway.condition(found["status"]["conditions"], "EndpointsDiscovered")
    return one["status"], one["reason"], one.get("message", "")


def instances_come_and_go(gateway):
    one, two, three = ("127.0.0.1", TAGS), ("127.0.0.2", TAGS), ("127.0.0.3", TAGS)
    cloud = served(gateway, [one, ("127.0.0.3", {"web": "x", "app": "other"}), ("127.0.0.2", TAGS, "stopped"), ("127.0.0.3", {"app": "pay & go*"})])
    assert who(gateway) == {"127.0.0.1"}
    wait_for(lambda: discovered(gateway) == ("True", "Discovered", "1 endpoints"), "the Backend says so")
    form = cloud.questions[0][1]
    filters = {form[f"Filter.{i}.Name"]: form[f"Filter.{i}.Value.1"] for i in (1, 2, 3)}
    assert filters == {"instance-state-name": "running", "tag:web": "*", "tag:app": "pay & go\\*"}, form
    cloud.page = 1  # each on a page of its own
    cloud.instances = [one, two, three]
    wait_for(lambda: who(gateway) == {"127.0.0.1", "127.0.0.2", "127.0.0.3"}, "new ones get their part")
    cloud.instances = [two]
    wait_for(lambda: who(gateway) == {"127.0.0.2"}, "those that are gone do not")
    cloud.instances = []
    wait_for(lambda: who(gateway) == {503}, "nobody is left")
    wait_for(lambda: discovered(gateway)[:2] == ("False", "NoMatchingInstances"), "the Backend says so")
    assert not cloud.wrong, cloud.wrong
    for page in ("/config_dump", "/snapshot", "/configfiles", "/clusters"):
        text = get(gateway.admin, page)[2].decode()
        assert SECRET not in text and KEY not in text, page
    assert SECRET not in gateway.log()


def a_public_address_and_another_port_may_be_wanted(gateway):
    cloud = served(gateway, [("10.9.9.9", TAGS, "running", "127.0.0.3"), ("127.0.0.2", TAGS)], ready=False)
    wait_for(lambda: discovered(gateway)[2] == "2 endpoints", "private addresses")
    backend(gateway, cloud, "addressType: PublicIP")
    wait_for(lambda: who(gateway) == {"127.0.0.3"}, "those of a public address")
    wait_for(lambda: discovered(gateway)[2] == "1 endpoints", "the Backend says so")


def what_was_found_outlives_a_failure(gateway):
    cloud = served(gateway, [("127.0.0.2", TAGS)])
    cloud.refused = "UnauthorizedOperation"
    wait_for(lambda: discovered(gateway)[:2] == ("False", "Degraded"), "the Backend says so")
    assert "UnauthorizedOperation; 1 endpoints" in discovered(gateway)[2], discovered(gateway)
    asked = len(cloud.questions)
    wait_for(lambda: len(cloud.questions) > asked + 3, "it is asked again")
    assert who(gateway) == {"127.0.0.2"} and gateway.log().count("UnauthorizedOperation") == 1, gateway.log()
    cloud.refused, cloud.broken = None, "<DescribeInstancesResponse>"
    wait_for(lambda: "none of DescribeInstances" in discovered(gateway)[2], "what is no answer")
    cloud.broken = "<DescribeInstancesResponse><reservationSet/>" + " " * (9 << 20) + "</DescribeInstancesResponse>"
    wait_for(lambda: "did not answer" in discovered(gateway)[2], "what is too long", 20)
    cloud.broken = None
    wait_for(lambda: "EC2 answers again" in gateway.log(), "an answer", 20)
    secret(gateway, "other")  # who asks has changed, not what for
    wait_for(lambda: cloud.wrong and "answered 403" in discovered(gateway)[2], "the new key is wrong")
    assert who(gateway) == {"127.0.0.2"}
    secret(gateway)
    cloud.instances = [("127.0.0.3", TAGS)]
    wait_for(lambda: who(gateway) == {"127.0.0.3"}, "it goes on")


def who_may_not_ask_gets_nothing(gateway):
    cloud = Machines(gateway)
    cloud.refused = "UnauthorizedOperation"
    gateway.environment = {"AWS_ENDPOINT_URL_EC2": f"http://127.0.0.1:{cloud.port}", "AWS_ACCESS_KEY_ID": "", "HOME": "/nonexistent",
                           "AWS_EC2_METADATA_DISABLED": "true"}
    gateway.route("    - backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: machines}]\n")
    backend(gateway, cloud)
    gateway.start()
    gateway.wait_for_route(status=500)  # the reference does not resolve
    assert "Secret default/aws does not exist" in gateway.log()
    secret(gateway)
    gateway.wait_for_route(status=503)
    wait_for(lambda: discovered(gateway)[:2] == ("False", "AuthorizationError"), "the Backend says so")
    backend(gateway, cloud, auth="")
    wait_for(lambda: discovered(gateway)[:2] == ("False", "CredentialError"), "there are none in the environment")
    assert get(gateway.port, "/")[0] == 503


def a_role_asks(gateway):
    cloud = served(gateway, [("127.0.0.1", TAGS)], auth="auth: {type: AssumeRole, assumeRole: {roleArn: '" + ROLE + "'}}")
    assert who(gateway) == {"127.0.0.1"} and cloud.roles == 1 and not cloud.wrong, (cloud.roles, cloud.wrong)
    assert cloud.questions[-1][0]["x-amz-security-token"] == ROLE_TOKEN
    asked = len(cloud.questions)
    wait_for(lambda: len(cloud.questions) > asked + 2, "it is asked again")
    assert cloud.roles == 1 and all(word not in gateway.log() for word in (SECRET, ROLE_SECRET, ROLE_TOKEN))


def a_wrong_interval_is_no_start(gateway):
    gateway.environment = {"KGW_AWS_EC2_REFRESH_INTERVAL": "often"}
    gateway.start(wait=False)
    assert gateway.process.wait(10) != 0
    assert "KGW_AWS_EC2_REFRESH_INTERVAL" in gateway.log()


def explain_shows_the_instances(gateway):
    served(gateway, [("127.0.0.2", TAGS)])
    text = get(gateway.admin, "/clusters?format=json")[2].decode()
    assert "127.0.0.2" in text, text
    assert json.loads(get(gateway.admin, "/config_dump")[2])


TESTS = [instances_come_and_go, a_public_address_and_another_port_may_be_wanted, what_was_found_outlives_a_failure, who_may_not_ask_gets_nothing,
         a_role_asks, a_wrong_interval_is_no_start, explain_shows_the_instances]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
