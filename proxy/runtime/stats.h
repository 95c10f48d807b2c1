#pragma once

#include <atomic>
#include <boost/describe/class.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/runtime/counters.h"
#include "proxy/runtime/dynamic_counters.h"
#include "proxy/runtime/limit_stats.h"
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
    Counter allowed, denied, jwks_fetch_success, jwks_fetch_failed, jwt_cache_hit, jwt_cache_miss;
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
  };
  Prefixed<ExtProc> ext_proc;
  struct ExtAuthz {
    Counter ok, denied, error, disabled, failure_mode_allowed;
  };
  Prefixed<ExtAuthz> ext_authz;
  struct LocalRateLimit {
    Counter enabled, enforced, ok, rate_limited;
  } local_rate_limit;
  struct Cors {
    Counter origin_valid, origin_invalid;
  } cors;
  struct Compressor {
    struct Coding {
      Counter compressed, total_uncompressed_bytes, total_compressed_bytes;
    } gzip, brotli, zstd;
    Counter not_compressed;
  } compressor;
  struct Tracing {
    Counter random_sampling, service_forced, client_enabled, not_traceable, health_check;
  } tracing;
};
BOOST_DESCRIBE_STRUCT(FilterStats::Csrf, (),
                      (missing_source_origin, request_invalid, request_valid))
BOOST_DESCRIBE_STRUCT(FilterStats::JwtAuthn, (),
                      (allowed, denied, jwks_fetch_success, jwks_fetch_failed, jwt_cache_hit,
                       jwt_cache_miss))
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
BOOST_DESCRIBE_STRUCT(FilterStats::ExtAuthz, (),
                      (ok, denied, error, disabled, failure_mode_allowed))
BOOST_DESCRIBE_STRUCT(FilterStats::LocalRateLimit, (), (enabled, enforced, ok, rate_limited))
BOOST_DESCRIBE_STRUCT(FilterStats::Cors, (), (origin_valid, origin_invalid))
BOOST_DESCRIBE_STRUCT(FilterStats::Compressor::Coding, (),
                      (compressed, total_uncompressed_bytes, total_compressed_bytes))
BOOST_DESCRIBE_STRUCT(FilterStats::Compressor, (), (gzip, brotli, zstd, not_compressed))
BOOST_DESCRIBE_STRUCT(FilterStats::Tracing, (),
                      (random_sampling, service_forced, client_enabled, not_traceable,
                       health_check))
BOOST_DESCRIBE_STRUCT(FilterStats, (),
                      (csrf, jwt_authn, basic_auth, api_key_auth, oauth2, acl, ext_proc, ext_authz,
                       local_rate_limit, cors, compressor, tracing))

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

/// Requests that were not served for what they are, or for lack of room. Also `envoy_http_…`.
struct RefusalStats {
  Counter downstream_rq_too_large, downstream_rq_non_relative_path,
      downstream_rq_failed_path_normalization, downstream_rq_ws_on_non_ws_route,
      downstream_rq_too_many_premature_resets, downstream_rq_overload_close;
};
BOOST_DESCRIBE_STRUCT(RefusalStats, (),
                      (downstream_rq_too_large, downstream_rq_non_relative_path,
                       downstream_rq_failed_path_normalization, downstream_rq_ws_on_non_ws_route,
                       downstream_rq_too_many_premature_resets, downstream_rq_overload_close))

/// `envoy_http_…{envoy_http_conn_manager_prefix}`
struct HttpStats : FilterStats, RedirectStats, RefusalStats {
  Counter downstream_cx_total, downstream_cx_http1_total, downstream_cx_http2_total,
      downstream_cx_ssl_total, downstream_cx_upgrades_total;
  Gauge downstream_cx_active, downstream_cx_http1_active, downstream_cx_http2_active,
      downstream_cx_ssl_active, downstream_cx_upgrades_active;
  Counter downstream_cx_destroy, downstream_cx_destroy_local, downstream_cx_destroy_remote,
      downstream_cx_protocol_error, downstream_cx_rx_bytes_total, downstream_cx_tx_bytes_total,
      downstream_cx_drain_close, downstream_cx_idle_timeout, downstream_cx_max_requests_reached,
      downstream_cx_destroy_active_rq, downstream_cx_destroy_local_active_rq,
      downstream_cx_destroy_remote_active_rq;
  Histogram downstream_cx_length_ms;
  Counter downstream_rq_total, downstream_rq_http1_total, downstream_rq_http2_total;
  Gauge downstream_rq_active;
  Counter downstream_rq_completed;
  std::array<Counter, 5> downstream_rq_xx;  // by class: index 0 is 1xx
  Histogram downstream_rq_time;             // ms
  Counter downstream_rq_rx_reset, downstream_rq_tx_reset, downstream_rq_response_before_rq_complete,
      downstream_rq_timeout, downstream_rq_header_timeout, downstream_rq_idle_timeout;
  Counter rq_total, no_route, no_cluster, rq_direct_response,
      rq_reset_after_downstream_response_started;
  Counter rbac_allowed, rbac_denied;
  Counter fault_aborts_injected, fault_delays_injected, fault_response_rl_injected,
      fault_faults_overflow;
  Gauge fault_active_faults;
  LimitStats limits;  // of no listener: telemetry has a family of its own for them
};
BOOST_DESCRIBE_STRUCT(
    HttpStats, (FilterStats, RedirectStats, RefusalStats),
    (downstream_cx_total, downstream_cx_http1_total, downstream_cx_http2_total,
     downstream_cx_ssl_total, downstream_cx_upgrades_total, downstream_cx_active,
     downstream_cx_http1_active, downstream_cx_http2_active, downstream_cx_ssl_active,
     downstream_cx_upgrades_active, downstream_cx_destroy, downstream_cx_destroy_local,
     downstream_cx_destroy_remote, downstream_cx_protocol_error, downstream_cx_rx_bytes_total,
     downstream_cx_tx_bytes_total, downstream_cx_drain_close, downstream_cx_idle_timeout,
     downstream_cx_max_requests_reached, downstream_cx_destroy_active_rq,
     downstream_cx_destroy_local_active_rq, downstream_cx_destroy_remote_active_rq,
     downstream_cx_length_ms, downstream_rq_total, downstream_rq_http1_total,
     downstream_rq_http2_total, downstream_rq_active, downstream_rq_completed, downstream_rq_xx,
     downstream_rq_time, downstream_rq_rx_reset, downstream_rq_tx_reset,
     downstream_rq_response_before_rq_complete, downstream_rq_timeout, downstream_rq_header_timeout,
     downstream_rq_idle_timeout, rq_total, no_route, no_cluster, rq_direct_response,
     rq_reset_after_downstream_response_started, rbac_allowed, rbac_denied, fault_aborts_injected,
     fault_delays_injected, fault_response_rl_injected, fault_faults_overflow, fault_active_faults))

/// TLS of a listener or cluster, a handshake at a time. "ssl.handshake" in /stats.
struct SslStats {
  Counter ssl_handshake, ssl_session_reused, ssl_connection_error, ssl_no_certificate,
      ssl_fail_verify_error, ssl_fail_verify_no_cert, ssl_fail_verify_san;
  NamedCounters ssl_versions, ssl_ciphers, ssl_curves;
};
BOOST_DESCRIBE_STRUCT(SslStats, (),
                      (ssl_handshake, ssl_session_reused, ssl_connection_error, ssl_no_certificate,
                       ssl_fail_verify_error, ssl_fail_verify_no_cert, ssl_fail_verify_san,
                       ssl_versions, ssl_ciphers, ssl_curves))

/// `envoy_listener_…{envoy_listener_address}`
struct ListenerStats : SslStats {
  Counter downstream_cx_total, downstream_cx_destroy;
  Gauge downstream_cx_active, downstream_pre_cx_active;
  Histogram downstream_cx_length_ms;
  Counter downstream_cx_transport_socket_connect_timeout, downstream_pre_cx_timeout,
      no_filter_chain_match, downstream_listener_filter_error, downstream_cx_overload_reject,
      downstream_global_cx_overflow;
  Counter http_downstream_rq_completed;
  std::array<Counter, 5> http_downstream_rq_xx;
};
BOOST_DESCRIBE_STRUCT(ListenerStats, (SslStats),
                      (downstream_cx_total, downstream_cx_destroy, downstream_cx_active,
                       downstream_pre_cx_active, downstream_cx_length_ms,
                       downstream_cx_transport_socket_connect_timeout, downstream_pre_cx_timeout,
                       no_filter_chain_match, downstream_listener_filter_error,
                       downstream_cx_overload_reject, downstream_global_cx_overflow,
                       http_downstream_rq_completed, http_downstream_rq_xx))

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

/// What services said of requests that would have gone, or went, to a cluster.
struct VerdictStats {
  struct ExtAuthz {
    Counter ok, denied, error, failure_mode_allowed;
  };
  Prefixed<ExtAuthz> ext_authz;
  struct RateLimit {
    Counter ok, over_limit, error, failure_mode_allowed;
  } ratelimit;
};
BOOST_DESCRIBE_STRUCT(VerdictStats::ExtAuthz, (), (ok, denied, error, failure_mode_allowed))
BOOST_DESCRIBE_STRUCT(VerdictStats::RateLimit, (), (ok, over_limit, error, failure_mode_allowed))
BOOST_DESCRIBE_STRUCT(VerdictStats, (), (ext_authz, ratelimit))

/// Of attempts and connections: what became of them. Also `envoy_cluster_…`.
struct OutcomeStats {
  StatusCounters upstream_rq;  // the answers that clients get, by status
  Counter retry_upstream_rq_completed;
  std::array<Counter, 5> retry_upstream_rq_xx;
  StatusCounters retry_upstream_rq;  // answers that were thrown away for another try
  Counter upstream_rq_retry_backoff_exponential;
  Counter upstream_cx_destroy_with_active_rq, upstream_cx_destroy_local_with_active_rq,
      upstream_cx_destroy_remote_with_active_rq;
  Histogram upstream_rq_per_cx;
};
BOOST_DESCRIBE_STRUCT(OutcomeStats, (),
                      (upstream_rq, retry_upstream_rq_completed, retry_upstream_rq_xx,
                       retry_upstream_rq, upstream_rq_retry_backoff_exponential,
                       upstream_cx_destroy_with_active_rq, upstream_cx_destroy_local_with_active_rq,
                       upstream_cx_destroy_remote_with_active_rq, upstream_rq_per_cx))

/// `envoy_cluster_…{envoy_cluster_name}`
struct ClusterStats : SslStats, VerdictStats, OutcomeStats {
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
      lb_zone_routing_cross_zone, upstream_cx_max_duration_reached;
  struct Http2 {
    Counter keepalive_timeout;
  } http2;
  Histogram upstream_cx_connect_ms, upstream_cx_length_ms;
};
BOOST_DESCRIBE_STRUCT(ClusterStats::Http2, (), (keepalive_timeout))
BOOST_DESCRIBE_STRUCT(
    ClusterStats, (SslStats, VerdictStats, OutcomeStats),
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
     lb_zone_routing_cross_zone, upstream_cx_max_duration_reached, http2, upstream_cx_connect_ms,
     upstream_cx_length_ms))

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

/// `envoy_cluster_…` of all clusters: their endpoints; written by the control thread.
struct MembershipStats {
  Gauge membership_total, membership_healthy, membership_degraded, membership_excluded,
      max_host_weight, warming_state;
  Counter membership_change, update_attempt, update_success, update_empty, update_no_rebuild;
};
BOOST_DESCRIBE_STRUCT(MembershipStats, (),
                      (membership_total, membership_healthy, membership_degraded,
                       membership_excluded, max_host_weight, warming_state, membership_change,
                       update_attempt, update_success, update_empty, update_no_rebuild))

/// `envoy_cluster_…` of clusters whose endpoints' health is looked at; written by the control
/// thread. The first words of a name have a dot behind them in /stats (health_check.attempt).
struct HealthStats {
  Counter health_check_attempt, health_check_success, health_check_failure,
      health_check_network_failure;
  Gauge health_check_healthy, outlier_detection_ejections_active;
  Counter outlier_detection_ejections_total, outlier_detection_ejections_consecutive_5xx,
      outlier_detection_ejections_detected_consecutive_5xx,
      outlier_detection_ejections_enforced_consecutive_5xx,
      outlier_detection_ejections_detected_consecutive_local_origin_failure,
      outlier_detection_ejections_enforced_consecutive_local_origin_failure,
      outlier_detection_ejections_enforced_total, outlier_detection_ejections_overflow;
};
BOOST_DESCRIBE_STRUCT(HealthStats, (),
                      (health_check_attempt, health_check_success, health_check_failure,
                       health_check_network_failure, health_check_healthy,
                       outlier_detection_ejections_active, outlier_detection_ejections_total,
                       outlier_detection_ejections_consecutive_5xx,
                       outlier_detection_ejections_detected_consecutive_5xx,
                       outlier_detection_ejections_enforced_consecutive_5xx,
                       outlier_detection_ejections_detected_consecutive_local_origin_failure,
                       outlier_detection_ejections_enforced_consecutive_local_origin_failure,
                       outlier_detection_ejections_enforced_total,
                       outlier_detection_ejections_overflow))

/// `envoy_cluster_manager_…`, `envoy_listener_manager_…`: what snapshots changed. A snapshot is an
/// update. Written by the control thread.
struct ClusterManagerStats {
  Counter cluster_added, cluster_modified, cluster_removed, cluster_updated, cds_update_attempt,
      cds_update_success;
};
BOOST_DESCRIBE_STRUCT(ClusterManagerStats, (),
                      (cluster_added, cluster_modified, cluster_removed, cluster_updated,
                       cds_update_attempt, cds_update_success))
struct ListenerManagerStats {
  Counter listener_added, listener_modified, listener_removed, listener_in_place_updated,
      listener_create_success, listener_create_failure, lds_update_attempt, lds_update_success;
};
BOOST_DESCRIBE_STRUCT(ListenerManagerStats, (),
                      (listener_added, listener_modified, listener_removed,
                       listener_in_place_updated, listener_create_success, listener_create_failure,
                       lds_update_attempt, lds_update_success))
/// `envoy_dns_cares_…`. Written by the control thread.
struct DnsStats {
  Counter resolve_total, not_found, timeouts, get_addr_failure;
  Gauge pending_resolutions;
};
BOOST_DESCRIBE_STRUCT(DnsStats, (),
                      (resolve_total, not_found, timeouts, get_addr_failure, pending_resolutions))
/// `envoy_server_…`: event loops that were late by 200 ms, by 1 s. Written by the control thread.
struct WatchdogStats {
  Counter watchdog_miss, watchdog_mega_miss;
};
BOOST_DESCRIBE_STRUCT(WatchdogStats, (), (watchdog_miss, watchdog_mega_miss))

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
  Gauge rq_active, rq_pending_active;
  Counter rq_error, rq_success, rq_timeout, rq_total;
};
BOOST_DESCRIBE_STRUCT(EndpointStats, (),
                      (cx_active, cx_connect_fail, cx_total, rq_active, rq_pending_active, rq_error,
                       rq_success, rq_timeout, rq_total))

/// The instances of all workers for one thing of one name. Made by the control thread, kept while
/// the process lives, so a counter never goes back when a snapshot changes.
template <class Stats>
using PerWorker = std::vector<std::unique_ptr<Stats>>;

/// All counters, by the name of what they count. Control thread; workers get pointers to their own
/// instances.
class StatsStore {
 public:
  explicit StatsStore(std::size_t workers) : workers_(workers) {
    http();
    cluster_manager();
    listener_manager();
    dns();
    watchdog();
  }

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
  HealthStats& health(const std::string& name) { return only(health_[name]); }
  MembershipStats& membership(const std::string& name) { return only(membership_[name]); }
  ClusterManagerStats& cluster_manager() { return only(cluster_manager_); }
  ListenerManagerStats& listener_manager() { return only(listener_manager_); }
  DnsStats& dns() { return only(dns_); }
  WatchdogStats& watchdog() { return only(watchdog_); }

  /// What a late scrape may still want of a cluster that is gone.
  static constexpr std::chrono::minutes kKept{5};
  using Clock = std::chrono::steady_clock;
  /// Tells which clusters there are now: one that is gone is not shown for long.
  void clusters_are(const std::set<std::string>& names, Clock::time_point now) {
    std::erase_if(gone_, [&names](const auto& one) { return names.contains(one.first); });
    for (const auto& [name, workers] : clusters_) {
      if (!names.contains(name)) gone_.try_emplace(name, now);
    }
  }
  bool shown(const std::string& cluster, Clock::time_point now) const {
    const auto found = gone_.find(cluster);
    return found == gone_.end() || now - found->second < kKept;
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
  const std::map<std::string, PerWorker<MembershipStats>>& all_membership() const {
    return membership_;
  }
  const PerWorker<ClusterManagerStats>& all_cluster_manager() const { return cluster_manager_; }
  const PerWorker<ListenerManagerStats>& all_listener_manager() const { return listener_manager_; }
  const PerWorker<DnsStats>& all_dns() const { return dns_; }
  const PerWorker<WatchdogStats>& all_watchdog() const { return watchdog_; }
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
  template <class Stats>
  static Stats& only(PerWorker<Stats>& one) {
    if (one.empty()) one.push_back(std::make_unique<Stats>());
    return *one[0];
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
  // One instance each.
  std::map<std::string, PerWorker<HealthStats>> health_;
  std::map<std::string, PerWorker<MembershipStats>> membership_;
  PerWorker<ClusterManagerStats> cluster_manager_;
  PerWorker<ListenerManagerStats> listener_manager_;
  PerWorker<DnsStats> dns_;
  PerWorker<WatchdogStats> watchdog_;
  std::map<std::string, Clock::time_point> gone_;  // clusters, since when
  std::map<std::string, ClusterLimits> limits_;
};

}  // namespace tidegate::proxy
