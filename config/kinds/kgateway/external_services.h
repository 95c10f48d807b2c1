#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/shared.h"

/// The services behind filters, as a GatewayExtension describes them.
namespace tidegate::config::kgateway {

/// Source: ExtSvcRetryPolicy.
struct ServiceRetry {
  struct Backoff {
    Millis base_interval{1000};
    std::optional<Millis> max_interval;  // absent: ten times the base
    bool operator==(const Backoff&) const = default;
  };
  int attempts = 1;  // 0: none
  std::optional<Backoff> backoff;
  bool operator==(const ServiceRetry&) const = default;
};

/// Source: ExtGrpcService.
struct GrpcService {
  BackendRef backend_ref;
  std::optional<std::string> authority;
  std::optional<Millis> request_timeout;
  std::optional<ServiceRetry> retry;
  bool operator==(const GrpcService&) const = default;
};

/// Source: ExtAuthBufferSettings.
struct BodyForAuth {
  int max_request_bytes = 0;
  bool allow_partial_message = false;  // else a larger body is answered with 413
  bool pack_as_bytes = false;
  bool operator==(const BodyForAuth&) const = default;
};

/// Source: ExtHttpService.
struct HttpAuthService {
  struct Request {
    std::map<std::string, std::string> headers_to_add;  // values with command operators
    bool operator==(const Request&) const = default;
  };
  struct Response {
    std::vector<std::string> headers_to_backend;
    std::vector<std::string> headers_to_client;
    std::vector<std::string> headers_to_client_on_success;
    bool operator==(const Response&) const = default;
  };
  BackendRef backend_ref;
  std::string path_prefix;
  Millis request_timeout{2000};
  std::optional<Request> authorization_request;
  std::optional<Response> authorization_response;
  std::optional<ServiceRetry> retry;
  bool operator==(const HttpAuthService&) const = default;
};

/// Exactly one of the services. Source: ExtAuthProvider.
struct ExtAuthProvider {
  std::optional<GrpcService> grpc_service;
  std::optional<HttpAuthService> http_service;
  std::vector<std::string> headers_to_forward;  // empty: gRPC all, HTTP the usual ones
  bool fail_open = false;
  bool clear_route_cache = false;
  std::optional<BodyForAuth> with_request_body;
  int status_on_error = 403;
  std::optional<std::string> stat_prefix;
  bool operator==(const ExtAuthProvider&) const = default;
};

/// What an external processor sees. Source: ProcessingMode.
struct ProcessingMode {
  enum class Send { kDefault, kSend, kSkip };
  enum class Body { kNone, kStreamed, kBuffered, kBufferedPartial, kFullDuplexStreamed };
  Send request_header_mode = Send::kSend;
  Send response_header_mode = Send::kSend;
  Body request_body_mode = Body::kNone;
  Body response_body_mode = Body::kNone;
  Send request_trailer_mode = Send::kSkip;
  Send response_trailer_mode = Send::kSkip;
  bool operator==(const ProcessingMode&) const = default;
};

/// Where a filter stands in the chain. Source: FilterStageSpec.
struct FilterStage {
  enum class Stage { kFault, kAuthN, kAuthZ, kRateLimit, kRoute };
  enum class Predicate { kBefore, kDuring, kAfter };
  Stage stage = Stage::kAuthZ;
  Predicate predicate = Predicate::kDuring;
  int weight = 0;  // higher stands earlier
  bool operator==(const FilterStage&) const = default;
};

/// Source: ExtProcProvider.
struct ExtProcProvider {
  enum class RouteCacheAction { kFromResponse, kClear, kRetain };
  struct Namespaces {
    std::vector<std::string> typed;
    std::vector<std::string> untyped;
    bool operator==(const Namespaces&) const = default;
  };
  struct MetadataOptions {
    std::optional<Namespaces> forwarding;
    bool operator==(const MetadataOptions&) const = default;
  };
  GrpcService grpc_service;
  bool fail_open = true;
  std::optional<ProcessingMode> processing_mode;
  bool allow_processing_mode_override = false;
  std::vector<ProcessingMode> allowed_processing_mode_overrides;  // empty: any
  std::optional<Millis> message_timeout;
  std::optional<Millis> max_message_timeout;  // absent: the service may not change it
  std::optional<std::string> stat_prefix;
  RouteCacheAction route_cache_action = RouteCacheAction::kFromResponse;
  std::optional<MetadataOptions> metadata_options;
  std::vector<std::string> request_attributes;
  std::optional<FilterStage> filter_stage;  // absent: after AuthZ
  bool operator==(const ExtProcProvider&) const = default;
};

/// Source: RateLimitProvider.
struct RateLimitProvider {
  enum class Headers { kOff, kDraftVersion03 };
  GrpcService grpc_service;
  std::string domain;
  bool fail_open = true;
  Millis timeout{100};
  Headers x_rate_limit_headers = Headers::kOff;
  bool operator==(const RateLimitProvider&) const = default;
};

}  // namespace tidegate::config::kgateway
