"""kgateway's guide to global rate limits: a rate limit service on grpcio that counts in a real Redis. Usage: global_rate_limit.py BINARY"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from rate_limit_service import RateLimitService, RedisServer  # noqa: E402
from gateway import SERVICE, Gateway, get, main, wait_for  # noqa: E402

# Those of the guide; a second one besides.
LIMITS = {
    "remote_address": ("minute", 1),
    "path=/path1": ("minute", 1),
    "path=/path2": ("minute", 2),
    "X-User-ID": ("minute", 1),
    "X-User-ID=user1": ("minute", 3),
    "service=premium-api": ("minute", 2),
    "path=/path1,X-User-ID=user1": ("minute", 2),
    "plan=trial": ("hour", 1),
}
NOON = 1_700_000_040.0  # a full minute


def grants(gateway, *namespaces):
    gateway.write("grant.yaml", "---\n".join(f"""apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {{name: limits, namespace: services}}
spec:
  from: [{{group: gateway.kgateway.dev, kind: GatewayExtension, namespace: {namespace}}}]
  to: [{{group: "", kind: Service}}]
""" for namespace in namespaces))


def extension(gateway, more):
    gateway.write("extension.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayExtension
metadata: {{name: global-ratelimit}}
spec:
  type: RateLimit
  rateLimit:
    grpcService: {{backendRef: {{name: ratelimit, namespace: services, port: 80}}}}
    domain: api-gateway
    timeout: 5s
{more}""")


def policy(gateway, *descriptors, local=""):
    """Each descriptor is a list of entries."""
    lines = "".join(f"        - entries: [{entries}]\n" for entries in descriptors)
    gateway.write("policy.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: limits}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: g}}]
  rateLimit:
{local}    global:
      extensionRef: {{name: global-ratelimit}}
      descriptors:
{lines}""")


def serve(gateway, *descriptors, more="    failOpen: false\n", local="", granted=True):
    """Redis, the service in another namespace, and the gateway: (Redis, service)."""
    server = RedisServer()
    gateway.backends.append(server)
    service = RateLimitService(server.client, "api-gateway", LIMITS)
    service.clock = lambda: NOON
    gateway.backends.append(service)
    configure(gateway, service, *descriptors, more=more, local=local, granted=granted)
    return server, service


def configure(gateway, service, *descriptors, more="    failOpen: false\n", local="", granted=True):
    text = SERVICE.format(name="ratelimit", port=service.port, app_protocol="")
    gateway.write("service.yaml", text.replace("{name: ratelimit", "{namespace: services, name: ratelimit"))
    if granted:
        grants(gateway, "default")
    extension(gateway, more)
    policy(gateway, *descriptors, local=local)
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()


def codes(gateway, count, path="/", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [get(gateway.port, path, headers=named)[0] for _ in range(count)]


def keys(server):
    return {key.decode(): int(server.client.get(key)) for key in server.client.keys("*")}


def clients_are_limited_by_their_address(gateway):
    server, service = serve(gateway, "{type: RemoteAddress}")
    assert codes(gateway, 3) == [200, 429, 429]
    code, fields, _ = get(gateway.port, "/headers")
    assert code == 429 and fields["x-envoy-ratelimited"] == "true" and "x-ratelimit-limit" not in fields, fields
    assert service.asked[0] == ("api-gateway", [[("remote_address", "127.0.0.1")]]), service.asked
    assert keys(server) == {f"api-gateway_remote_address_127.0.0.1_{int(NOON)}": 4}, keys(server)
    # The next minute has its own count, in Redis as well.
    service.clock = lambda: NOON + 59
    assert codes(gateway, 1) == [429]
    service.clock = lambda: NOON + 60
    assert codes(gateway, 2) == [200, 429] and len(keys(server)) == 2, keys(server)
    assert 0 < server.client.ttl(f"api-gateway_remote_address_127.0.0.1_{int(NOON) + 60}") <= 60


def paths_are_limited_one_by_one(gateway):
    _, service = serve(gateway, "{type: Path}")
    assert codes(gateway, 2, "/path1") == [200, 429] and codes(gateway, 3, "/path2") == [200, 200, 429]
    assert codes(gateway, 9, "/other") == [200] * 9
    assert service.asked[-1][1] == [[("path", "/other")]], service.asked[-1]


def users_are_limited_by_a_header(gateway):
    _, service = serve(gateway, '{type: Header, header: X-User-ID}')
    assert codes(gateway, 2, X_User_ID="user2") == [200, 429] and codes(gateway, 2, X_User_ID="user3") == [200, 429]
    assert codes(gateway, 4, X_User_ID="user1") == [200, 200, 200, 429]
    asked = len(service.asked)
    assert codes(gateway, 3) == [200] * 3 and len(service.asked) == asked, "who has no such header is not counted"


def entries_of_one_descriptor_count_together(gateway):
    _, service = serve(gateway, '{type: Path}, {type: Header, header: X-User-ID}')
    assert codes(gateway, 3, "/path1", X_User_ID="user1") == [200, 200, 429]
    assert codes(gateway, 3, "/path1", X_User_ID="user2") == [200] * 3 and codes(gateway, 3, "/path1") == [200] * 3
    assert service.asked[0][1] == [[("path", "/path1"), ("X-User-ID", "user1")]], service.asked[0]


def a_local_limit_stands_before_the_global_one(gateway):
    local = "    local: {tokenBucket: {maxTokens: 5, tokensPerFill: 1, fillInterval: 1000s}}\n"
    _, service = serve(gateway, '{type: Generic, generic: {key: service, value: premium-api}}', local=local)
    assert codes(gateway, 8) == [200, 200] + [429] * 6
    assert len(service.asked) == 5, "what the bucket refuses is not asked about"


def of_several_descriptors_the_strictest_counts_and_is_told(gateway):
    premium, trial = ("{type: Generic, generic: {key: service, value: premium-api}}", "{type: Generic, generic: {key: plan, value: trial}}")
    _, service = serve(gateway, premium, trial, more="    failOpen: false\n    xRateLimitHeaders: DraftVersion03\n")
    service.clock = lambda: NOON + 20
    code, fields, _ = get(gateway.port, "/")
    told = [fields["x-ratelimit-" + name] for name in ("limit", "remaining", "reset")]
    hour = 3600 - int(NOON + 20) % 3600
    assert (code, told) == (200, ["1, 2;w=60, 1;w=3600", "0", str(hour)]), (code, told)
    code, fields, _ = get(gateway.port, "/")
    assert code == 429 and fields["x-ratelimit-remaining"] == "0", (code, fields)
    # Only the trial is used up: another policy with the other descriptor goes on.
    policy(gateway, premium)
    wait_for(lambda: get(gateway.port, "/")[1]["x-ratelimit-limit"].startswith("2, 2;w=60"), "the other policy holds")


def gateways_share_what_is_counted(gateway):
    _, service = serve(gateway, "{type: RemoteAddress}")
    other = Gateway(gateway.binary, start=False)
    try:
        other.log_file = open(other.log_path, "ab")
        configure(other, service, "{type: RemoteAddress}")
        assert codes(gateway, 1) == [200] and codes(other, 2) == [429, 429] and codes(gateway, 1) == [429]
    finally:
        other.stop()


def without_redis_or_the_service_it_is_as_fail_open_says(gateway):
    server, service = serve(gateway, "{type: RemoteAddress}")
    assert codes(gateway, 2) == [200, 429]
    server.stop()
    assert codes(gateway, 2) == [500, 500]
    server.start()  # another one, that has nothing
    assert codes(gateway, 2) == [200, 429]
    service.stop()
    assert codes(gateway, 2) == [500, 500]
    extension(gateway, "    failOpen: true\n")
    gateway.wait_for_route(status=200)
    assert codes(gateway, 3) == [200] * 3
    service.begin(service.port)
    wait_for(lambda: codes(gateway, 1) == [429], "the service is found again")
    server.stop()
    assert codes(gateway, 3) == [200] * 3
    stats = get(gateway.admin, "/stats?filter=ratelimit")[2].decode()
    assert "ratelimit.over_limit" in stats and "ratelimit.failure_mode_allowed" in stats, stats


def a_service_that_says_nothing_is_one_that_is_gone(gateway):
    _, service = serve(gateway, "{type: RemoteAddress}")
    service.go_on.clear()
    extension_text = (gateway.config / "extension.yaml").read_text()
    gateway.write("extension.yaml", extension_text.replace("timeout: 5s", "timeout: 50ms"))
    gateway.wait_for_route(status=500)
    gateway.write("extension.yaml", extension_text.replace("timeout: 5s", "timeout: 50ms").replace("failOpen: false", "failOpen: true"))
    gateway.wait_for_route(status=200)


def a_service_of_another_namespace_has_to_be_granted(gateway):
    _, service = serve(gateway, "{type: Path}", granted=False)
    assert codes(gateway, 2, "/other") == [500, 500] and not service.asked, service.asked
    grants(gateway, "elsewhere")
    grants(gateway, "default")
    gateway.wait_for_route(status=200)


TESTS = [clients_are_limited_by_their_address, paths_are_limited_one_by_one, users_are_limited_by_a_header, entries_of_one_descriptor_count_together,
         a_local_limit_stands_before_the_global_one, of_several_descriptors_the_strictest_counts_and_is_told, gateways_share_what_is_counted,
         without_redis_or_the_service_it_is_as_fail_open_says, a_service_that_says_nothing_is_one_that_is_gone,
         a_service_of_another_namespace_has_to_be_granted]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
