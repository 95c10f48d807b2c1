#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/route_filters.h"
#include "config/kinds/kgateway/access_log.h"
#include "config/kinds/kgateway/shared.h"
#include "config/kinds/kgateway/telemetry_service.h"

namespace tidegate::config::kgateway {

/// Answers that the gateway makes itself, changed. Source: LocalReplyConfig.
struct LocalReplies {
  struct Mapper {
    LogFilter filter;
    std::optional<int> status_code;
    std::optional<std::string> body;
    std::optional<BodyFormat> body_format_override;
    std::optional<HeaderChanges> headers;  // never `remove`
    bool operator==(const Mapper&) const = default;
  };
  std::optional<BodyFormat> default_body_format;
  std::vector<Mapper> mappers;  // the first that fits
  bool operator==(const LocalReplies&) const = default;
};

/// Source: UpgradeConfig.
struct Upgrades {
  std::vector<std::string> enabled_upgrades;  // "websocket", "CONNECT"
  bool operator==(const Upgrades&) const = default;
};

/// Source: ListenerHTTP2ProtocolOptions.
struct ListenerHttp2Options {
  std::optional<Quantity> initial_stream_window_size;
  std::optional<Quantity> initial_connection_window_size;
  std::optional<int> max_concurrent_streams;
  std::optional<bool> allow_connect;
  bool operator==(const ListenerHttp2Options&) const = default;
};

/// Source: EnvoyHealthCheck.
struct HealthCheckPath {
  std::string path;
  bool operator==(const HealthCheckPath&) const = default;
};

/// Source: UuidRequestIdConfig.
struct RequestIds {
  bool pack_trace_reason = true;
  bool use_request_id_for_trace_sampling = true;
  bool operator==(const RequestIds&) const = default;
};

/// x-forwarded-client-cert. Source: ForwardClientCertDetails.
struct ClientCertForwarding {
  enum class Mode { kSanitize, kForwardOnly, kAppendForward, kSanitizeSet, kAlwaysForwardOnly };
  struct Details {
    bool subject = false;
    bool cert = false;
    bool chain = false;
    bool dns = false;
    bool uri = false;
    bool operator==(const Details&) const = default;
  };
  std::optional<Mode> mode;  // absent: SanitizeSet with details, else Sanitize
  std::optional<Details> details;
  bool operator==(const ClientCertForwarding&) const = default;
};

/// How the listener speaks HTTP with clients. Each member is one unit of merging.
/// Source: HTTPSettings.
struct HttpSettings {
  enum class ServerHeader { kOverwrite, kAppendIfAbsent, kPassThrough };
  enum class StripPort { kMatchingPort, kAnyPort };
  std::vector<AccessLog> access_log;
  std::optional<Tracing> tracing;
  std::optional<LocalReplies> local_replies;
  std::optional<Upgrades> upgrade_config;
  std::optional<bool> use_remote_address;  // absent: true
  std::optional<bool> preserve_external_request_id;
  std::optional<bool> generate_request_id;  // absent: true
  std::optional<int> xff_num_trusted_hops;
  std::vector<std::string> xff_trusted_cidrs;
  std::optional<bool> skip_xff_append;
  std::optional<ServerHeader> server_header_transformation;  // absent: Overwrite
  std::optional<std::string> server_name;                    // absent: "envoy"
  std::optional<Millis> stream_idle_timeout;                 // absent: 5 min; 0: none
  std::optional<Millis> idle_timeout;                        // absent: 1 h; 0: none
  std::optional<int> max_requests_per_connection;            // 0: any number
  std::optional<int> max_headers_count;                      // absent: 100
  std::optional<ListenerHttp2Options> http2_protocol_options;
  std::optional<HealthCheckPath> health_check;
  std::optional<bool> preserve_http1_header_case;
  std::optional<bool> accept_http_10;
  std::optional<std::string> default_host_for_http_10;
  std::optional<HeaderModifier> early_request_header_modifier;
  std::optional<ClientCertForwarding> forward_client_cert_details;
  std::optional<int> max_request_headers_kb;  // absent: 60
  std::optional<RequestIds> uuid_request_id_config;
  std::optional<StripPort> strip_host_port_mode;
  std::optional<bool> strip_trailing_host_dot;
  std::optional<bool> proxy_100_continue;
  bool operator==(const HttpSettings&) const = default;
};

}  // namespace tidegate::config::kgateway
