#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proxy/snapshot/external_auth.h"
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

/// Every match of an expression (RE2) in the path is replaced; \1 stands for a group. The query
/// stays. Source: kgateway TrafficPolicy.spec.urlRewrite.
struct PathRegexRewrite {
  std::string pattern;
  std::string substitution;
  bool operator==(const PathRegexRewrite&) const = default;
};
BOOST_DESCRIBE_STRUCT(PathRegexRewrite, (), (pattern, substitution))

/// A copy of the request to another cluster, whose answer is thrown away. `numerator` in
/// `denominator` requests. Source: HTTPRouteFilter type RequestMirror.
struct RequestMirror {
  std::string cluster;
  std::uint32_t numerator = 100;
  std::uint32_t denominator = 100;
  std::string authority;  // of the copy; empty: the request's
  bool operator==(const RequestMirror&) const = default;
};
BOOST_DESCRIBE_STRUCT(RequestMirror, (), (cluster, numerator, denominator, authority))

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

/// One of Snapshot::shared_filters, by its name: what a policy makes stands once, however many
/// rules it applies to.
struct SharedFilter {
  std::string name;
  bool operator==(const SharedFilter&) const = default;
};
BOOST_DESCRIBE_STRUCT(SharedFilter, (), (name))

/// What a rule says itself (Gateway API), and by name what policies add: those kinds are not in
/// here, see FilterSettings. In the order in which they act on a request; on the response they act
/// in reverse.
using Filter = std::variant<RequestHeaderModifier, ResponseHeaderModifier, UrlRewrite,
                            RequestMirror, Cors, ExternalAuth, SharedFilter>;

}  // namespace tidegate::proxy
