#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidegate::proxy {

/// A service of the user's that we call. Source: kgateway ExtGrpcService, ExtHttpService.
struct ServiceCall {
  std::string cluster;
  std::string authority;  // empty: the cluster's name
  std::chrono::milliseconds timeout{200};
  std::uint32_t retries = 0;  // tries after the first, where nothing came back (HTTP: or a 5xx)
  std::chrono::milliseconds backoff{1000};       // before the second try; doubles, with jitter
  std::chrono::milliseconds backoff_max{10000};  // at most
  bool operator==(const ServiceCall&) const = default;
};
BOOST_DESCRIBE_STRUCT(ServiceCall, (), (cluster, authority, timeout, retries, backoff, backoff_max))

/// A service that must allow the request. Source: HTTPRouteFilter type ExternalAuth (GEP-1494);
/// TrafficPolicy.spec.extAuth, GatewayExtension.spec.extAuth; Envoy's ext_authz.
struct ExternalAuth {
  enum class Protocol { kHttp, kGrpc };  // kGrpc: Envoy's ext_authz
  Protocol protocol = Protocol::kHttp;
  ServiceCall service{.timeout = std::chrono::milliseconds(2000)};
  std::string path_prefix;                                // kHttp: before the request's path
  std::vector<std::string> request_headers;               // that it sees; kGrpc: empty is all
  std::map<std::string, std::string> headers_to_add;      // kHttp: to its request; formats
  bool all_headers_to_backend = false;                    // kHttp: of an answer that allows
  std::vector<std::string> headers_to_backend;            // kHttp: else these
  bool all_headers_to_client = true;                      // kHttp: of a denial
  std::vector<std::string> headers_to_client;             // kHttp: else these
  std::vector<std::string> headers_to_client_on_success;  // kHttp
  std::map<std::string, std::string> context_extensions;  // kGrpc
  std::uint64_t body_max = 0;                             // bytes of the body that it sees; 0: none
  bool body_partial = false;                              // a longer body is cut for it; else 413
  bool body_as_bytes = false;
  bool fail_open = false;
  int status_on_error = 403;
  std::uint32_t percent_enabled = 100;  // others go on unasked
  std::string stat_prefix;              // under which it is counted; empty: none
  bool reroute = false;                 // a request that it has changed is routed again
  bool operator==(const ExternalAuth&) const = default;
};
BOOST_DESCRIBE_ENUM(ExternalAuth::Protocol, kHttp, kGrpc)
BOOST_DESCRIBE_STRUCT(ExternalAuth, (),
                      (protocol, service, path_prefix, request_headers, headers_to_add,
                       all_headers_to_backend, headers_to_backend, all_headers_to_client,
                       headers_to_client, headers_to_client_on_success, context_extensions,
                       body_max, body_partial, body_as_bytes, fail_open, status_on_error,
                       percent_enabled, stat_prefix, reroute))

}  // namespace tidegate::proxy
