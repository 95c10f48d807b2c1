#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/snapshot/external_auth.h"

namespace tidegate::proxy {

/// What an external processor is shown. Source: Envoy's ProcessingMode.
struct ProcessingMode {
  enum class Body { kNone, kStreamed, kBuffered, kBufferedPartial, kFullDuplexStreamed };
  bool request_headers = true;
  bool response_headers = true;
  Body request_body = Body::kNone;
  Body response_body = Body::kNone;
  bool request_trailers = false;
  bool response_trailers = false;
  bool operator==(const ProcessingMode&) const = default;
};
BOOST_DESCRIBE_ENUM(ProcessingMode::Body, kNone, kStreamed, kBuffered, kBufferedPartial,
                    kFullDuplexStreamed)
BOOST_DESCRIBE_STRUCT(ProcessingMode, (),
                      (request_headers, response_headers, request_body, response_body,
                       request_trailers, response_trailers))

/// A service that sees and changes requests and answers. Source: TrafficPolicy.spec.extProc,
/// GatewayExtension.spec.extProc; Envoy's ext_proc.
struct ExternalProcessing {
  /// Whether the rule is chosen again after its changes. kFromResponse: where it says so.
  enum class RouteCache { kFromResponse, kClear, kRetain };

  ServiceCall service;  // its time-out is that of each message
  bool fail_open = true;
  ProcessingMode mode;
  bool allow_mode_override = false;
  std::vector<ProcessingMode> allowed_modes;         // empty: any
  std::chrono::milliseconds message_timeout_max{0};  // that the service may ask for; 0: none
  std::vector<std::string> forwarded_metadata;       // name spaces that it sees
  std::vector<std::string> request_attributes;       // CEL, whose values it sees
  RouteCache route_cache = RouteCache::kFromResponse;
  std::string stat_prefix;                   // under which it is counted; empty: none
  std::uint64_t body_bytes_max = 1U << 20U;  // that are buffered; Envoy's buffer of a connection
  bool operator==(const ExternalProcessing&) const = default;
};
BOOST_DESCRIBE_ENUM(ExternalProcessing::RouteCache, kFromResponse, kClear, kRetain)
BOOST_DESCRIBE_STRUCT(ExternalProcessing, (),
                      (service, fail_open, mode, allow_mode_override, allowed_modes,
                       message_timeout_max, forwarded_metadata, request_attributes, route_cache,
                       stat_prefix, body_bytes_max))

}  // namespace tidegate::proxy
