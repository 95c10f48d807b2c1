#pragma once

#include <atomic>
#include <boost/describe/class.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/runtime/counters.h"
#include "proxy/runtime/overload.h"

/// What is counted, one struct a kind of thing; each worker has an instance of its own. A member's
/// name is Envoy's name of the metric without its prefix (metrics.md), so that telemetry prints any
/// of them by walking the members.
namespace tidegate::proxy {

/// What filters count, a member a filter: "http.http.csrf.request_valid" in /stats.
struct FilterStats {
  struct Csrf {
    Counter missing_source_origin, request_invalid, request_valid;
  } csrf;
  struct JwtAuthn {
    Counter allowed, denied, jwks_fetch_success, jwks_fetch_failed;
  } jwt_authn;
  struct BasicAuth {
    Counter allowed, denied;
  } basic_auth;
  struct ApiKeyAuth {
    Counter allowed, unauthorized;
  } api_key_auth;
  struct OAuth2 {
    Counter oauth_success, oauth_failure, oauth_unauthorized_rq, oauth_refreshtoken_success,
        oauth_refreshtoken_failure;
  } oauth2;
  struct Acl {
    Counter blocked;
  } acl;
  struct ExtProc {
    Counter streams_started, stream_msgs_sent, stream_msgs_received, spurious_msgs_received,
        streams_closed, streams_failed, failure_mode_allowed, message_timeouts,
        rejected_header_mutations, override_message_timeout_received,
        override_message_timeout_ignored;
  } ext_proc;
  struct Tracing {
    Counter random_sampling, service_forced, client_enabled, not_traceable, health_check;
  } tracing;
};
BOOST_DESCRIBE_STRUCT(FilterStats::Csrf, (),
                      (missing_source_origin, request_invalid, request_valid))
BOOST_DESCRIBE_STRUCT(FilterStats::JwtAuthn, (),
                      (allowed, denied, jwks_fetch_success, jwks_fetch_failed))
BOOST_DESCRIBE_STRUCT(FilterStats::BasicAuth, (), (allowed, denied))
BOOST_DESCRIBE_STRUCT(FilterStats::ApiKeyAuth, (), (allowed, unauthorized))
BOOST_DESCRIBE_STRUCT(FilterStats::OAuth2, (),
                      (oauth_success, oauth_failure, oauth_unauthorized_rq,
                       oauth_refreshtoken_success, oauth_refreshtoken_failure))
BOOST_DESCRIBE_STRUCT(FilterStats::Acl, (), (blocked))
BOOST_DESCRIBE_STRUCT(FilterStats::ExtProc, (),
                      (streams_started, stream_msgs_sent, stream_msgs_received,
                       spurious_msgs_received, streams_closed, streams_failed, failure_mode_allowed,
                       message_timeouts, rejected_header_mutations,
                       override_message_timeout_received, override_message_timeout_ignored))
BOOST_DESCRIBE_STRUCT(FilterStats::Tracing, (),
                      (random_sampling, service_forced, client_enabled, not_traceable,
                       health_check))
BOOST_DESCRIBE_STRUCT(FilterStats, (),
                      (csrf, jwt_authn, basic_auth, api_key_auth, oauth2, acl, ext_proc, tracing))

/// Why redirects of backends went to the client. Also `envoy_http_…`.
struct RedirectStats {
  Counter passthrough_internal_redirect_bad_location, passthrough_internal_redirect_unsafe_scheme,
      passthrough_internal_redirect_too_many_redirects, passthrough_internal_redirect_no_route;
};
BOOST_DESCRIBE_STRUCT(RedirectStats, (),
                      (passthrough_internal_redirect_bad_location,
                       passthrough_internal_redirect_unsafe_scheme,
                       passthrough_internal_redirect_too_many_redirects,
                       passthrough_internal_redirect_no_route))

/// `envoy_http_…{envoy_http_conn_manager_prefix}`
struct HttpStats : FilterStats, RedirectStats {
  Counter downstream_cx_total, downstream_cx_http1_total, downstream_cx_http2_total,
      downstream_cx_ssl_total, downstream_cx_upgrades_total;
  Gauge downstream_cx_active, downstream_cx_http1_active, downstream_cx_http2_active,
      downstream_cx_ssl_active, downstream_cx_upgrades_active;
  Counter downstream_cx_destroy, downstream_cx_destroy_local, downstream_cx_destroy_remote,
      downstream_cx_protocol_error, downstream_cx_rx_bytes_total, downstream_cx_tx_bytes_total,
      downstream_cx_drain_close, downstream_cx_idle_timeout;
  Histogram downstream_cx_length_ms;
  Counter downstream_rq_total, downstream_rq_http1_total, downstream_rq_http2_total;
  Gauge downstream_rq_active;
  Counter downstream_rq_completed;
  std::array<Counter, 5> downstream_rq_xx;  // by class: index 0 is 1xx
  Histogram downstream_rq_time;             // ms
  Counter downstream_rq_rx_reset, downstream_rq_tx_reset, downstream_rq_response_before_rq_complete,
      downstream_rq_timeout, downstream_rq_header_timeout, downstream_rq_idle_timeout,
      downstream_rq_too_large, downstream_rq_non_relative_path,
      downstream_rq_failed_path_normalization, downstream_rq_ws_on_non_ws_route,
      downstream_rq_too_many_premature_resets, downstream_rq_overload_close;
  Counter rq_total, no_route, no_cluster, rq_direct_response,
      rq_reset_after_downstream_response_started;
  Counter rbac_allowed, rbac_denied;
  Counter fault_aborts_injected, fault_delays_injected, fault_response_rl_injected,
      fault_faults_overflow;
  Gauge fault_active_faults;
};
BOOST_DESCRIBE_STRUCT(
    HttpStats, (FilterStats, RedirectStats),
    (downstream_cx_total, downstream_cx_http1_total, downstream_cx_http2_total,
     downstream_cx_ssl_total, downstream_cx_upgrades_total, downstream_cx_active,
     downstream_cx_http1_active, downstream_cx_http2_active, downstream_cx_ssl_active,
     downstream_cx_upgrades_active, downstream_cx_destroy, downstream_cx_destroy_local,
     downstream_cx_destroy_remote, downstream_cx_protocol_error, downstream_cx_rx_bytes_total,
     downstream_cx_tx_bytes_total, downstream_cx_drain_close, downstream_cx_idle_timeout,
     downstream_cx_length_ms, downstream_rq_total, downstream_rq_http1_total,
     downstream_rq_http2_total, downstream_rq_active, downstream_rq_completed, downstream_rq_xx,
     downstream_rq_time, downstream_rq_rx_reset, downstream_rq_tx_reset,
     downstream_rq_response_before_rq_complete, downstream_rq_timeout, downstream_rq_header_timeout,
     downstream_rq_idle_timeout, downstream_rq_too_large, downstream_rq_non_relative_path,
     downstream_rq_failed_path_normalization, downstream_rq_ws_on_non_ws_route,
     downstream_rq_too_many_premature_resets, downstream_rq_overload_close, rq_total, no_route,
     no_cluster, rq_direct_response, rq_reset_after_downstream_response_started, rbac_allowed,
     rbac_denied, fault_aborts_injected, fault_delays_injected, fault_response_rl_injected,
     fault_faults_overflow, fault_active_faults))

/// `envoy_listener_…{envoy_listener_address}`
struct ListenerStats {
  Counter downstream_cx_total, downstream_cx_destroy;
  Gauge downstream_cx_active;
  Histogram downstream_cx_length_ms;
  Counter downstream_cx_transport_socket_connect_timeout, no_filter_chain_match, ssl_handshake,
      ssl_session_reused, ssl_connection_error, downstream_cx_proxy_proto_error,
      downstream_cx_overload_reject, downstream_global_cx_overflow;
};
BOOST_DESCRIBE_STRUCT(ListenerStats, (),
                      (downstream_cx_total, downstream_cx_destroy, downstream_cx_active,
                       downstream_cx_length_ms, downstream_cx_transport_socket_connect_timeout,
                       no_filter_chain_match, ssl_handshake, ssl_session_reused,
                       ssl_connection_error, downstream_cx_proxy_proto_error,
                       downstream_cx_overload_reject, downstream_global_cx_overflow))

/// `envoy_tcp_…{envoy_tcp_prefix}`: connections of TCPRoutes and TLSRoutes.
struct TcpStats {
  Counter downstream_cx_total, downstream_cx_no_route, downstream_cx_rx_bytes_total,
      downstream_cx_tx_bytes_total, idle_timeout;
};
BOOST_DESCRIBE_STRUCT(TcpStats, (),
                      (downstream_cx_total, downstream_cx_no_route, downstream_cx_rx_bytes_total,
                       downstream_cx_tx_bytes_total, idle_timeout))

/// `envoy_udp_…{envoy_udp_prefix}`: sessions of UDPRoutes. rx: from the client; tx: to it.
struct UdpStats {
  Counter downstream_sess_total, downstream_sess_no_route, downstream_sess_overflow,
      downstream_sess_rx_bytes, downstream_sess_rx_datagrams, downstream_sess_tx_bytes,
      downstream_sess_tx_datagrams, downstream_sess_tx_errors, idle_timeout;
  Gauge downstream_sess_active;
};
BOOST_DESCRIBE_STRUCT(UdpStats, (),
                      (downstream_sess_total, downstream_sess_no_route, downstream_sess_overflow,
                       downstream_sess_rx_bytes, downstream_sess_rx_datagrams,
                       downstream_sess_tx_bytes, downstream_sess_tx_datagrams,
                       downstream_sess_tx_errors, idle_timeout, downstream_sess_active))

/// `envoy_cluster_…{envoy_cluster_name}`
struct ClusterStats {
  Counter upstream_rq_total;
  Gauge upstream_rq_active, upstream_rq_pending_active;
  Counter upstream_rq_completed;
  std::array<Counter, 5> upstream_rq_xx;
  Histogram upstream_rq_time;  // ms
  Counter upstream_rq_pending_total, upstream_rq_pending_overflow,
      upstream_rq_pending_failure_eject, upstream_rq_cancelled, upstream_rq_timeout,
      upstream_rq_per_try_timeout, upstream_rq_rx_reset, upstream_rq_tx_reset, upstream_rq_retry,
      upstream_rq_retry_success, upstream_rq_retry_limit_exceeded, upstream_rq_retry_overflow;
  Counter upstream_cx_total, upstream_cx_http1_total, upstream_cx_http2_total;
  Gauge upstream_cx_active;
  Counter upstream_cx_connect_fail, upstream_cx_connect_timeout, upstream_cx_destroy,
      upstream_cx_destroy_local, upstream_cx_destroy_remote, upstream_cx_idle_timeout,
      upstream_cx_protocol_error, upstream_cx_overflow, upstream_cx_none_healthy,
      upstream_cx_rx_bytes_total, upstream_cx_tx_bytes_total;
  Counter upstream_internal_redirect_succeeded_total, upstream_internal_redirect_failed_total;
  Counter upstream_cx_max_requests, lb_healthy_panic, lb_zone_routing_sampled,
      lb_zone_routing_cross_zone;
  Histogram upstream_cx_connect_ms, upstream_cx_length_ms;
};
BOOST_DESCRIBE_STRUCT(
    ClusterStats, (),
    (upstream_rq_total, upstream_rq_active, upstream_rq_pending_active, upstream_rq_completed,
     upstream_rq_xx, upstream_rq_time, upstream_rq_pending_total, upstream_rq_pending_overflow,
     upstream_rq_pending_failure_eject, upstream_rq_cancelled, upstream_rq_timeout,
     upstream_rq_per_try_timeout, upstream_rq_rx_reset, upstream_rq_tx_reset, upstream_rq_retry,
     upstream_rq_retry_success, upstream_rq_retry_limit_exceeded, upstream_rq_retry_overflow,
     upstream_cx_total, upstream_cx_http1_total, upstream_cx_http2_total, upstream_cx_active,
     upstream_cx_connect_fail, upstream_cx_connect_timeout, upstream_cx_destroy,
     upstream_cx_destroy_local, upstream_cx_destroy_remote, upstream_cx_idle_timeout,
     upstream_cx_protocol_error, upstream_cx_overflow, upstream_cx_none_healthy,
     upstream_cx_rx_bytes_total, upstream_cx_tx_bytes_total,
     upstream_internal_redirect_succeeded_total, upstream_internal_redirect_failed_total,
     upstream_cx_max_requests, lb_healthy_panic, lb_zone_routing_sampled,
     lb_zone_routing_cross_zone, upstream_cx_connect_ms, upstream_cx_length_ms))

/// `envoy_vhost_route_…{envoy_virtual_host,envoy_route}`: requests of rules with a stat prefix.
struct RouteStats {
  Counter upstream_rq_total, upstream_rq_completed;
  std::array<Counter, 5> upstream_rq_xx;
  Counter upstream_rq_retry, upstream_rq_timeout;
  Histogram upstream_rq_time;  // ms
};
BOOST_DESCRIBE_STRUCT(RouteStats, (),
                      (upstream_rq_total, upstream_rq_completed, upstream_rq_xx, upstream_rq_retry,
                       upstream_rq_timeout, upstream_rq_time))

/// `envoy_cluster_…` of clusters whose endpoints' health is looked at; written by the control
/// thread. The first word of a name has a dot behind it in /stats (health_check.attempt).
struct HealthStats {
  Gauge membership_total, membership_healthy;
  Counter health_check_attempt, health_check_success, health_check_failure;
  Gauge outlier_detection_ejections_active;
  Counter outlier_detection_ejections_consecutive_5xx,
      outlier_detection_ejections_enforced_consecutive_5xx,
      outlier_detection_ejections_enforced_total, outlier_detection_ejections_overflow;
};
BOOST_DESCRIBE_STRUCT(HealthStats, (),
                      (membership_total, membership_healthy, health_check_attempt,
                       health_check_success, health_check_failure,
                       outlier_detection_ejections_active,
                       outlier_detection_ejections_consecutive_5xx,
                       outlier_detection_ejections_enforced_consecutive_5xx,
                       outlier_detection_ejections_enforced_total,
                       outlier_detection_ejections_overflow))

/// What a cluster has at a time over all workers, and may have: circuit breakers that a policy asks
/// for. Workers contend for it, so no other cluster has one.
struct ClusterLimits {
  std::atomic<std::uint32_t> connections_max{1024}, pending_max{1024}, requests_max{1024},
      retries_max{3};
  std::atomic<std::uint32_t> connections{0}, pending{0}, requests{0}, retries{0};
  std::atomic<bool> active{false};  // a policy asks for them now
  std::atomic<bool> track_remaining{false};
};

/// What is sent to the collectors of spans and log entries, a member as Envoy names it:
/// `envoy_tracing_opentelemetry_…`, `envoy_access_logs_{open_telemetry,grpc}_access_log_…`.
struct TracingStats {
  Counter spans_sent, spans_dropped, timer_flushed;
};
BOOST_DESCRIBE_STRUCT(TracingStats, (), (spans_sent, spans_dropped, timer_flushed))
struct RemoteLogStats {
  Counter logs_written, logs_dropped;
};
BOOST_DESCRIBE_STRUCT(RemoteLogStats, (), (logs_written, logs_dropped))
/// `tidegate_telemetry_…{sink}`: the same by collector.
struct ExportStats {
  Counter items_sent_total, items_dropped_total, calls_failed_total;
  Gauge queue_items;
};
BOOST_DESCRIBE_STRUCT(ExportStats, (),
                      (items_sent_total, items_dropped_total, calls_failed_total, queue_items))

/// What /clusters shows of one address.
struct EndpointStats {
  Gauge cx_active;
  Counter cx_connect_fail, cx_total;
  Gauge rq_active;
  Counter rq_error, rq_success, rq_timeout, rq_total;
};
BOOST_DESCRIBE_STRUCT(EndpointStats, (),
                      (cx_active, cx_connect_fail, cx_total, rq_active, rq_error, rq_success,
                       rq_timeout, rq_total))

/// The instances of all workers for one thing of one name. Made by the control thread, kept while
/// the process lives, so a counter never goes back when a snapshot changes.
template <class Stats>
using PerWorker = std::vector<std::unique_ptr<Stats>>;

/// All counters, by the name of what they count. Control thread; workers get pointers to their own
/// instances.
class StatsStore {
 public:
  explicit StatsStore(std::size_t workers) : workers_(workers) { http(); }

  Overload& overload() { return overload_; }
  const Overload& overload() const { return overload_; }
  PerWorker<HttpStats>& http() { return get(http_, std::string("http")); }
  PerWorker<ListenerStats>& listener(const std::string& address) {
    return get(listeners_, address);
  }
  PerWorker<TcpStats>& tcp(const std::string& prefix) { return get(tcp_, prefix); }
  PerWorker<UdpStats>& udp(const std::string& prefix) { return get(udp_, prefix); }
  PerWorker<ClusterStats>& cluster(const std::string& name) { return get(clusters_, name); }
  /// Null where there are as many already as are kept: names come from the configuration.
  PerWorker<RouteStats>* route(const std::string& virtual_host, const std::string& prefix) {
    constexpr std::size_t kMost = 4096;
    const std::pair<std::string, std::string> key(virtual_host, prefix);
    if (routes_.size() >= kMost && !routes_.contains(key)) return nullptr;
    return &get(routes_, key);
  }
  HealthStats& health(const std::string& name) {
    PerWorker<HealthStats>& one = health_[name];
    if (one.empty()) one.push_back(std::make_unique<HealthStats>());
    return *one[0];
  }
  ClusterLimits& limits(const std::string& name) { return limits_[name]; }
  PerWorker<TracingStats>& tracing() { return get(tracing_, std::string("opentelemetry")); }
  /// "open_telemetry_access_log" or "grpc_access_log".
  PerWorker<RemoteLogStats>& remote_logs(const std::string& name) { return get(logs_, name); }
  PerWorker<ExportStats>& exports(const std::string& sink) { return get(exports_, sink); }
  /// Key: cluster name, space, "IP:PORT".
  PerWorker<EndpointStats>& endpoint(const std::string& key) { return get(endpoints_, key); }

  const std::map<std::string, PerWorker<HttpStats>>& all_http() const { return http_; }
  const std::map<std::string, PerWorker<ListenerStats>>& all_listeners() const {
    return listeners_;
  }
  const std::map<std::string, PerWorker<TcpStats>>& all_tcp() const { return tcp_; }
  const std::map<std::string, PerWorker<UdpStats>>& all_udp() const { return udp_; }
  const std::map<std::string, PerWorker<ClusterStats>>& all_clusters() const { return clusters_; }
  /// By virtual host and prefix.
  const std::map<std::pair<std::string, std::string>, PerWorker<RouteStats>>& all_routes() const {
    return routes_;
  }
  const std::map<std::string, PerWorker<HealthStats>>& all_health() const { return health_; }
  const std::map<std::string, ClusterLimits>& all_limits() const { return limits_; }
  const std::map<std::string, PerWorker<TracingStats>>& all_tracing() const { return tracing_; }
  const std::map<std::string, PerWorker<RemoteLogStats>>& all_remote_logs() const { return logs_; }
  const std::map<std::string, PerWorker<ExportStats>>& all_exports() const { return exports_; }
  const std::map<std::string, PerWorker<EndpointStats>>& all_endpoints() const {
    return endpoints_;
  }

 private:
  template <class Key, class Stats>
  PerWorker<Stats>& get(std::map<Key, PerWorker<Stats>>& all, const Key& name) {
    PerWorker<Stats>& found = all[name];
    while (found.size() < workers_) found.push_back(std::make_unique<Stats>());
    return found;
  }
  std::size_t workers_;
  Overload overload_;
  std::map<std::string, PerWorker<HttpStats>> http_;
  std::map<std::string, PerWorker<ListenerStats>> listeners_;
  std::map<std::string, PerWorker<TcpStats>> tcp_;
  std::map<std::string, PerWorker<UdpStats>> udp_;
  std::map<std::string, PerWorker<ClusterStats>> clusters_;
  std::map<std::string, PerWorker<TracingStats>> tracing_;
  std::map<std::string, PerWorker<RemoteLogStats>> logs_;
  std::map<std::string, PerWorker<ExportStats>> exports_;
  std::map<std::string, PerWorker<EndpointStats>> endpoints_;
  std::map<std::pair<std::string, std::string>, PerWorker<RouteStats>> routes_;
  std::map<std::string, PerWorker<HealthStats>> health_;  // one instance each
  std::map<std::string, ClusterLimits> limits_;
};

}  // namespace tidegate::proxy
