"""The metrics port: what Prometheus and promtool make of it. Usage: metrics.py BINARY"""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
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


TESTS = [the_names_that_dashboards_ask_for_are_there, no_series_is_told_twice, openmetrics_ends_with_its_mark]

if __name__ == "__main__":
    if not PROMTOOL:
        print("SKIP promtool's check: promtool is not on the PATH (Debian: prometheus)", flush=True)
    sys.exit(1 if main(TESTS + ([promtool_finds_nothing_wrong] if PROMTOOL else []), sys.argv[1]) else 0)
