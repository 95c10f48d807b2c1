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


TESTS = [both_answer_alike_and_name_file_and_line, near_misses_and_routes_that_nobody_takes_say_why, a_wrong_question_is_refused]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
