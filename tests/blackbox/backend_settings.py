"""BackendConfigPolicy towards backends, and what the admin port says of it. Usage: backend_settings.py BINARY"""
import json
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
from upstream import ScriptedUpstream  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
H2C = "kubernetes.io/h2c"


def policy(gateway, spec, name="p"):
    gateway.write(f"{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: "", kind: Service, name: echo}}]
{spec}""")


class Http2Backend:
    """Speaks HTTP/2 in the clear: 204 to every request and an answer to every PING, until `frozen`. Source: RFC 9113."""

    def __init__(self):
        self.frozen = threading.Event()
        self.pings = 0
        self.upstream = ScriptedUpstream(self.script)

    def script(self, peer, number):
        read = peer.makefile("rb").read
        read(24)
        self.send(peer, 4, 0, 0)
        while True:
            head = read(9)
            if len(head) < 9:
                return
            payload = read(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            while self.frozen.is_set() and number == 1:
                time.sleep(0.01)  # keeps the connection, reads nothing, says nothing
            if kind == 4 and not flags & 1:
                self.send(peer, 4, 1, 0)
            elif kind == 6 and not flags & 1:
                self.pings += 1
                self.send(peer, 6, 1, 0, payload)
            elif kind == 1:
                self.send(peer, 1, 5, stream, b"\x89")  # :status 204, and the end

    @staticmethod
    def send(peer, kind, flags, stream, payload=b""):
        peer.sendall(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)

    def stop(self):
        self.frozen.clear()
        self.upstream.stop()


def metric(gateway, name):
    found = re.search(rf"^{name}\{{[^}}]*echo[^}}]*\}} (\S+)$", get(gateway.metrics, "/metrics")[2].decode(), re.M)
    return float(found.group(1)) if found else None


def http2(gateway, keepalive):
    backend = Http2Backend()
    gateway.backends.append(backend)
    gateway.service("echo", backend.upstream.port, H2C)
    gateway.route(TO_ECHO)
    gateway.workers = 1
    policy(gateway, f"  http2ProtocolOptions: {{connectionKeepalive: {keepalive}}}\n")
    gateway.start()
    return backend


def a_half_dead_connection_is_found_out_and_replaced(gateway):
    backend = http2(gateway, "{timeout: 300ms, interval: 100ms}")
    assert get(gateway.port, "/")[0] == 204
    backend.frozen.set()
    status, _, body = get(gateway.port, "/", method="POST", timeout=5)
    assert status == 502, (status, body)
    wait_for(lambda: metric(gateway, "envoy_cluster_http2_keepalive_timeout") == 1, "the end is counted")
    assert get(gateway.port, "/")[0] == 204
    assert backend.upstream.connections == 2, backend.upstream.connections


def a_connection_that_answers_is_kept(gateway):
    backend = http2(gateway, "{timeout: 2s, interval: 50ms}")
    assert get(gateway.port, "/")[0] == 204
    wait_for(lambda: backend.pings >= 5, "five PINGs have been answered")
    assert get(gateway.port, "/")[0] == 204
    assert backend.upstream.connections == 1, backend.upstream.connections
    assert metric(gateway, "envoy_cluster_http2_keepalive_timeout") in (0, None)


def dump(gateway, section, element):
    configs = json.loads(get(gateway.admin, "/config_dump")[2])["configs"]
    found = next(one for one in configs if one["@type"].endswith("." + section))
    return [one for one in found[element]]


def cluster(gateway):
    return next(one["cluster"] for one in dump(gateway, "ClustersConfigDump", "dynamic_active_clusters") if "echo" in one["cluster"]["name"])


OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def the_dump_has_the_settings_of_connections(gateway):
    gateway.backend()
    gateway.route(TO_ECHO)
    policy(gateway, """  connectTimeout: 3s
  perConnectionBufferLimitBytes: 65536
  dns: {refreshRate: 30s, respectTTL: true}
  tcpKeepalive: {keepAliveProbes: 3, keepAliveTime: 30s, keepAliveInterval: 5s}
  commonHttpProtocolOptions: {idleTimeout: 10s, maxHeadersCount: 15, maxStreamDuration: 30s, maxRequestsPerConnection: 100}
  http1ProtocolOptions: {enableTrailers: true, preserveHttp1HeaderCase: true}
""")
    gateway.write("clients.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: ListenerPolicy
metadata: {name: clients}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]
  default: {tcpKeepalive: {keepAliveProbes: 3, keepAliveTime: 20m, keepAliveInterval: 60s}}
""")
    gateway.start()
    assert get(gateway.port, "/")[0] == 200
    one = cluster(gateway)
    assert one["connect_timeout"] == "3s" and one["per_connection_buffer_limit_bytes"] == 65536, one
    assert one["dns_refresh_rate"] == "30s" and one["respect_dns_ttl"] is True, one
    keepalive = one["upstream_connection_options"]["tcp_keepalive"]
    assert keepalive == {"keepalive_probes": 3, "keepalive_time": 30, "keepalive_interval": 5}, keepalive
    common = one["typed_extension_protocol_options"][OPTIONS]["common_http_protocol_options"]
    assert common == {"idle_timeout": "10s", "max_headers_count": 15, "max_stream_duration": "30s", "max_requests_per_connection": 100}, common
    listener = dump(gateway, "ListenersConfigDump", "dynamic_listeners")[0]["active_state"]["listener"]
    assert listener["tcp_keepalive"] == {"keepalive_probes": 3, "keepalive_time": 1200, "keepalive_interval": 60}, listener
    assert "without effect" not in gateway.log() and "no effect" not in gateway.log(), gateway.log()


def the_dump_has_keepalive_of_http2_and_zones(gateway):
    gateway.backend("echo", H2C)
    gateway.route(TO_ECHO)
    policy(gateway, """  http2ProtocolOptions: {connectionKeepalive: {timeout: 5s, interval: 30s, connectionIdleInterval: 60s}}
  loadBalancer: {leastRequest: {}, zoneAware: {preferLocal: {minEndpointsThreshold: 3, routingEnabled: 100, force: {minEndpointsInZoneThreshold: 2}}}}
""")
    gateway.environment["KGATEWAY_NODE_ZONE"] = "us-east-1a"
    gateway.start()
    assert get(gateway.port, "/")[0] == 200
    one = cluster(gateway)
    options = one["typed_extension_protocol_options"][OPTIONS]["explicit_http_config"]["http2_protocol_options"]
    assert options["connection_keepalive"] == {"interval": "30s", "timeout": "5s", "connection_idle_interval": "60s"}, options
    typed = one["load_balancing_policy"]["policies"][0]["typed_extension_config"]["typed_config"]
    assert typed["@type"].endswith("least_request.v3.LeastRequest"), typed
    assert typed["locality_lb_config"]["zone_aware_lb_config"] == {
        "routing_enabled": {"value": 100}, "min_cluster_size": "3", "force_local_zone": {"min_size": 2}}, typed


def a_small_buffer_still_carries_all(gateway):
    """The limit is of buffers, not of bodies."""
    gateway.backend()
    gateway.route(TO_ECHO)
    policy(gateway, "  perConnectionBufferLimitBytes: 1024\n")
    gateway.start()
    status, _, body = get(gateway.port, "/", method="POST", body=b"x" * 300_000, timeout=30)
    assert status == 200 and json.loads(body)["bodyBytes"] == 300_000, body[:300]


def a_connection_ends_with_its_time(gateway):
    def script(peer, number):
        while True:
            upstream.head(peer)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    upstream = ScriptedUpstream(script)
    gateway.backends.append(upstream)
    gateway.service("echo", upstream.port)
    gateway.route(TO_ECHO)
    gateway.workers = 1
    policy(gateway, "  commonHttpProtocolOptions: {maxConnectionDuration: 200ms}\n")
    gateway.start()
    asked, begin = 0, time.monotonic()
    while time.monotonic() - begin < 1.0:
        assert get(gateway.port, "/")[0] == 200
        asked += 1
    assert 3 <= upstream.connections <= 8 < asked, (upstream.connections, asked)
    wait_for(lambda: (metric(gateway, "envoy_cluster_upstream_cx_max_duration_reached") or 0) >= 1, "it is counted")


def a_copy_has_the_host_that_a_policy_gives_it(gateway):
    def script(peer, number):
        copies.head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    copies = ScriptedUpstream(script)
    gateway.backends.append(copies)
    gateway.service("copies", copies.port)
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n"
                  "      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copies, port: 80}}}]\n")
    gateway.write("mirror.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: m}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  requestMirror: {hostRewriteLiteral: "copies.example.com:8080"}
""")
    gateway.start()
    body = get(gateway.port, "/", host="a.example.com")[2]
    assert b"a.example.com" in body and b"copies.example.com" not in body, body
    wait_for(lambda: copies.heads, "the copy has come")
    assert b"\r\nhost: copies.example.com:8080" in copies.heads[0].lower(), copies.heads


if __name__ == "__main__":
    sys.exit(1 if main([a_half_dead_connection_is_found_out_and_replaced, a_connection_that_answers_is_kept,
                   the_dump_has_the_settings_of_connections, the_dump_has_keepalive_of_http2_and_zones,
                   a_small_buffer_still_carries_all, a_connection_ends_with_its_time,
                   a_copy_has_the_host_that_a_policy_gives_it], sys.argv[1]) else 0)
