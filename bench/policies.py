#!/usr/bin/env python3
"""Five common policies on one route, Tidegate beside Envoy: CORS, JWT (RS256), a local rate limit, a header transformation
and an access log to a file. Same requests, same answers, same cores, rounds in turn; CPU a request is the figure.

    bench/policies.py build/release/tidegate [--rounds N] [--seconds S]

Needs ../shared/bench with what it needs (its topology, load generator and upstream are used), and Envoy. Envoy has no
transformation filter of kgateway's in its own builds: `header_mutation` stands for it, which is cheaper."""
import argparse
import base64
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "..", "shared", "bench"))
sys.dont_write_bytecode = True
from tidebench import processes, topology as t  # noqa: E402
from tidebench.bench import Bench, build_tools, make_certificate  # noqa: E402
from tidebench.contestants.base import Context  # noqa: E402
from tidebench.contestants.envoy import TYPE, Envoy  # noqa: E402
from tidebench.contestants.tidegate import GATEWAY, KGATEWAY, Tidegate, document, text  # noqa: E402

ISSUER, AUDIENCE, ORIGIN = "https://issuer.example", "bench", "https://shop.example"


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_and_keys(work):
    """A token signed by a new RSA key of 2048 bits, and its key set."""
    key, data = os.path.join(work, "jwt.pem"), os.path.join(work, "jwt.txt")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout
    n = bytes.fromhex(modulus.strip().partition("=")[2])
    head = {"alg": "RS256", "kid": "k", "typ": "JWT"}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": 1700000000, "exp": 4000000000, "team": "harbour",
              "scope": "read:orders write:orders", "email": "alice@shop.example"}
    signed = f"{url64(json.dumps(head).encode())}.{url64(json.dumps(claims).encode())}"
    with open(data, "w") as f:
        f.write(signed)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, data], check=True, capture_output=True).stdout
    keys = {"keys": [{"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": url64(n), "e": "AQAB"}]}
    return f"{signed}.{url64(signature)}", json.dumps(keys)


def tidegate(keys, policies):
    def target(kind, name):
        return [{"group": GATEWAY, "kind": kind, "name": name}]

    class WithPolicies(Tidegate):
        name = "tidegate-" + "+".join(policies) if policies else "tidegate-none"

        def files(self, topology):
            extension = document(KGATEWAY + "/v1alpha1", "GatewayExtension", "tokens", {"jwt": {"providers": [{
                "name": "issuer", "issuer": ISSUER, "audiences": [AUDIENCE], "claimsToHeaders": [{"name": "sub", "header": "x-user"}],
                "jwks": {"local": {"inline": keys}}}]}})
            spec = {"cors": {"allowOrigins": [ORIGIN], "allowMethods": ["GET"], "allowHeaders": ["x-a"], "maxAge": 60},
                    "jwtAuth": {"extensionRef": {"name": "tokens"}},
                    "rateLimit": {"local": {"tokenBucket": {"maxTokens": 1000000000, "tokensPerFill": 1000000000, "fillInterval": "1s"}}},
                    "transformation": {"request": {"set": [{"name": "x-tenant", "value": "harbour"}], "remove": ["x-internal"]},
                                       "response": {"set": [{"name": "x-frame-options", "value": "DENY"}]}}}
            files = super().files(topology)
            chosen = {n: v for n, v in spec.items() if n in policies}
            if chosen:
                files["config/policies.yaml"] = text(extension, document(
                    KGATEWAY + "/v1alpha1", "TrafficPolicy", "five", {"targetRefs": target("HTTPRoute", "only"), **chosen}))
            if "accessLog" in policies:
                files["config/log.yaml"] = text(document(KGATEWAY + "/v1alpha1", "HTTPListenerPolicy", "log", {
                    "targetRefs": target("Gateway", "bench"), "accessLog": [{"fileSink": {
                        "path": self.path("access.log"), "stringFormat": FORMAT}}]}))
            return files
    return WithPolicies


FORMAT = ('[%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% '
          '%DURATION% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n')


def envoy(keys, policies):
    class WithPolicies(Envoy):
        name = "envoy-" + "+".join(policies) if policies else "envoy-none"
        program = "envoy"

        @classmethod
        def version(cls, context):
            return Envoy.version.__func__(Envoy, context)

        def bootstrap(self, topology):
            made = super().bootstrap(topology)
            manager = made["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]

            def filter(name, kind, **more):
                return {"name": name, "typed_config": {"@type": TYPE + "extensions.filters.http." + kind, **more}}
            filters = {
                "cors": filter("envoy.filters.http.cors", "cors.v3.Cors"),
                "jwtAuth": filter("envoy.filters.http.jwt_authn", "jwt_authn.v3.JwtAuthentication", providers={"issuer": {
                    "issuer": ISSUER, "audiences": [AUDIENCE], "forward": False, "local_jwks": {"inline_string": keys},
                    "claim_to_headers": [{"claim_name": "sub", "header_name": "x-user"}]}},
                    rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}}]),
                "rateLimit": filter("envoy.filters.http.local_ratelimit", "local_ratelimit.v3.LocalRateLimit", stat_prefix="l",
                                    token_bucket={"max_tokens": 1000000000, "tokens_per_fill": 1000000000, "fill_interval": "1s"},
                                    filter_enabled={"default_value": {"numerator": 100}}, filter_enforced={"default_value": {"numerator": 100}}),
                "transformation": filter("envoy.filters.http.header_mutation", "header_mutation.v3.HeaderMutation", mutations={
                    "request_mutations": [{"append": {"header": {"key": "x-tenant", "value": "harbour"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}},
                                          {"remove": "x-internal"}],
                    "response_mutations": [{"append": {"header": {"key": "x-frame-options", "value": "DENY"},
                                                       "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}]}),
            }
            manager["http_filters"] = [f for n, f in filters.items() if n in policies] + manager["http_filters"]
            if "accessLog" in policies:
                manager["access_log"] = [{"name": "file", "typed_config": {
                    "@type": TYPE + "extensions.access_loggers.file.v3.FileAccessLog", "path": self.path("access.log"),
                    "log_format": {"text_format_source": {"inline_string": FORMAT}}}}]
            return made

        def route(self, u):
            made = super().route(u)
            if "cors" in policies:
                made["typed_per_filter_config"] = {"envoy.filters.http.cors": {
                    "@type": TYPE + "extensions.filters.http.cors.v3.CorsPolicy", "allow_origin_string_match": [{"exact": ORIGIN}],
                    "allow_methods": "GET", "allow_headers": "x-a", "max_age": "60"}}
            return made
    return WithPolicies


ALL = ("cors", "jwtAuth", "rateLimit", "transformation", "accessLog")


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("binary")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--each", action="store_true", help="also each policy alone")
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="tidegate-policies-")
    os.sched_setaffinity(0, {processes.LOAD_CPU})
    try:
        tools = build_tools()
        certificate, key = make_certificate(work)
        context = Context(work, certificate, key, tools, os.path.abspath(a.binary))
        bench = Bench(work, tools, a.seconds, 0, 0, 0)
        token, keys = token_and_keys(work)
        headers = (("Origin", ORIGIN), ("Authorization", "Bearer " + token), ("User-Agent", "bench"), ("X-Internal", "1"))
        request = t.request("/orders/7", headers=headers)
        base = t.one_route(bench.service())
        print(f"{Envoy.find(context)} {Envoy.version(context)}\n" if Envoy.find(context) else "envoy is not installed\n", file=sys.stderr)
        print("| policies | tidegate, µs CPU a request (user) | envoy | ratio |\n|---|---|---|---|")
        for policies in [(), ALL] + ([(one,) for one in ALL] if a.each else []):
            # No figure for a wrong answer: with a token 200, without one 401.
            checks = (t.Check(request), t.Check(t.request(), 401)) if "jwtAuth" in policies else (t.Check(request),)
            topology = t.Topology(base.services, base.routes, checks=checks)
            kinds = [make(keys, policies) for make in (tidegate, envoy)]
            instances = [kind(context, topology) for kind in kinds]
            samples = [[] for _ in kinds]
            for one in instances:
                one.start()
                bench.load(one, [request], seconds=0.5)
            for r in range(a.rounds):
                for i in (range(2) if r % 2 == 0 else reversed(range(2))):
                    result = bench.load(instances[i], [request])
                    if result["failed"]:
                        raise SystemExit(f"{kinds[i].name}: {result['failed']} failed requests")
                    samples[i].append((result["cpu_us"], result["user_us"]))
            for one in instances:
                if "accessLog" in policies and not os.path.getsize(one.path("access.log")):
                    raise SystemExit(f"{one.name} wrote no access log")
                one.stop()
            ours, theirs = ([statistics.median(s[k] for s in sample) for k in (0, 1)] for sample in samples)
            name = "none" if not policies else "all five" if policies == ALL else policies[0]
            print(f"| {name} | {ours[0]:.1f} ({ours[1]:.1f}) | {theirs[0]:.1f} ({theirs[1]:.1f}) | {ours[0] / theirs[0]:.2f} |", flush=True)
    finally:
        processes.stop_all()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
