"""The metrics port: what Prometheus and promtool make of it. Usage: metrics.py BINARY"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import get, main  # noqa: E402

TO_ECHO = "    - backendRefs: [{name: echo, port: 80}]\n"
PROMTOOL = shutil.which("promtool")


def scraped(gateway, **headers):
    status, _, body = get(gateway.metrics, "/metrics", headers=headers)
    assert status == 200
    return body.decode()


def prepared(gateway):
    gateway.backend()
    gateway.route(TO_ECHO, hostnames="www.example.com")
    gateway.start()
    for _ in range(3):
        get(gateway.port, "/", "www.example.com")


def names(text):
    return set(re.findall(r"^([a-zA-Z_:][\w:]*)", re.sub(r"^#.*$", "", text, flags=re.M), flags=re.M))


def the_names_that_dashboards_ask_for_are_there(gateway):
    prepared(gateway)
    text = scraped(gateway)
    missing = {"envoy_server_live", "envoy_server_uptime", "envoy_server_memory_allocated", "envoy_server_memory_heap_size", "envoy_server_concurrency",
               "envoy_server_days_until_first_cert_expiring", "envoy_cluster_manager_active_clusters", "envoy_cluster_upstream_rq_time_bucket", "envoy_cluster_upstream_rq_total",
               "envoy_http_downstream_rq_total", "envoy_http_downstream_rq_xx", "envoy_listener_downstream_cx_active",
               "envoy_listener_manager_total_listeners_active", "process_cpu_seconds_total", "process_open_fds",
               "kgateway_controller_reconciliations_total", "kgateway_controller_reconcile_duration_seconds_bucket",
               "kgateway_translator_translations_total", "kgateway_translator_translation_duration_seconds_bucket",
               "kgateway_status_syncer_status_syncs_total", "kgateway_resources_managed", "kgateway_routing_domains",
               "kgateway_xds_snapshot_syncs_total", "kgateway_xds_snapshot_resources", "tidegate_config_files", "tidegate_snapshot_version",
               "tidegate_config_problems"} - names(text)
    assert not missing, missing
    assert 'kgateway_resources_managed{namespace="default",parent="g",resource="HTTPRoute"} 1' in text, text


def no_series_is_told_twice(gateway):
    prepared(gateway)
    for accept in ("text/plain", "application/openmetrics-text"):
        lines = [line.rsplit(" ", 1)[0] for line in scraped(gateway, Accept=accept).splitlines() if line and line[0] != "#"]
        twice = {line for line in lines if lines.count(line) > 1}
        assert not twice, twice


def openmetrics_ends_with_its_mark(gateway):
    prepared(gateway)
    assert scraped(gateway, Accept="application/openmetrics-text").endswith("# EOF\n")


def promtool_finds_nothing_wrong(gateway):
    prepared(gateway)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=scraped(gateway), capture_output=True, text=True)
    # Envoy's names are not all as promtool would have them; what it cannot parse is an error (status 1).
    assert done.returncode in (0, 3), (done.returncode, done.stdout, done.stderr)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("tidegate_", "process_"))]
    assert not ours, ours


def documented():
    """The names of docs/reference/metrics.md: a_{b,c} is a_b and a_c."""
    def expanded(text):
        found = re.search(r"\{([^{}]*)\}", text)
        if not found:
            return {text}
        return set().union(*(expanded(text[:found.start()] + one + text[found.end():]) for one in found.group(1).split(",")))

    page = (ROOT / "docs/reference/metrics.md").read_text().split("## Clients")[1].split("## Names of Envoy's")[0]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return set().union(*(expanded(name) for row in rows for name in re.findall(r"`([^`]+)`", row)))


# Of what this gateway has none of: they come with the configuration that the page names.
COMES_WITH = ("envoy_tcp_", "envoy_udp_", "envoy_vhost_route_", "envoy_tracing_", "envoy_access_logs_", "tidegate_telemetry_", "tidegate_access_log_",
              "envoy_cluster_circuit_breakers_", "envoy_cluster_health_check_", "envoy_cluster_outlier_detection_",
              "envoy_listener_ssl_certificate_", "gatewayapi_", "tidegate_config_objects_invalid")


def the_reference_and_the_binary_name_the_same(gateway):
    prepared(gateway)
    families = set()
    for port, path in ((gateway.admin, "/stats/prometheus"), (gateway.metrics, "/metrics")):
        families |= set(re.findall(r"^# TYPE (\S+) ", get(port, path)[2].decode(), flags=re.M))
    listed = documented()
    assert len(listed) > 250, len(listed)
    assert families <= listed, f"not in docs/reference/metrics.md: {sorted(families - listed)}"
    missing = {name for name in listed - families if not name.startswith(COMES_WITH)}
    dynamic = {f"envoy_{of}_ssl_{what}" for of in ("listener", "cluster") for what in ("versions", "ciphers", "curves")}
    dynamic |= {"envoy_cluster_upstream_rq", "envoy_cluster_retry_upstream_rq"}  # by what there was
    assert missing <= dynamic, f"only in docs/reference/metrics.md: {sorted(missing - dynamic)}"


def one_gateway_is_a_label(gateway):
    gateway.arguments = ["--gateway", "default/g"]
    prepared(gateway)
    wanted = 'envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="http",gateway_networking_k8s_io_gateway_name="g"} 3'
    assert wanted in scraped(gateway), scraped(gateway)
    assert "gateway_networking" not in get(gateway.admin, "/stats/prometheus")[2].decode()


def all_clusters_tell_their_members_and_objects_their_state(gateway):
    gateway.service("gone", 1)
    prepared(gateway)
    gateway.route("    - backendRefs: [{name: gone, port: 80}]\n", name="gone", hostnames="gone.example.com")
    gateway.wait_for_route(host="gone.example.com", status=502)
    text = scraped(gateway)
    for line in ('envoy_cluster_membership_total{envoy_cluster_name="kube_default_echo_80"} 1',
                 'envoy_cluster_membership_healthy{envoy_cluster_name="kube_default_gone_80"} 1',
                 'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="kube_default_echo_80"} 3',
                 'envoy_cluster_upstream_rq_pending_failure_eject{envoy_cluster_name="kube_default_gone_80"} ',
                 f'envoy_listener_http_downstream_rq_xx{{envoy_response_code_class="2",envoy_listener_address="127.0.0.1_{gateway.port}"}} 3',
                 "envoy_cluster_manager_cluster_added 2", "envoy_listener_manager_listener_added 1",
                 'gatewayapi_gateway_info{namespace="default",name="g",gatewayclass="tidegate"} 1',
                 'gatewayapi_gateway_status{namespace="default",name="g",type="Programmed"} 1',
                 'gatewayapi_gateway_status_listener_attached_routes{namespace="default",name="g",listener_name="http"} 2',
                 'gatewayapi_httproute_hostname_info{namespace="default",name="route",hostname="www.example.com"} 1',
                 'gatewayapi_httproute_status_parent_info{namespace="default",name="route",parent_group="gateway.networking.k8s.io",'
                 'parent_kind="Gateway",parent_name="g",parent_namespace="default",parent_section_name="",parent_port=""} 1',
                 'kgateway_status_syncer_status_syncs_total{name="g",namespace="default",syncer="RouteStatusSyncer",result="success"} '):
        assert line in text, (line, text)


TESTS = [the_reference_and_the_binary_name_the_same, one_gateway_is_a_label, all_clusters_tell_their_members_and_objects_their_state, the_names_that_dashboards_ask_for_are_there, no_series_is_told_twice, openmetrics_ends_with_its_mark]

if __name__ == "__main__":
    if not PROMTOOL:
        print("SKIP promtool's check: promtool is not on the PATH (Debian: prometheus)", flush=True)
    sys.exit(1 if main(TESTS + ([promtool_finds_nothing_wrong] if PROMTOOL else []), sys.argv[1]) else 0)
