"""The admin port, as Envoy's tools and operators use it. Usage: admin.py BINARY"""
import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import free_port, get, main, sanitized, wait_for  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = """    - matches: [{path: {value: /api}, method: POST}]
      timeouts: {request: 3s}
      backendRefs: [{name: echo, port: 80, weight: 3}, {name: other, port: 80}]
    - backendRefs: [{name: echo, port: 80}]
"""


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=a", "-keyout", f"{folder}/key.pem",
                    "-out", f"{folder}/cert.pem", "-addext", "subjectAltName=DNS:www.example.com,IP:127.0.0.1"], check=True, capture_output=True)
    return pathlib.Path(folder, "cert.pem").read_text(), pathlib.Path(folder, "key.pem").read_text()


def indented(text, by):
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def prepared(gateway, *arguments):
    gateway.backend()
    gateway.backend("other")
    gateway.route(RULES, hostnames="www.example.com")
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder)
    gateway.write("secret.yaml", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: cert}}\ntype: kubernetes.io/tls\nstringData:\n"
                                 f"  tls.crt: |\n{indented(key + cert, 4)}  tls.key: |\n{indented(key, 4)}")
    gateway.tls_port = free_port()
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: https, protocol: HTTPS, port: {gateway.tls_port}, hostname: www.example.com, tls: {{certificateRefs: [{{name: cert}}]}}}}\n"))
    gateway.arguments = list(arguments)
    gateway.start()
    return key


def page(gateway, path, status=200, **more):
    got, headers, body = get(gateway.admin, path, **more)
    assert got == status, (path, got, body[:300])
    assert headers["server"] == "tidegate" and headers["x-content-type-options"] == "nosniff" and "date" in headers, headers
    assert headers["x-frame-options"] == "DENY", headers
    assert headers["content-security-policy"] == "frame-ancestors 'none'", headers
    return body.decode()


def as_json(gateway, path, **more):
    return json.loads(page(gateway, path, **more))


def post(gateway, path, status=200, **more):
    return page(gateway, path, status, method="POST", **more)


def the_config_dump_is_what_scripts_for_envoy_read(gateway):
    key = prepared(gateway)
    configs = as_json(gateway, "/config_dump")["configs"]
    kinds = [one["@type"].rsplit(".", 1)[1] for one in configs]
    assert kinds == ["BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump", "ScopedRoutesConfigDump", "RoutesConfigDump",
                     "SecretsConfigDump", "SnapshotConfigDump"], kinds
    clusters = {one["cluster"]["name"] for one in configs[1]["dynamic_active_clusters"]}
    assert clusters == {"kube_default_echo_80", "kube_default_other_80"}, clusters
    listeners = {one["name"]: one["active_state"]["listener"] for one in configs[2]["dynamic_listeners"]}
    manager = listeners[f"listener~{gateway.port}"]["filter_chains"][0]["filters"][0]
    assert manager["name"] == "envoy.filters.network.http_connection_manager"
    assert manager["typed_config"]["http_filters"][-1]["name"] == "envoy.filters.http.router"
    secure = listeners[f"listener~{gateway.tls_port}"]["filter_chains"][0]
    assert secure["filter_chain_match"]["server_names"] == ["www.example.com"] and "transport_socket" in secure
    routes = {one["route_config"]["name"]: one["route_config"] for one in configs[4]["dynamic_route_configs"]}
    host = routes[f"listener~{gateway.port}"]["virtual_hosts"][0]
    assert host["domains"] == ["www.example.com"] and host["name"] == f"listener~{gateway.port}~www_example_com"
    first = host["routes"][0]
    assert first["match"]["path_separated_prefix"] == "/api" and first["match"]["headers"][0]["name"] == ":method"
    assert first["route"]["weighted_clusters"]["clusters"][0] == {"name": "kube_default_echo_80", "weight": 3}
    assert first["route"]["timeout"] == "3s" and host["routes"][1]["route"]["cluster"] == "kube_default_echo_80"
    assert configs[5]["dynamic_active_secrets"][0]["name"] == "default/cert"
    assert configs[6]["snapshot"]["listeners"] and configs[6]["problems"] == []
    assert as_json(gateway, "/snapshot") == configs[6]["snapshot"]
    planted = key.splitlines()[1]
    for path in ("/config_dump", "/snapshot", "/configfiles", "/certs", "/api/v1/secrets", "/"):
        assert planted not in page(gateway, path), path


def the_config_dump_is_narrowed_as_in_envoy(gateway):
    prepared(gateway)
    kinds = [one["@type"].rsplit(".", 1)[1] for one in as_json(gateway, "/config_dump?include_eds")["configs"]]
    assert kinds[2] == "EndpointsConfigDump" and kinds[3] == "ListenersConfigDump"
    only = as_json(gateway, "/config_dump?resource=dynamic_active_clusters")["configs"]
    assert len(only) == 2 and only[0]["@type"].endswith("ClustersConfigDump.DynamicCluster")
    assert as_json(gateway, "/config_dump?resource=static_clusters") == {}
    assert "foo not found in config dump" in page(gateway, "/config_dump?resource=foo", 404)
    masked = as_json(gateway, "/config_dump?resource=dynamic_active_clusters&mask=cluster.name")["configs"]
    assert masked[0]["cluster"] == {"name": "kube_default_echo_80"}, masked
    both = as_json(gateway, "/config_dump?mask=dynamic_listeners.name,dynamic_listeners.active_state.version_info")["configs"][2]["dynamic_listeners"]
    assert both[0].keys() == {"name", "active_state"} and both[0]["active_state"].keys() == {"version_info"}, both
    ports = {one["listener"]["name"]: one["listener"]["address"]["socket_address"]["port_value"] for one in as_json(gateway, "/config_dump?resource=static_listeners")["configs"]}
    assert ports == {"readiness_listener": gateway.ready, "prometheus_listener": gateway.metrics}, ports
    page(gateway, "/config_dump?mask=nothing.here", 400)
    named = as_json(gateway, "/config_dump?name_regex=kube_default_o.*")["configs"]
    assert [one["cluster"]["name"] for one in named[1]["dynamic_active_clusters"]] == ["kube_default_other_80"]
    assert "dynamic_active_clusters" not in as_json(gateway, "/config_dump?name_regex=kube")["configs"][1]
    assert "name_regex" in page(gateway, "/config_dump?name_regex=%5B", 400)


def certificates_clusters_listeners_and_the_server(gateway):
    prepared(gateway)
    get(gateway.port, "/", "www.example.com")
    chain = as_json(gateway, "/certs")["certificates"][0]["cert_chain"][0]
    assert chain["path"] == "secret default/cert" and chain["days_until_expiration"] in ("89", "90"), chain
    assert chain["subject_alt_names"] == [{"dns": "www.example.com"}, {"ip_address": "127.0.0.1"}], chain
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", chain["valid_from"]), chain
    assert f"listener~{gateway.port}::127.0.0.1:{gateway.port}\n" in page(gateway, "/listeners")
    echo = f"kube_default_echo_80::127.0.0.1:{gateway.backends[0].port}"
    names = [line.rsplit("::", 2)[1] for line in page(gateway, "/clusters?filter=echo").splitlines() if line.startswith(f"{echo}::")]
    assert names == ["cx_active", "cx_connect_fail", "cx_total", "rq_active", "rq_error", "rq_pending_active", "rq_success", "rq_timeout", "rq_total", "hostname",
                     "health_flags", "weight", "region", "zone", "sub_zone", "canary", "priority", "success_rate", "local_origin_success_rate"], names
    assert f"{echo}::rq_success::1\n" in page(gateway, "/clusters") and f"{echo}::health_flags::healthy\n" in page(gateway, "/clusters")
    status = as_json(gateway, "/clusters?format=json&filter=echo")["cluster_statuses"]
    assert [one["name"] for one in status[0]["host_statuses"][0]["stats"]][-3:] == ["cx_active", "rq_active", "rq_pending_active"], status
    assert len(status) == 1 and status[0]["host_statuses"][0]["health_status"] == {"eds_health_status": "HEALTHY"}
    assert "Invalid re2 regex" in page(gateway, "/clusters?filter=%5B", 400)
    info = as_json(gateway, "/server_info")
    assert info["command_line_options"]["file_flush_interval"] == "0.100s" and info["command_line_options"]["admin_read_only"] is False, info
    commit, version, state, build, _ = info["version"].split("/")
    assert re.fullmatch("[0-9a-f]{40}", commit) and state in ("Clean", "Modified") and build in ("RELEASE", "DEBUG"), info["version"]
    if (ROOT / ".git").exists():
        assert commit != "0" * 40, "the build knows its commit"
    said = subprocess.run([gateway.binary, "version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"tidegate {version} (commit {commit[:12]}"), said
    assert f"server.version: {int(commit[:6], 16)}\n" in page(gateway, "/stats?filter=server.version")
    assert f'envoy_server_version{{}} {int(commit[:6], 16)}\n' in page(gateway, "/stats/prometheus?filter=server.version").replace("version ", "version{} ")
    assert info["state"] == "LIVE" and len(info["version"].split("/")) == 5 and info["command_line_options"]["concurrency"] == 2
    assert as_json(gateway, "/init_dump") == {} and as_json(gateway, "/runtime") == {"entries": {}, "layers": []}
    assert info["command_line_options"]["config_paths"] == [str(gateway.config)], info
    assert page(gateway, "/hot_restart_version") == "disabled"
    gateway.write("outliers.yaml", "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: BackendConfigPolicy\nmetadata: {name: outliers}\nspec:\n"
                  "  targetRefs: [{group: '', kind: Service, name: echo}]\n  outlierDetection: {consecutive5xx: 5}\n")
    wait_for(lambda: "kube_default_echo_80::outlier::success_rate_average::-1\n" in page(gateway, "/clusters"), "outlier detection is shown")


def what_is_absent_says_what_to_use_instead(gateway):
    prepared(gateway)
    for path in ("/stats/recentlookups", "/peak_heap_dump"):
        assert page(gateway, path, 501).strip()
    for path in ("/tap", "/runtime_modify?a=b", "/allocprofiler?enable=y"):
        assert post(gateway, path, 501).strip()
    assert page(gateway, "/allocprofiler?enable=y", 501).strip()
    assert "contention" in page(gateway, "/contention")
    assert page(gateway, "/nothing", 404).startswith("invalid path. admin commands are:\n")
    help_text = page(gateway, "/help")
    paths = [line.split(":")[0].split(" ")[0] for line in help_text.splitlines()[1:] if line.startswith("  /") for line in [line.strip()]]
    for path, names in (("/stats", "filter format hidden histogram_buckets invert_filter type usedonly"), ("/logging (POST)", "group level paths"), ("/init_dump", "mask"),
                        ("/stats/prometheus", "filter histogram_buckets invert_filter text_readouts usedonly")):
        described = help_text.partition(f"\n  {path}: ")[2].partition("\n  /")[0]
        assert re.findall(r"\n      (\w+): ", described) == names.split(), (path, described)
    assert paths == sorted(paths) and "/drain_listeners (POST)" in help_text, paths


def the_reference_names_every_path(gateway):
    prepared(gateway)
    known = {line.split()[0].rstrip(":") for line in page(gateway, "/help").splitlines() if line.startswith("  /")}
    rows = [line.split("|")[1] for line in (ROOT / "docs/reference/admin.md").read_text().splitlines() if line.startswith("| `/")]
    listed = {name.partition("?")[0] for row in rows for name in re.findall(r"`(/[^`]*)`", row)} - {"/help"}
    assert known <= listed, f"not in docs/reference/admin.md: {sorted(known - listed)}"
    unknown = [path for path in listed - known if get(gateway.admin, path)[0] == 404]
    assert not unknown, f"only in docs/reference/admin.md: {unknown}"


def only_post_changes_something_and_reading_takes_post_too(gateway):
    prepared(gateway)
    for path in ("/healthcheck/fail", "/quitquitquit", "/logging", "/drain_listeners", "/reset_counters", "/cpuprofiler", "/reopen_logs"):
        assert page(gateway, path, 405) == "Method GET not allowed, POST required.", path
    assert post(gateway, "/server_info")
    assert post(gateway, "/healthcheck/fail") == "OK\n" and page(gateway, "/ready", 503) == "DRAINING\n"
    assert post(gateway, "/healthcheck/ok") == "OK\n" and page(gateway, "/ready") == "LIVE\n"
    assert "  http: debug\n" in post(gateway, "/logging?http=debug")
    assert "  router: trace\n" in post(gateway, "/logging", body="paths=router:trace,http:info",
                                       headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert "  dns: info\n" in post(gateway, "/logging?paths=dns:debug,nobody:info", 400) and "  dns: info\n" in post(gateway, "/logging"), "all or nothing"
    assert post(gateway, "/logging?http=loud", 400).startswith("error: unknown logger level\n")
    assert post(gateway, "/logging?nobody=info", 400).startswith("error: unknown logger name\n")
    assert "enable" in post(gateway, "/cpuprofiler", 400)


def read_only_refuses_what_changes_something(gateway):
    prepared(gateway, "--admin-read-only")
    for path in ("/healthcheck/fail", "/quitquitquit", "/logging", "/reset_counters"):
        assert "read-only" in post(gateway, path, 403), path
    assert page(gateway, "/ready") == "LIVE\n"


def a_browser_that_another_site_uses_is_refused(gateway):
    prepared(gateway)
    mine = f"127.0.0.1:{gateway.admin}"
    for origin in ("http://evil.example.com", "null", f"http://localhost:{gateway.admin}"):
        post(gateway, "/healthcheck/fail", 403, headers={"Origin": origin})
    for site in ("cross-site", "same-site", "anything"):
        post(gateway, "/healthcheck/fail", 403, headers={"Sec-Fetch-Site": site})
        page(gateway, "/config_dump", 403, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
        page(gateway, "/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
    assert page(gateway, "/ready") == "LIVE\n"
    for site in ("same-origin", "none"):
        assert post(gateway, "/healthcheck/ok", headers={"Origin": f"http://{mine}", "Sec-Fetch-Site": site}) == "OK\n"
    for host in ("evil.example.com", f"rebound.example.com:{gateway.admin}", "localhost.example.com"):
        page(gateway, "/config_dump", 403, host=host)
    for host in ("localhost", f"localhost:{gateway.admin}", f"[::1]:{gateway.admin}", "127.0.0.1"):
        page(gateway, "/server_info", host=host)


def connections_that_say_nothing_keep_nobody_out(gateway):
    """More than each port takes at once: some silent, some that begin a request, some that take no answer."""
    prepared(gateway)
    asked = 10 if sanitized(gateway.binary) else 50
    with contextlib.ExitStack() as all_of_them:
        for port, path in ((gateway.admin, "/config_dump"), (gateway.ready, "/ready"), (gateway.metrics, "/metrics")):
            for i in range(90):
                peer = all_of_them.enter_context(socket.create_connection(("127.0.0.1", port), 5))
                peer.sendall((b"", b"GET / HTTP/1.1\r\nx: ", f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * asked)[i % 3])
            for _ in range(3):
                assert get(port, path, host="localhost")[0] == 200, path


def counters_are_reset_and_gauges_are_not(gateway):
    prepared(gateway)
    keep = http.client.HTTPConnection("127.0.0.1", gateway.port)
    keep.request("GET", "/", headers={"Host": "www.example.com"})
    keep.getresponse().read()

    def stats():
        return {one["name"]: one.get("value") for one in as_json(gateway, "/stats?format=json")["stats"] if "name" in one}
    before = stats()
    assert before["http.http.downstream_rq_total"] == 1 and before["http.http.downstream_cx_active"] == 1
    assert post(gateway, "/reset_counters") == "OK\n"
    after = stats()
    assert after["http.http.downstream_rq_total"] == 0 and after["http.http.downstream_cx_active"] == 1
    get(gateway.port, "/", "www.example.com")
    assert stats()["http.http.downstream_rq_total"] == 1
    assert "downstream_rq_total" in page(gateway, "/stats?usedonly&filter=http.http")


def stats_in_every_form(gateway):
    prepared(gateway)
    get(gateway.port, "/", "www.example.com")
    wait_for(lambda: "upstream_rq_time: P0(" in page(gateway, "/stats?filter=echo_80.upstream_rq_time"), "the request is timed")
    text = page(gateway, "/stats?filter=cluster.kube_default_echo_80")
    assert "cluster.kube_default_echo_80.upstream_rq_total: 1\n" in text and "cluster.kube_default_other" not in text
    assert "upstream_rq_time: P0(" in text and "No recorded values" in page(gateway, "/stats?filter=other_80.upstream_rq_time")
    assert "upstream_rq_time: B0.5(0," in page(gateway, "/stats?filter=echo_80.upstream_rq_time&histogram_buckets=cumulative")
    names = [line.split(": ")[0] for line in page(gateway, "/stats?type=Counters&usedonly").splitlines()]
    assert names and names == sorted(names) and not any("_active" in name for name in names)
    page(gateway, "/stats?type=Nothing", 400)
    page(gateway, "/stats?hidden=maybe", 400)
    assert page(gateway, "/stats?hidden=showonly") == "" and page(gateway, "/stats?hidden=exclude&filter=server.live") == "server.live: 1\n"
    assert "usage: /stats?format=" in page(gateway, "/stats?format=xml", 400)
    assert "Invalid re2 regex: missing ]: [" in page(gateway, "/stats?filter=%5B", 400)
    histograms = [one for one in as_json(gateway, "/stats?format=json")["stats"] if "histograms" in one][0]["histograms"]
    assert histograms["supported_quantiles"][-1] == 100
    one = next(one for one in histograms["computed_quantiles"] if one["name"] == "cluster.kube_default_echo_80.upstream_rq_time")
    assert len(one["values"]) == len(histograms["supported_quantiles"]) and one["values"][-1]["cumulative"] > 0
    detailed = as_json(gateway, "/stats?format=json&histogram_buckets=disjoint&filter=echo_80.upstream_rq_time%24")["stats"][0]["histograms"]
    assert sum(bucket["cumulative"] for bucket in detailed[0]["buckets"]) == 1
    assert "envoy_cluster_upstream_rq_total{" in page(gateway, "/stats/prometheus?usedonly&filter=cluster.kube_default_echo_80")
    summary = page(gateway, "/stats/prometheus?histogram_buckets=summary&filter=echo_80.upstream_rq_time%24")
    assert "# TYPE envoy_cluster_upstream_rq_time summary\n" in summary and 'quantile="0.999"} ' in summary and "_bucket" not in summary, summary
    page(gateway, "/stats/prometheus?histogram_buckets=disjoint", 400)


def histograms_have_their_last_interval(gateway):
    """Five seconds, as Envoy's."""
    prepared(gateway)
    name = "cluster.kube_default_echo_80.upstream_rq_time"

    def interval():
        get(gateway.port, "/", "www.example.com")
        text = page(gateway, f"/stats?filter={name}%24")
        return text if "(nan," not in text else None
    text = wait_for(interval, "quantiles of the interval", 15)
    assert text.startswith(f"{name}: P0(0,0) P25(") and "P100(nan" not in text, text
    stats = as_json(gateway, f"/stats?format=json&filter={name}%24")["stats"][0]["histograms"]["computed_quantiles"][0]["values"]
    assert all(isinstance(one["interval"], (int, float)) for one in stats), stats
    bucket = as_json(gateway, f"/stats?format=json&histogram_buckets=cumulative&filter={name}%24")["stats"][0]["histograms"][0]["buckets"][-1]
    assert 0 < bucket["interval"] <= bucket["cumulative"], bucket
    assert re.search(r" B3\.6e\+06\([1-9]\d*,\d+\)$", page(gateway, f"/stats?histogram_buckets=cumulative&filter={name}%24").strip())
    wait_for(lambda: f"{name}: P0(nan,0)" in page(gateway, f"/stats?filter={name}%24"), "then nothing came", 15)


def listeners_are_drained_in_each_way(gateway):
    prepared(gateway, "--drain-timeout", "500ms")
    keep = http.client.HTTPConnection("127.0.0.1", gateway.port)

    def ask():
        keep.request("GET", "/", headers={"Host": "www.example.com"})
        answer = keep.getresponse()
        answer.read()
        return answer.getheader("Connection")
    ask()
    assert post(gateway, "/drain_listeners?skip_exit") == "OK\n"

    def refused():
        try:
            return get(gateway.port, "/", "www.example.com") is None
        except OSError:
            return True
    assert not refused()
    post(gateway, "/drain_listeners?graceful")
    assert not refused()
    wait_for(refused, "after the drain time the port is closed")
    assert page(gateway, "/ready") == "LIVE\n" and f"listener~{gateway.port}::" in page(gateway, "/listeners")


TESTS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == "__main__"
         and value not in (certificate, indented, prepared, page, as_json, post)]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
