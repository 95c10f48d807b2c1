"""How one of several endpoints is picked, and which are not. Usage: balancing.py BINARY"""
import concurrent.futures
import http.client
import pathlib
import re
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import free_port, get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Named:
    """An HTTP/1.1 backend that answers with its name, or as it is told."""

    def __init__(self, name, port=None):
        self.name, self.status, self.health, self.delay = name, 200, 200, threading.Event()
        self.delay.set()
        self.paths, self.heads, self.connections = [], [], 0
        self.port = port or free_port()
        self.socket = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.open = True
        self.peers = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.peers.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        buffered = b""
        try:
            while self.open:
                while b"\r\n\r\n" not in buffered:
                    data = peer.recv(65536)
                    if not data:
                        return
                    buffered += data
                head, buffered = buffered.split(b"\r\n\r\n", 1)
                lines = head.split(b"\r\n")
                while not re.match(rb"[A-Z]+ ", lines[0]):
                    lines.pop(0)
                path = lines[0].split(b" ")[1].decode()
                self.heads.append(head)
                if path == "/healthz":
                    status = self.health
                else:
                    self.paths.append(path)
                    self.delay.wait(10)
                    status = self.status
                body = self.name.encode()
                peer.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        except OSError:
            pass
        finally:
            peer.close()

    def stop(self):
        self.open = False
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for peer in self.peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def backends(gateway, count, policy, rules=TO_ECHO, services=True):
    """A Service "echo" with so many endpoints, all on 127.0.0.1, and a BackendConfigPolicy for it."""
    out = [Named(chr(ord("a") + i)) for i in range(count)]
    gateway.backends += out
    slices = "".join(f"""---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: echo-{i}, labels: {{kubernetes.io/service-name: echo}}}}
addressType: IPv4
ports: [{{port: {one.port}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
""" for i, one in enumerate(out))
    gateway.write("echo.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: echo}\nspec: {ports: [{port: 80}]}\n" + slices)
    if policy:
        gateway.write("policy.yaml", policy_yaml(policy))
    gateway.route(rules)
    gateway.start()
    return out


def policy_yaml(policy, target="{group: '', kind: Service, name: echo}", name="p"):
    return f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{target}]
{policy}"""


def names(gateway, count, headers=None):
    return [get(gateway.port, "/", headers=headers)[2].decode() for _ in range(count)]


def a_header_keeps_to_one_endpoint(gateway):
    backends(gateway, 3, "  loadBalancer: {ringHash: {hashPolicies: [{header: {name: X-User}, terminal: true}]}}\n")
    seen = set()
    for user in range(30):
        got = set(names(gateway, 3, {"X-User": f"user-{user}"}))
        assert len(got) == 1, got
        seen |= got
    assert seen == {"a", "b", "c"}, seen


def a_cookie_is_made_and_kept(gateway):
    backends(gateway, 3, "  loadBalancer:\n    maglev:\n      hashPolicies:\n"
             "      - {cookie: {name: sid, path: /, ttl: 30m, httpOnly: true, secure: true, sameSite: Strict}, terminal: true}\n")
    seen = set()
    for _ in range(20):
        status, fields, name = get(gateway.port, "/")
        made = fields["set-cookie"]
        value = re.fullmatch(r'sid="([0-9a-f]{16})"; Max-Age=1800; Path=/; Secure; HttpOnly; SameSite=Strict', made)
        assert status == 200 and value, made
        for cookie in (f"sid={value[1]}", f'x=1; sid="{value[1]}"'):
            _, again, same = get(gateway.port, "/", headers={"Cookie": cookie})
            assert same == name and "set-cookie" not in again
        seen.add(name)
    assert len(seen) > 1, seen


def the_source_address_keeps_to_one_endpoint(gateway):
    backends(gateway, 4, "  loadBalancer: {ringHash: {minimumRingSize: 100, maximumRingSize: 200, hashPolicies: [{sourceIP: {}}]}}\n")
    assert len(set(names(gateway, 20))) == 1


def least_request_and_random_reach_all(gateway):
    backends(gateway, 3, "  loadBalancer: {leastRequest: {choiceCount: 3}}\n")
    assert set(names(gateway, 60)) == {"a", "b", "c"}
    gateway.write("policy.yaml", policy_yaml("  loadBalancer: {random: {}}\n"))
    wait_for(lambda: '"Random"' in get(gateway.admin, "/config_dump")[2].decode(), "the policy is served")
    assert set(names(gateway, 80)) == {"a", "b", "c"}


def least_request_avoids_a_slow_endpoint(gateway):
    gateway.workers = 1
    one, two = backends(gateway, 2, "  loadBalancer: {leastRequest: {choiceCount: 40}}\n")
    one.delay.clear()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        waiting = []

        def slow_has_one():
            waiting.append(pool.submit(get, gateway.port, "/"))
            return one.paths
        wait_for(slow_has_one, "one request is with the slow endpoint")
        wait_for(lambda: sum(not each.done() for each in waiting) == len(one.paths), "the others are answered")
        before = len(two.paths)
        assert set(names(gateway, 20)) == {"b"}
        assert len(two.paths) >= before + 20
        one.delay.set()
        assert all(each.result()[0] == 200 for each in waiting)


def an_endpoint_that_fails_its_check_gets_nothing(gateway):
    one, two = backends(gateway, 2, "  healthCheck: {interval: 50ms, timeout: 1s, healthyThreshold: 2, unhealthyThreshold: 2, http: {path: /healthz, host: check.example}}\n")
    wait_for(lambda: sum(b"/healthz" in head for head in one.heads + two.heads) > 4, "checks are made")
    assert b"host: check.example" in one.heads[0].lower(), one.heads[0]
    assert set(names(gateway, 20)) == {"a", "b"}
    one.health = 503
    flags = f"127.0.0.1:{one.port}::health_flags::"
    wait_for(lambda: flags + "/failed_active_hc" in get(gateway.admin, "/clusters")[2].decode(), "it is seen on /clusters")
    wait_for(lambda: set(names(gateway, 10)) == {"b"}, "it gets nothing")
    text = get(gateway.admin, "/stats/prometheus")[2].decode()
    assert 'envoy_cluster_membership_healthy{envoy_cluster_name="kube_default_echo_80"} 1' in text
    one.health = 200
    wait_for(lambda: set(names(gateway, 10)) == {"a", "b"}, "it is back")
    one.stop()
    wait_for(lambda: flags + "/failed_active_hc" in get(gateway.admin, "/clusters")[2].decode(), "an endpoint that is gone fails too")
    # Panic: with fewer than half of them healthy, health does not count.
    two.health = 500
    wait_for(lambda: f"127.0.0.1:{two.port}::health_flags::/failed_active_hc" in get(gateway.admin, "/clusters")[2].decode(), "none is healthy")
    wait_for(lambda: 200 in [get(gateway.port, "/")[0] for _ in range(4)], "all are tried")
    gateway.write("policy.yaml", policy_yaml("  healthCheck: {interval: 50ms, timeout: 1s, healthyThreshold: 1, unhealthyThreshold: 1, http: {path: /healthz}}\n"
                                             "  loadBalancer: {healthyPanicThreshold: 0, roundRobin: {}}\n"))
    wait_for(lambda: get(gateway.port, "/")[0] == 503, "without panic nobody gets it")


def an_endpoint_that_answers_5xx_is_ejected(gateway):
    one, two = backends(gateway, 2, "  outlierDetection: {consecutive5xx: 3, interval: 100ms, baseEjectionTime: 3s, maxEjectionPercent: 50}\n"
                        "  loadBalancer: {healthyPanicThreshold: 0, roundRobin: {}}\n")
    one.status = two.status = 503
    wait_for(lambda: "/failed_outlier_check" in (get(gateway.port, "/") and get(gateway.admin, "/clusters")[2].decode()), "one is ejected")
    text = get(gateway.admin, "/clusters")[2].decode()
    assert text.count("/failed_outlier_check") == 1, text
    one.status = two.status = 200
    left = set(names(gateway, 10))
    assert len(left) == 1, left
    text = get(gateway.admin, "/stats/prometheus")[2].decode()
    assert 'envoy_cluster_outlier_detection_ejections_enforced_consecutive_5xx{envoy_cluster_name="kube_default_echo_80"} 1' in text, text
    wait_for(lambda: set(names(gateway, 10)) == {"a", "b"}, "it comes back")


def breakers_refuse_what_is_too_much(gateway):
    (one,) = backends(gateway, 1, "  circuitBreakers: {maxConnections: 1, maxPendingRequests: 1, maxRequests: 10, maxRetries: 1, trackRemaining: true}\n")
    assert get(gateway.port, "/")[0] == 200
    wait_for(lambda: "circuit_breakers.default.remaining_rq: 10" in get(gateway.admin, "/stats")[2].decode(), "the first request is over")
    one.delay.clear()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = pool.submit(get, gateway.port, "/1")
        wait_for(lambda: "/1" in one.paths, "the first is with the backend")
        others = [pool.submit(get, gateway.port, f"/{i}") for i in range(2, 8)]
        wait_for(lambda: sum(each.done() for each in others) >= 2, "some are refused")
        done = [each.result()[0] for each in others if each.done()]
        assert set(done) == {503}, done
        one.delay.set()
        statuses = sorted(each.result()[0] for each in others)
        assert first.result()[0] == 200
        # Each worker may have a connection, and one request may wait.
        assert 200 in statuses and statuses.count(503) >= 2, statuses
    text = get(gateway.admin, "/stats")[2].decode()
    overflow = int(re.search(r"cluster.kube_default_echo_80.upstream_rq_pending_overflow: (\d+)", text)[1])
    assert overflow == statuses.count(503), (overflow, statuses)


def requests_beyond_the_most_are_refused(gateway):
    (one,) = backends(gateway, 1, "  circuitBreakers: {maxRequests: 2}\n")
    one.delay.clear()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = [pool.submit(get, gateway.port, f"/{i}") for i in range(2)]
        wait_for(lambda: len(one.paths) == 2, "two are with the backend")
        assert get(gateway.port, "/more")[0] == 503
        one.delay.set()
        assert [each.result()[0] for each in first] == [200, 200]
    wait_for(lambda: get(gateway.port, "/after")[0] == 200, "there is room again")


def connections_end_as_a_policy_says(gateway):
    gateway.workers = 1
    (one,) = backends(gateway, 1, "  commonHttpProtocolOptions: {maxRequestsPerConnection: 2, idleTimeout: 2s, maxHeadersCount: 3}\n")
    for _ in range(6):
        assert get(gateway.port, "/")[0] == 200
    assert one.connections == 3, one.connections


def a_stream_that_lasts_too_long_is_ended(gateway):
    (one,) = backends(gateway, 1, "  commonHttpProtocolOptions: {maxStreamDuration: 200ms}\n")
    one.delay.clear()
    started = time.monotonic()
    assert get(gateway.port, "/")[0] == 504
    assert time.monotonic() - started < 3
    one.delay.set()


def the_backend_is_told_the_client(gateway):
    for version, expected in (("V1", rb"PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nGET"),
                              ("V2", rb"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01....GET")):
        heads = []

        def script(peer, number):
            data = b""
            while not data.endswith(b"\r\n\r\n"):
                data += peer.recv(65536)
            heads.append(data)
            peer.sendall(OK)
        upstream = ScriptedUpstream(script)
        gateway.backends.append(upstream)
        gateway.service("echo", upstream.port)
        gateway.write("policy.yaml", policy_yaml(f"  upstreamProxyProtocol: {{version: {version}}}\n"))
        if gateway.process is None:
            gateway.route(TO_ECHO)
            gateway.start()
        wait_for(lambda: get(gateway.port, "/") and heads and re.match(expected, heads[-1], re.DOTALL), f"{version}")


BACKEND = """apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {{name: {0}}}
spec: {{{1}}}
---
"""
TO_BACKEND = "    - backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: web}]\n"


def the_second_group_takes_over_and_gives_back(gateway):
    main_, spare = Named("main"), Named("spare")
    gateway.backends += [main_, spare]
    gateway.write("backends.yaml", BACKEND.format("first", f"static: {{hosts: [{{host: 127.0.0.1, port: {main_.port}}}]}}")
                  + BACKEND.format("second", f"static: {{hosts: [{{host: 127.0.0.1, port: {spare.port}}}]}}")
                  + BACKEND.format("web", "priorityGroups: [{backendRefs: [{name: first}]}, {backendRefs: [{name: second}]}]"))
    gateway.write("policy.yaml", policy_yaml("  healthCheck: {interval: 50ms, timeout: 1s, healthyThreshold: 1, unhealthyThreshold: 1, http: {path: /healthz}}\n"
                                             "  loadBalancer: {healthyPanicThreshold: 0, roundRobin: {}}\n",
                                             "{group: gateway.kgateway.dev, kind: Backend, name: web}"))
    gateway.route(TO_BACKEND)
    gateway.start()
    wait_for(lambda: len(main_.heads) > 1 and len(spare.heads) > 1, "both are checked")
    assert set(names(gateway, 10)) == {"main"}
    main_.health = 503
    wait_for(lambda: set(names(gateway, 5)) == {"spare"}, "the second group has it all")
    assert "::priority::1" in get(gateway.admin, "/clusters")[2].decode()
    main_.health = 200
    wait_for(lambda: set(names(gateway, 5)) == {"main"}, "the first group has it again")


def a_request_goes_where_its_host_says(gateway):
    one, two = Named("one"), Named("two")
    gateway.backends += [one, two]
    gateway.write("backends.yaml", BACKEND.format("web", "dynamicForwardProxy: {}"))
    gateway.route(TO_BACKEND)
    gateway.start()
    for backend in (one, two, one):
        assert get(gateway.port, "/", host=f"127.0.0.1:{backend.port}")[2].decode() == backend.name
    assert one.connections == 1 or gateway.workers > 1
    # Itself and its admin port it does not reach, under no name.
    for own in (gateway.port, gateway.admin, gateway.ready, gateway.metrics):
        for name in ("127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
            status, _, body = get(gateway.port, "/ready", host=f"{name}:{own}")
            assert status == 403, (name, own, status, body)
    assert get(gateway.port, "/", host="does-not-exist.invalid", timeout=30)[0] == 503
    assert get(gateway.port, "/", host="127.0.0.1:99999")[0] in (400, 503)


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__" and name not in ("Named", "backends", "policy_yaml", "names")]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
