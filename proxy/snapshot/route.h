#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proxy/snapshot/body_format.h"
#include "proxy/snapshot/filters.h"
#include "proxy/snapshot/origin.h"
#include "proxy/snapshot/telemetry.h"

namespace tidegate::proxy {

/// Source: HTTPPathMatch. A prefix matches whole path segments: "/a" matches "/a" and "/a/b", not
/// "/ab"; a trailing slash of the value is dropped at translation ("/" itself stays). A regular
/// expression (RE2) must match the whole path, which may have to lie below a prefix too: that of
/// the route which delegated here, whatever the expression says.
struct PathMatch {
  enum class Kind { kExact, kPrefix, kRegex };
  Kind kind = Kind::kPrefix;
  std::string value = "/";
  std::string below;  // kRegex: without a slash at its end; empty: anywhere
  bool operator==(const PathMatch&) const = default;
};
BOOST_DESCRIBE_ENUM(PathMatch::Kind, kExact, kPrefix, kRegex)
BOOST_DESCRIBE_STRUCT(PathMatch, (), (kind, value, below))

/// A header or query parameter to match: exactly, or by RE2 over the whole value. Header names are
/// lower case.
struct ValueMatch {
  std::string name;
  std::string value;
  bool regex = false;
  bool operator==(const ValueMatch&) const = default;
};
BOOST_DESCRIBE_STRUCT(ValueMatch, (), (name, value, regex))

/// Source: HTTPRouteMatch; all parts must hold.
struct Match {
  PathMatch path;
  std::optional<std::string> method;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  bool operator==(const Match&) const = default;
};
BOOST_DESCRIBE_STRUCT(Match, (), (path, method, headers, query))

/// One of the backends among which a rule's requests are divided by weight.
struct WeightedCluster {
  std::string cluster;  // empty: a reference that does not resolve; its share of requests is
                        // answered with 500
  std::uint32_t weight = 1;
  std::vector<Filter> filters;  // HTTPBackendRef.filters
  bool operator==(const WeightedCluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(WeightedCluster, (), (cluster, weight, filters))

struct Forward {
  std::vector<WeightedCluster> clusters;  // weights of 0 are left out; all left out or none: 500
  bool operator==(const Forward&) const = default;
};
BOOST_DESCRIBE_STRUCT(Forward, (), (clusters))

/// Source: HTTPRequestRedirectFilter. What is absent is taken from the request; a port that is
/// absent follows the scheme where one is given (so none is written), else it is the listener's
/// (`listener_port`, written unless well known).
struct Redirect {
  std::optional<std::string> scheme;
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;
  std::optional<std::uint16_t> port;
  std::uint16_t listener_port = 0;
  int status = 302;
  bool operator==(const Redirect&) const = default;
};
BOOST_DESCRIBE_STRUCT(Redirect, (), (scheme, hostname, path, port, listener_port, status))

/// An answer without a backend. Source: kgateway DirectResponse.
struct DirectResponse {
  int status = 500;
  std::string body;
  std::optional<BodyFormat> format;  // that makes the body, in the place of `body`
  bool operator==(const DirectResponse&) const = default;
};
BOOST_DESCRIBE_STRUCT(DirectResponse, (), (status, body, format))

using Action = std::variant<Forward, Redirect, DirectResponse>;

/// How often a failed attempt is made again, and what counts as failure.
/// Source: HTTPRouteRetry (GEP-1731); kgateway TrafficPolicy.spec.retry.
struct Retry {
  /// Envoy's conditions (x-envoy-retry-on, x-envoy-retry-grpc-on).
  enum class On {
    k5xx,                 // a status of 500 and more, or no answer
    kGatewayError,        // 502, 503, 504, or no answer
    kReset,               // no answer: closed, reset, timed out
    kResetBeforeRequest,  // no answer, and the head of the request was not sent
    kConnectFailure,
    kEnvoyRatelimited,  // x-envoy-ratelimited is there
    kRetriable4xx,      // 409
    kRefusedStream,     // HTTP/2 REFUSED_STREAM
    kCancelled,         // grpc-status in the head
    kDeadlineExceeded,
    kInternal,
    kResourceExhausted,
    kUnavailable,
  };
  int attempts = 1;                       // tries after the first
  std::chrono::milliseconds backoff{25};  // before the second try; doubles, with jitter
  std::optional<std::chrono::milliseconds> backoff_max;  // given: jitter is over all of it
  std::vector<int> on_status;                            // upstream statuses that count as failure
  /// Absent: as Gateway API has it: what failed to connect, and what idempotent methods lost.
  /// Given: just these, whatever the method.
  std::optional<std::vector<On>> on;
  bool operator==(const Retry&) const = default;
};
BOOST_DESCRIBE_ENUM(Retry::On, k5xx, kGatewayError, kReset, kResetBeforeRequest, kConnectFailure,
                    kEnvoyRatelimited, kRetriable4xx, kRefusedStream, kCancelled, kDeadlineExceeded,
                    kInternal, kResourceExhausted, kUnavailable)
BOOST_DESCRIBE_STRUCT(Retry, (), (attempts, backoff, backoff_max, on_status, on))

/// A client's requests go to the endpoint that its first one went to, as long as that is there; a
/// cookie or a field says which. Source: SessionPersistence (GEP-1619).
struct SessionPersistence {
  enum class Type { kCookie, kHeader };
  Type type = Type::kCookie;
  std::string name;
  std::optional<std::chrono::seconds> absolute_timeout;  // after which a session begins anew
  bool permanent = false;  // the cookie outlives the browser, up to absolute_timeout
  bool operator==(const SessionPersistence&) const = default;
};
BOOST_DESCRIBE_ENUM(SessionPersistence::Type, kCookie, kHeader)
BOOST_DESCRIBE_STRUCT(SessionPersistence, (), (type, name, absolute_timeout, permanent))

/// Redirects of the backend that the gateway follows by itself.
/// Source: kgateway TrafficPolicy.spec.internalRedirect; Envoy's InternalRedirectPolicy.
struct InternalRedirect {
  std::vector<int> statuses;               // of answers that are followed
  bool cross_scheme = false;               // also from http to https, and back
  std::vector<std::string> copied_fields;  // of the answer, into the next request; lower case
  std::uint32_t redirects_max = 1;         // of one request
  bool operator==(const InternalRedirect&) const = default;
};
BOOST_DESCRIBE_STRUCT(InternalRedirect, (), (statuses, cross_scheme, copied_fields, redirects_max))

/// One rule of a route: what happens to a request that a Match led here.
struct Rule {
  Origin origin;
  std::string name;             // HTTPRouteRule.name
  std::string policy;           // one of Snapshot::policies: what holds here; empty: none
  std::vector<Filter> filters;  // in order
  Action action;
  std::optional<std::chrono::milliseconds>
      request_timeout;  // whole exchange; 504. 0 is no time-out
  std::optional<std::chrono::milliseconds> backend_timeout;  // one attempt; 504
  std::optional<std::chrono::milliseconds>
      stream_idle_timeout;  // nothing moves either way: 504, or reset; 0 is none
  std::optional<Retry> retry;
  std::optional<SessionPersistence> session;
  bool auto_host_rewrite = false;  // Host becomes the endpoint's name, where it is the only one
  std::optional<InternalRedirect> internal_redirect;
  std::string stat_prefix;  // under which its requests are counted apart; empty: they are not
  std::optional<RouteTracing> tracing;  // where it is not as the listener has it
  bool operator==(const Rule&) const = default;
};
BOOST_DESCRIBE_STRUCT(Rule, (),
                      (origin, name, policy, filters, action, request_timeout, backend_timeout,
                       stream_idle_timeout, retry, session, auto_host_rewrite, internal_redirect,
                       stat_prefix, tracing))

struct RouteEntry {
  Match match;
  std::uint32_t rule = 0;  // index into RouteTable::rules
  bool operator==(const RouteEntry&) const = default;
};
BOOST_DESCRIBE_STRUCT(RouteEntry, (), (match, rule))

/// The matches for one host name: exact ("a.example.com"), wildcard ("*.example.com": any number of
/// labels) or "*". `entries` stand in the order of precedence that HTTPRoute gives (exact path,
/// longest prefix, regex, method, number of headers, number of query parameters, oldest route,
/// route's name, order in the route): the first that matches is it.
struct VirtualHost {
  std::string hostname = "*";
  std::vector<RouteEntry> entries;
  bool operator==(const VirtualHost&) const = default;
};
BOOST_DESCRIBE_STRUCT(VirtualHost, (), (hostname, entries))

/// All HTTP routes of one Gateway listener. The most specific host that matches is looked at first;
/// where none of its entries matches, the next less specific one is.
struct RouteTable {
  std::vector<VirtualHost> hosts;  // one a host name
  std::vector<Rule> rules;
  bool operator==(const RouteTable&) const = default;
};
BOOST_DESCRIBE_STRUCT(RouteTable, (), (hosts, rules))

/// A route below HTTP: TLS passthrough (by SNI), TCP or UDP.
struct StreamRoute {
  Origin origin;
  std::vector<std::string> hostnames;  // SNI; empty: any
  std::vector<WeightedCluster> clusters;
  bool operator==(const StreamRoute&) const = default;
};
BOOST_DESCRIBE_STRUCT(StreamRoute, (), (origin, hostnames, clusters))

}  // namespace tidegate::proxy
