#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/kgateway/backend_tls.h"
#include "config/kinds/kgateway/load_balancer.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Source: DNS.
struct BackendDns {
  std::optional<Millis> refresh_rate;  // absent: 5 s
  std::optional<Millis> jitter;
  std::optional<bool> respect_ttl;
  bool operator==(const BackendDns&) const = default;
};

/// Source: TCPKeepalive.
struct TcpKeepalive {
  std::optional<int> keep_alive_probes;
  std::optional<Millis> keep_alive_time;
  std::optional<Millis> keep_alive_interval;
  bool operator==(const TcpKeepalive&) const = default;
};

/// Source: CommonHttpProtocolOptions.
struct CommonHttpOptions {
  std::optional<Millis> idle_timeout;  // absent: 1 h; 0: none
  std::optional<int> max_headers_count;
  std::optional<Millis> max_stream_duration;
  std::optional<int> max_requests_per_connection;  // 0: any number
  std::optional<Millis> max_connection_duration;
  bool operator==(const CommonHttpOptions&) const = default;
};

/// Source: Http1ProtocolOptions.
struct Http1Options {
  std::optional<bool> enable_trailers;
  std::optional<bool> preserve_http1_header_case;
  std::optional<bool> override_stream_error_on_invalid_http_message;
  bool operator==(const Http1Options&) const = default;
};

/// Source: Http2ProtocolOptions.
struct Http2Options {
  struct Keepalive {
    Millis timeout{0};
    std::optional<Millis> interval;
    std::optional<Millis> connection_idle_interval;
    bool operator==(const Keepalive&) const = default;
  };
  std::optional<Quantity> initial_stream_window_size;
  std::optional<Quantity> initial_connection_window_size;
  std::optional<int> max_concurrent_streams;
  std::optional<bool> override_stream_error_on_invalid_http_message;
  std::optional<Keepalive> connection_keepalive;
  bool operator==(const Http2Options&) const = default;
};

/// Exactly one of `http` and `grpc`. Source: HealthCheck.
struct HealthCheck {
  struct Http {
    std::optional<std::string> host;
    std::string path;
    std::optional<std::string> method;  // absent: GET
    bool operator==(const Http&) const = default;
  };
  struct Grpc {
    std::optional<std::string> service_name;
    std::optional<std::string> authority;
    bool operator==(const Grpc&) const = default;
  };
  Millis timeout{0};
  Millis interval{0};
  int unhealthy_threshold = 0;
  int healthy_threshold = 0;
  std::optional<Http> http;
  std::optional<Grpc> grpc;
  bool operator==(const HealthCheck&) const = default;
};

/// Source: OutlierDetection.
struct OutlierDetection {
  int consecutive_5xx = 5;  // 0: not counted
  Millis interval{10'000};
  Millis base_ejection_time{30'000};
  int max_ejection_percent = 10;
  std::optional<int> enforcing_consecutive_5xx;  // percent; absent: 100
  bool split_external_local_origin_errors = false;
  std::optional<int> consecutive_local_origin_failure;            // absent: 5; 0: not counted
  std::optional<int> enforcing_consecutive_local_origin_failure;  // percent; absent: 100
  bool operator==(const OutlierDetection&) const = default;
};

/// Source: CircuitBreakers.
struct CircuitBreakers {
  std::optional<int> max_connections;       // absent: 1024
  std::optional<int> max_pending_requests;  // absent: 1024
  std::optional<int> max_requests;          // absent: 1024
  std::optional<int> max_retries;           // absent: 3
  bool track_remaining = false;
  bool operator==(const CircuitBreakers&) const = default;
};

/// Source: UpstreamProxyProtocol.
struct UpstreamProxyProtocol {
  enum class Version { kV1, kV2 };
  Version version = Version::kV1;
  bool operator==(const UpstreamProxyProtocol&) const = default;
};

/// How the gateway speaks with Services and Backends. Each member after the targets is one unit of
/// merging. Source: BackendConfigPolicySpec.
struct BackendConfigPolicy {
  Meta meta;
  std::vector<WholeTargetRef> target_refs;
  std::vector<WholeTargetSelector> target_selectors;

  std::optional<Millis> connect_timeout;
  std::optional<BackendDns> dns;
  std::optional<int> per_connection_buffer_limit_bytes;
  std::optional<TcpKeepalive> tcp_keepalive;
  std::optional<CommonHttpOptions> common_http_protocol_options;
  std::optional<Http1Options> http1_protocol_options;
  std::optional<Http2Options> http2_protocol_options;
  std::optional<BackendTls> tls;
  std::optional<LoadBalancer> load_balancer;
  std::optional<HealthCheck> health_check;
  std::optional<OutlierDetection> outlier_detection;
  std::optional<CircuitBreakers> circuit_breakers;
  std::optional<UpstreamProxyProtocol> upstream_proxy_protocol;
  bool operator==(const BackendConfigPolicy&) const = default;
};

}  // namespace tidegate::config::kgateway
