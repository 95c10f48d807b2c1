"""Which way a request goes and why: on the admin port and offline, the same answer. Usage: explain.py BINARY"""
import json
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main  # noqa: E402

RULES = """    - matches: [{path: {value: /api}, headers: [{name: x-version, value: "2"}]}]
      filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}]
      backendRefs: [{name: echo, port: 80}]
"""


def prepared(gateway):
    gateway.backend()
    gateway.route(RULES, hostnames="www.example.com")
    gateway.write("lost.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: lost}
spec:
  parentRefs: [{name: g, sectionName: absent}]
  rules: [{backendRefs: [{name: echo, port: 80}]}]
""")


def offline(gateway, *words, status=0):
    done = subprocess.run([gateway.binary, "explain", "--config", str(gateway.config), *words], capture_output=True, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status != 2 else done.stderr


def online(proxy, status=200, **query):
    got, _, body = get(proxy.admin, "/explain?" + urllib.parse.urlencode(query, doseq=True))
    assert got == status, (got, body)
    return body.decode()


def both_answer_alike_and_name_file_and_line(gateway):
    prepared(gateway)
    gateway.start()
    url = f"http://www.example.com:{gateway.port}/api/x"
    text = online(gateway, url=url, header="x-version: 2")
    assert text == offline(gateway, "GET", url, "-H", "x-version: 2"), text
    assert "HTTPRoute default/route rule 0 forwards to kube_default_echo_80" in text, text
    assert f"{gateway.config}/route.yaml:8" in text and f"127.0.0.1:{gateway.backends[0].port}" in text, text
    live = json.loads(online(gateway, url=url, header=["x-version:2"], format="json", gateway="default/g"))
    assert live["result"] == "forward" and live["filters"][0]["request_header_modifier"], live
    assert live == json.loads(offline(gateway, "--gateway", "default/g", "--format", "json", url, "-H", "x-version: 2"))


def near_misses_and_routes_that_nobody_takes_say_why(gateway):
    prepared(gateway)
    gateway.start()
    url = f"http://www.example.com:{gateway.port}/api"
    for text in (online(gateway, url=url, header="x-version: 3"), offline(gateway, url, "-H", "x-version: 3", status=1)):
        assert text.startswith("404: ") and "header x-version is not 2" in text, text
        assert "lost.yaml:" in text and "NoMatchingParent" in text, text


def a_wrong_question_is_refused(gateway):
    prepared(gateway)
    gateway.start()
    online(gateway, status=400)
    online(gateway, status=400, url="ftp://a/")
    online(gateway, status=400, url="http://a/", header="nocolon")
    assert "http://" in offline(gateway, "GET", "ftp://a/", status=2)
    offline(gateway, status=2)


def delegation(name, target, namespace="team", more=""):
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{more}  rules: [{{backendRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, {target}}}]}}]
"""


def a_tree_of_routes_without_end_is_cut_and_others_go_on(gateway):
    gateway.backend()
    matches = ", ".join(f"{{path: {{value: /m{i}}}}}" for i in range(64))
    gateway.write("tree.yaml", "---\n".join(
        [delegation(f"d{i}", 'name: "*"') for i in range(8)] +
        [f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: leaf{i}, namespace: team}}
spec: {{rules: [{{matches: [{matches}], backendRefs: []}}]}}
""" for i in range(20)]))
    gateway.write("parent.yaml", delegation("parent", 'name: "*", namespace: team}, {group: gateway.networking.k8s.io, kind: HTTPRoute, name: good',
                                            "default", "  parentRefs: [{name: g}]\n"))
    gateway.write("good.yaml", """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: good}
spec: {rules: [{matches: [{path: {value: /good}}], backendRefs: [{name: echo, port: 80}]}]}
""")
    gateway.start()
    assert get(gateway.port, "/good")[0] == 200
    assert get(gateway.port, "/elsewhere")[0] == 500
    assert "leads to more than 20000 routes or 50000 matches" in gateway.log()


TESTS = [a_tree_of_routes_without_end_is_cut_and_others_go_on, both_answer_alike_and_name_file_and_line, near_misses_and_routes_that_nobody_takes_say_why, a_wrong_question_is_refused]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
