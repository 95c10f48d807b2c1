#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proxy/snapshot/auth_filters.h"
#include "proxy/snapshot/header_value.h"

namespace tidegate::proxy {

/// What a header modifier does: set replaces all values, add appends one, remove drops all.
/// Source: HTTPHeaderFilter.
struct HeaderChanges {
  std::vector<HeaderValue> set;
  std::vector<HeaderValue> add;
  std::vector<std::string> remove;  // lower case
  bool operator==(const HeaderChanges&) const = default;
};
BOOST_DESCRIBE_STRUCT(HeaderChanges, (), (set, add, remove))

/// Source: HTTPRouteFilter type RequestHeaderModifier.
struct RequestHeaderModifier {
  HeaderChanges changes;
  bool operator==(const RequestHeaderModifier&) const = default;
};
BOOST_DESCRIBE_STRUCT(RequestHeaderModifier, (), (changes))

/// Source: HTTPRouteFilter type ResponseHeaderModifier.
struct ResponseHeaderModifier {
  HeaderChanges changes;
  bool operator==(const ResponseHeaderModifier&) const = default;
};
BOOST_DESCRIBE_STRUCT(ResponseHeaderModifier, (), (changes))

/// How a path is replaced: the whole of it, or the prefix that the rule matched.
/// Source: HTTPPathModifier.
struct PathModifier {
  enum class Kind { kFull, kPrefix };
  Kind kind = Kind::kFull;
  std::string value;
  bool operator==(const PathModifier&) const = default;
};
BOOST_DESCRIBE_ENUM(PathModifier::Kind, kFull, kPrefix)
BOOST_DESCRIBE_STRUCT(PathModifier, (), (kind, value))

/// Source: HTTPRouteFilter type URLRewrite.
struct UrlRewrite {
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;
  bool operator==(const UrlRewrite&) const = default;
};
BOOST_DESCRIBE_STRUCT(UrlRewrite, (), (hostname, path))

/// A copy of the request to another cluster, whose answer is thrown away. `numerator` in
/// `denominator` requests. Source: HTTPRouteFilter type RequestMirror.
struct RequestMirror {
  std::string cluster;
  std::uint32_t numerator = 100;
  std::uint32_t denominator = 100;
  bool operator==(const RequestMirror&) const = default;
};
BOOST_DESCRIBE_STRUCT(RequestMirror, (), (cluster, numerator, denominator))

/// Source: HTTPRouteFilter type CORS (GEP-1767).
struct Cors {
  std::vector<std::string> allow_origins;  // "*", exact, or with a wildcard host
  bool allow_credentials = false;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  std::chrono::seconds max_age{5};
  bool operator==(const Cors&) const = default;
};
BOOST_DESCRIBE_STRUCT(Cors, (),
                      (allow_origins, allow_credentials, allow_methods, allow_headers,
                       expose_headers, max_age))

/// A service that must allow the request. Source: HTTPRouteFilter type ExternalAuth (GEP-1494).
struct ExternalAuth {
  enum class Protocol { kHttp, kGrpc };  // kGrpc: Envoy's ext_authz
  Protocol protocol = Protocol::kHttp;
  std::string cluster;
  std::string path_prefix;                    // kHttp: before the request's path
  std::vector<std::string> request_headers;   // that it sees; kGrpc: empty is all
  std::vector<std::string> response_headers;  // kHttp: that the backend sees; empty is all
  std::uint64_t body_max = 0;                 // bytes of the body that it sees; more is refused
  bool operator==(const ExternalAuth&) const = default;
};
BOOST_DESCRIBE_ENUM(ExternalAuth::Protocol, kHttp, kGrpc)
BOOST_DESCRIBE_STRUCT(ExternalAuth, (),
                      (protocol, cluster, path_prefix, request_headers, response_headers, body_max))

/// CEL expressions over the request; the policy matches where any of them is true. kAllow: only
/// what matches passes. kDeny: what matches does not. Source: kgateway TrafficPolicy.spec.rbac.
struct Rbac {
  enum class Action { kAllow, kDeny };
  Action action = Action::kAllow;
  std::vector<std::string> expressions;  // that compile
  std::string policy;                    // "NAMESPACE/NAME": for the access log
  bool operator==(const Rbac&) const = default;
};
BOOST_DESCRIBE_ENUM(Rbac::Action, kAllow, kDeny)
BOOST_DESCRIBE_STRUCT(Rbac, (), (action, expressions, policy))

enum class ContentCoding { kGzip, kBrotli, kZstd };
BOOST_DESCRIBE_ENUM(ContentCoding, kGzip, kBrotli, kZstd)

/// Compresses answers for clients that accept it. The first coding is the dearest to us.
/// Source: kgateway TrafficPolicy.spec.compression.responseCompression.
struct Compression {
  std::vector<ContentCoding> codings;
  bool operator==(const Compression&) const = default;
};
BOOST_DESCRIBE_STRUCT(Compression, (), (codings))

/// Decompresses request bodies of these codings.
/// Source: kgateway TrafficPolicy.spec.compression.requestDecompression.
struct Decompression {
  std::vector<ContentCoding> codings;
  bool operator==(const Decompression&) const = default;
};
BOOST_DESCRIBE_STRUCT(Decompression, (), (codings))

/// Faults on purpose; each of the three happens to its own percentage of requests.
/// Source: kgateway TrafficPolicy.spec.faultInjection.
struct FaultInjection {
  struct Delay {
    std::chrono::milliseconds time{0};
    int percentage = 100;
    bool operator==(const Delay&) const = default;
  };
  struct Abort {
    std::optional<int> http_status;
    std::optional<int> grpc_status;  // instead of http_status
    int percentage = 100;
    bool operator==(const Abort&) const = default;
  };
  struct RateLimit {
    std::uint64_t kbits_per_second = 1;  // 1000 bits
    int percentage = 100;
    bool operator==(const RateLimit&) const = default;
  };
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::optional<RateLimit> response_rate;
  std::optional<std::uint64_t> active_max;  // requests with a fault at one time
  std::string policy;                       // "NAMESPACE/NAME": whose faults are counted together
  bool operator==(const FaultInjection&) const = default;
};
BOOST_DESCRIBE_STRUCT(FaultInjection::Delay, (), (time, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection::Abort, (), (http_status, grpc_status, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection::RateLimit, (), (kbits_per_second, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection, (), (delay, abort, response_rate, active_max, policy))

/// The whole request body is here before anything of it goes on; a longer one is refused (413).
/// Source: kgateway TrafficPolicy.spec.buffer.
struct Buffer {
  std::uint64_t request_bytes_max = 0;
  bool operator==(const Buffer&) const = default;
};
BOOST_DESCRIBE_STRUCT(Buffer, (), (request_bytes_max))

/// One of Snapshot::shared_filters, by its name: what a policy makes stands once, however many
/// rules it applies to.
struct SharedFilter {
  std::string name;
  bool operator==(const SharedFilter&) const = default;
};
BOOST_DESCRIBE_STRUCT(SharedFilter, (), (name))

/// In the order in which they act on a request; on the response they act in reverse.
using Filter =
    std::variant<RequestHeaderModifier, ResponseHeaderModifier, UrlRewrite, RequestMirror, Cors,
                 ExternalAuth, SharedFilter, IpAcl, Csrf, BasicAuth, ApiKeyAuth, JwtAuth, Rbac,
                 Compression, Decompression, FaultInjection, Buffer>;

}  // namespace tidegate::proxy
