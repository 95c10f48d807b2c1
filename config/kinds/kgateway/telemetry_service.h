#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// A gRPC service that logs or spans go to. Source: CommonGrpcService.
struct TelemetryService {
  struct Metadata {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const Metadata&) const = default;
  };
  struct Backoff {
    Millis base_interval{1000};
    std::optional<Millis> max_interval;  // absent: ten times the base
    bool operator==(const Backoff&) const = default;
  };
  struct Retry {
    std::optional<Backoff> retry_back_off;
    int num_retries = 1;
    bool operator==(const Retry&) const = default;
  };
  BackendRef backend_ref;
  std::optional<std::string> authority;
  std::optional<int> max_receive_message_length;  // bytes; absent: any
  bool skip_envoy_headers = false;
  std::optional<Millis> timeout;
  std::vector<Metadata> initial_metadata;
  std::optional<Retry> retry_policy;
  bool operator==(const TelemetryService&) const = default;
};

/// Source: CommonAccessLogGrpcService.
struct LogService : TelemetryService {
  std::string log_name;
  bool operator==(const LogService&) const = default;
};

/// Spans of exchanges; percentages, 0..100. Source: Tracing.
struct Tracing {
  struct EnvironmentDetector {
    bool enable = true;
    bool operator==(const EnvironmentDetector&) const = default;
  };
  struct Detector {  // exactly one member
    std::optional<EnvironmentDetector> environment_resource_detector;
    bool operator==(const Detector&) const = default;
  };
  struct AlwaysOn {
    bool operator==(const AlwaysOn&) const = default;
  };
  struct Sampler {  // exactly one member
    std::optional<AlwaysOn> always_on_config;
    bool operator==(const Sampler&) const = default;
  };
  struct OpenTelemetry {
    TelemetryService grpc_service;
    std::optional<std::string> service_name;  // absent: <gateway>.<namespace>
    std::vector<Detector> resource_detectors;
    std::optional<Sampler> sampler;
    bool operator==(const OpenTelemetry&) const = default;
  };
  struct Provider {  // exactly one member
    std::optional<OpenTelemetry> open_telemetry;
    bool operator==(const Provider&) const = default;
  };
  Provider provider;
  int client_sampling = 100;
  int random_sampling = 100;
  int overall_sampling = 100;
  bool verbose = false;
  int max_path_tag_length = 256;
  std::vector<SpanAttribute> attributes;
  bool spawn_upstream_span = false;
  bool operator==(const Tracing&) const = default;
};

}  // namespace tidegate::config::kgateway
