#!/usr/bin/env python3
"""TCP connections carried to a backend and back (TCPRoute), beside HAProxy, Envoy, and nginx where its stream module is installed:
HTTP/1.1 requests on kept connections, of which none of them knows anything. Same bytes, same cores, rounds in turn; CPU a
request is the figure.

    bench/tcp.py build/release/tidegate [--rounds N] [--seconds S]

Needs ../shared/bench with what it needs (its topology, load generator and upstream are used)."""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "..", "shared", "bench"))
sys.dont_write_bytecode = True
from tidebench import processes, topology as t  # noqa: E402
from tidebench.bench import Bench, build_tools, make_certificate  # noqa: E402
from tidebench.contestants.base import Context  # noqa: E402
from tidebench.contestants.envoy import TYPE, Envoy, address  # noqa: E402
from tidebench.contestants.haproxy import Haproxy  # noqa: E402
from tidebench.contestants.nginx import Nginx  # noqa: E402
from tidebench.contestants.tidegate import GATEWAY, Tidegate, document, text  # noqa: E402

NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class TcpTidegate(Tidegate):
    def files(self, topology):
        service = topology.services[0]
        return {"config/all.yaml": text(
            document(GATEWAY + "/v1", "Gateway", "bench", {"gatewayClassName": "kgateway", "listeners": [
                {"name": "main", "port": self.port, "protocol": "TCP", "allowedRoutes": {"kinds": [{"kind": "TCPRoute"}]}}]}),
            document(GATEWAY + "/v1alpha2", "TCPRoute", "only", {"parentRefs": [{"name": "bench"}], "rules": [
                {"backendRefs": [{"name": service.name, "port": 80}]}]}),
            *self.service(service, topology))}


class TcpHaproxy(Haproxy):
    def files(self, topology):
        service = topology.services[0]
        return {"haproxy.cfg": f"""\
global
  nbthread 1
  maxconn {self.context.connections}
  no strict-limits
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen main
  bind 127.0.0.1:{self.port}
  server only {service.address}:{service.port}
"""}


class TcpNginx(Nginx):
    def files(self, topology):
        service = topology.services[0]
        return {"nginx.conf": f"""\
load_module {NGINX_MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections {self.context.connections + 1000}; }}
stream {{
  tcp_nodelay on;
  proxy_timeout 1h;
  server {{ listen 127.0.0.1:{self.port}; proxy_pass {service.address}:{service.port}; }}
}}
"""}


class TcpEnvoy(Envoy):
    def files(self, topology):
        relay = {"name": "relay", "typed_config": {"@type": TYPE + "extensions.filters.network.tcp_proxy.v3.TcpProxy",
                                                   "stat_prefix": "main", "cluster": topology.services[0].name}}
        listener = {"name": "main", "address": address("127.0.0.1", self.port), "filter_chains": [{"filters": [relay]}]}
        return {"envoy.json": json.dumps({"node": {"id": "bench", "cluster": "bench"}, "static_resources": {
            "listeners": [listener], "clusters": [self.cluster(topology.services[0])]}})}


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("binary")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="tidegate-tcp-")
    os.sched_setaffinity(0, {processes.LOAD_CPU})
    try:
        tools = build_tools()
        certificate, key = make_certificate(work)
        context = Context(work, certificate, key, tools, os.path.abspath(a.binary))
        bench = Bench(work, tools, a.seconds, 0, 0, 0)
        request = t.request("/")
        base = t.one_route(bench.service())
        topology = t.Topology(base.services, base.routes, checks=(t.Check(request),))
        kinds = [TcpTidegate] + [k for k in (TcpEnvoy, TcpNginx, TcpHaproxy)
                                 if k.find(context) and (k is not TcpNginx or os.path.exists(NGINX_MODULE))]
        instances = [kind(context, topology) for kind in kinds]
        samples = [[] for _ in kinds]
        for one in instances:
            one.start()
            bench.load(one, [request], seconds=0.5)
        for r in range(a.rounds):
            for i in [(r + k) % len(kinds) for k in range(len(kinds))]:
                result = bench.load(instances[i], [request])
                if result["failed"]:
                    raise SystemExit(f"{kinds[i].name}: {result['failed']} failed requests")
                samples[i].append((result["cpu_us"], result["user_us"], result["rps"]))
        for one in instances:
            one.stop()
        figures = [[statistics.median(s[k] for s in sample) for k in range(3)] for sample in samples]
        best = min(f[0] for f in figures[1:]) if len(figures) > 1 else figures[0][0]
        print("| | CPU a request, µs (user) | requests/s | ratio to the best peer |\n|---|---|---|---|")
        for kind, f in zip(kinds, figures):
            print(f"| {kind.name} | {f[0]:.1f} ({f[1]:.1f}) | {f[2]:,.0f} | {f[0] / best:.2f} |")
    finally:
        processes.stop_all()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
