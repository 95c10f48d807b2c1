#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/gateway/route_filters.h"

namespace tidegate::config {

enum class PathMatchType { kExact, kPathPrefix, kRegularExpression };
enum class ValueMatchType { kExact, kRegularExpression };

struct HttpPathMatch {
  PathMatchType type = PathMatchType::kPathPrefix;
  std::string value = "/";
  bool operator==(const HttpPathMatch&) const = default;
};

/// A header or query parameter. Header names as written: compare without regard to case.
struct HttpValueMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::string name;
  std::string value;
  bool operator==(const HttpValueMatch&) const = default;
};

struct HttpRouteMatch {
  HttpPathMatch path;
  std::vector<HttpValueMatch> headers;
  std::vector<HttpValueMatch> query_params;
  std::string method;  // empty: any
  bool operator==(const HttpRouteMatch&) const = default;
};

struct HttpPathModifier {
  enum class Type { kReplaceFullPath, kReplacePrefixMatch };
  Type type = Type::kReplaceFullPath;
  std::optional<std::string> replace_full_path;
  std::optional<std::string> replace_prefix_match;
  bool operator==(const HttpPathModifier&) const = default;
};

struct HttpRequestRedirect {
  std::optional<std::string> scheme;  // http, https
  std::optional<std::string> hostname;
  std::optional<HttpPathModifier> path;
  std::optional<int> port;
  int status_code = 302;  // 301, 302, 303, 307, 308
  bool operator==(const HttpRequestRedirect&) const = default;
};

struct HttpUrlRewrite {
  std::optional<std::string> hostname;
  std::optional<HttpPathModifier> path;
  bool operator==(const HttpUrlRewrite&) const = default;
};

/// Source: HTTPCORSFilter (GEP-1767).
struct HttpCors {
  std::vector<std::string> allow_origins;
  bool allow_credentials = false;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  int max_age = 5;  // seconds
  bool operator==(const HttpCors&) const = default;
};

/// Source: HTTPExternalAuthFilter (GEP-1494).
struct HttpExternalAuth {
  enum class Protocol { kHttp, kGrpc };
  struct Grpc {
    std::vector<std::string> allowed_headers;
    bool operator==(const Grpc&) const = default;
  };
  struct Http {
    std::string path;
    std::vector<std::string> allowed_headers;
    std::vector<std::string> allowed_response_headers;
    bool operator==(const Http&) const = default;
  };
  struct ForwardBody {
    std::int64_t max_size = 0;  // bytes; 0: the body is not sent
    bool operator==(const ForwardBody&) const = default;
  };
  Protocol protocol = Protocol::kHttp;
  BackendObjectRef backend_ref;
  std::optional<Grpc> grpc;
  std::optional<Http> http;
  std::optional<ForwardBody> forward_body;
  bool operator==(const HttpExternalAuth&) const = default;
};

enum class HttpFilterType {
  kRequestHeaderModifier,
  kResponseHeaderModifier,
  kRequestMirror,
  kRequestRedirect,
  kUrlRewrite,
  kExtensionRef,
  kCors,
  kExternalAuth,
};

/// Exactly the member that `type` names is set. Source: HTTPRouteFilter.
struct HttpRouteFilter {
  HttpFilterType type = HttpFilterType::kExtensionRef;
  std::optional<HeaderModifier> request_header_modifier;
  std::optional<HeaderModifier> response_header_modifier;
  std::optional<RequestMirror> request_mirror;
  std::optional<HttpRequestRedirect> request_redirect;
  std::optional<HttpUrlRewrite> url_rewrite;
  std::optional<HttpCors> cors;
  std::optional<HttpExternalAuth> external_auth;
  std::optional<LocalObjectRef> extension_ref;
  bool operator==(const HttpRouteFilter&) const = default;
};

struct HttpBackendRef : BackendRef {
  std::vector<HttpRouteFilter> filters;
  bool operator==(const HttpBackendRef&) const = default;
};

struct HttpRouteTimeouts {
  std::optional<std::chrono::milliseconds> request;  // 0: none
  std::optional<std::chrono::milliseconds> backend_request;
  bool operator==(const HttpRouteTimeouts&) const = default;
};

/// Source: HTTPRouteRetry (GEP-1731).
struct HttpRouteRetry {
  std::vector<int> codes;       // 400..599
  std::optional<int> attempts;  // tries after the first
  std::optional<std::chrono::milliseconds> backoff;
  bool operator==(const HttpRouteRetry&) const = default;
};

struct HttpRouteRule {
  std::string name;  // may be empty
  std::vector<HttpRouteMatch> matches{
      HttpRouteMatch{}};  // at least one: defaults to PathPrefix "/"
  std::vector<HttpRouteFilter> filters;
  std::vector<HttpBackendRef> backend_refs;
  HttpRouteTimeouts timeouts;
  std::optional<HttpRouteRetry> retry;
  std::optional<SessionPersistence> session_persistence;
  bool operator==(const HttpRouteRule&) const = default;
};

/// Source: Gateway API HTTPRoute.
struct HttpRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::optional<DefaultScope> use_default_gateways;
  std::vector<std::string> hostnames;
  std::vector<HttpRouteRule> rules{
      HttpRouteRule{}};  // defaults to one rule that matches everything
  bool operator==(const HttpRoute&) const = default;
};

}  // namespace tidegate::config
