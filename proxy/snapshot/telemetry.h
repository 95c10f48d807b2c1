#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

namespace tidegate::proxy {

/// A service that takes spans or log entries, and how it is called.
/// Source: kgateway, CommonGrpcService; OpenTelemetry, "OTLP Specification".
struct Collector {
  enum class Protocol {
    kOtlpGrpc,
    kOtlpHttp,   // binary Protocol Buffers
    kEnvoyLogs,  // envoy.service.accesslog.v3.AccessLogService
  };
  struct Metadata {
    std::string name;  // lower case
    Secret value;
    bool operator==(const Metadata&) const = default;
  };
  struct Attribute {
    std::string name;
    std::string value;
    bool operator==(const Attribute&) const = default;
  };
  Protocol protocol = Protocol::kOtlpGrpc;
  std::string cluster;
  std::string authority;                     // empty: the cluster's name
  std::chrono::milliseconds timeout{10000};  // of one call
  std::uint32_t retries = 4;  // tries after the first, where the protocol says that one may help
  std::chrono::milliseconds backoff{500};  // before the second try; doubles, with jitter
  std::chrono::milliseconds backoff_max{5000};
  std::vector<Metadata> metadata;  // of every call
  std::uint64_t answer_max = 256 * 1024;
  std::string log_name;              // of logs
  std::string node;                  // kEnvoyLogs: who sends them
  std::vector<Attribute> resource;   // kOtlp...: what spans and entries are of
  bool environment_resource = true;  // and what OTEL_RESOURCE_ATTRIBUTES says
  bool operator==(const Collector&) const = default;
};
BOOST_DESCRIBE_ENUM(Collector::Protocol, kOtlpGrpc, kOtlpHttp, kEnvoyLogs)
BOOST_DESCRIBE_STRUCT(Collector::Metadata, (), (name, value))
BOOST_DESCRIBE_STRUCT(Collector::Attribute, (), (name, value))
BOOST_DESCRIBE_STRUCT(Collector, (),
                      (protocol, cluster, authority, timeout, retries, backoff, backoff_max,
                       metadata, answer_max, log_name, node, resource, environment_resource))

/// A log that a collector gets. Source: kgateway, AccessLog.grpcService, AccessLog.openTelemetry.
struct RemoteLog {
  Collector collector;
  // Of OTLP:
  std::string body;        // with Envoy's operators
  std::string attributes;  // an object, serialized, with Envoy's operators in its strings
  // Of Envoy's service; names in lower case:
  std::vector<std::string> request_headers;
  std::vector<std::string> response_headers;
  std::vector<std::string> response_trailers;
  bool operator==(const RemoteLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemoteLog, (),
                      (collector, body, attributes, request_headers, response_headers,
                       response_trailers))

/// An attribute of spans: a name, and where its value is from. Source: kgateway, CustomAttribute.
struct SpanAttribute {
  enum class From {
    kLiteral,
    kEnvironment,
    kRequestHeader,
    kRequestMetadata,  // dynamic metadata, that filters leave
    kRouteMetadata,
    kClusterMetadata,
    kHostMetadata,
  };
  std::string name;
  From from = From::kLiteral;
  std::string value;  // the text; name of a variable; of a field, in lower case; of a name space
  std::vector<std::string> path;             // k...Metadata: keys below the name space
  std::optional<std::string> default_value;  // absent: without a value there is no attribute
  bool operator==(const SpanAttribute&) const = default;
};
BOOST_DESCRIBE_ENUM(SpanAttribute::From, kLiteral, kEnvironment, kRequestHeader, kRequestMetadata,
                    kRouteMetadata, kClusterMetadata, kHostMetadata)
BOOST_DESCRIBE_STRUCT(SpanAttribute, (), (name, from, value, path, default_value))

/// Spans of the exchanges of a site. Percentages are 0 to 100. Source: kgateway, Tracing; Envoy,
/// "Tracing".
struct Tracing {
  Collector collector;
  bool always_on = false;               // what is decided is not asked: all is recorded
  std::uint32_t client_percent = 100;   // of those that ask by x-client-trace-id
  std::uint32_t random_percent = 100;   // of those that nobody asks for
  std::uint32_t overall_percent = 100;  // of all; none is recorded above it
  bool verbose = false;                 // moments of the exchange are events of its span
  std::uint32_t path_max = 256;         // bytes of the path in http.url
  std::vector<SpanAttribute> attributes;
  bool upstream_spans = false;       // one an attempt
  std::string node;                  // node_id of spans
  bool pack_reason = true;           // x-request-id says what was decided
  bool sample_by_request_id = true;  // so that all proxies decide alike
  bool operator==(const Tracing&) const = default;
};
BOOST_DESCRIBE_STRUCT(Tracing, (),
                      (collector, always_on, client_percent, random_percent, overall_percent,
                       verbose, path_max, attributes, upstream_spans, node, pack_reason,
                       sample_by_request_id))

/// What a route says otherwise. Source: kgateway, TrafficPolicy.spec.tracing.
struct RouteTracing {
  bool disabled = false;
  std::optional<std::uint32_t> client_percent, random_percent, overall_percent;
  std::vector<SpanAttribute> attributes;  // instead of those of the same name
  bool operator==(const RouteTracing&) const = default;
};
BOOST_DESCRIBE_STRUCT(RouteTracing, (),
                      (disabled, client_percent, random_percent, overall_percent, attributes))

}  // namespace tidegate::proxy
