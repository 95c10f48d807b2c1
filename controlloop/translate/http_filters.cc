#include "controlloop/translate/http_filters.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlloop/policy/target.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/direct_response.h"

namespace tidegate::controlloop::translate {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

proxy::HeaderChanges changes(const config::HeaderModifier& modifier) {
  proxy::HeaderChanges out;
  for (const auto& one : modifier.set) out.set.push_back({lower(one.name), one.value});
  for (const auto& one : modifier.add) out.add.push_back({lower(one.name), one.value});
  for (const auto& one : modifier.remove) out.remove.push_back(lower(one));
  return out;
}

std::optional<proxy::PathModifier> path_modifier(
    const std::optional<config::HttpPathModifier>& modifier) {
  if (!modifier) return std::nullopt;
  if (modifier->type == config::HttpPathModifier::Type::kReplaceFullPath) {
    return proxy::PathModifier{proxy::PathModifier::Kind::kFull,
                               modifier->replace_full_path.value_or("/")};
  }
  return proxy::PathModifier{proxy::PathModifier::Kind::kPrefix,
                             modifier->replace_prefix_match.value_or("/")};
}

proxy::Cors cors(const config::HttpCors& from) {
  proxy::Cors out;
  out.allow_origins = from.allow_origins;
  out.allow_credentials = from.allow_credentials;
  out.allow_methods = from.allow_methods;
  out.allow_headers = from.allow_headers;
  out.expose_headers = from.expose_headers;
  out.max_age = std::chrono::seconds(from.max_age);
  return out;
}

/// A service that does not resolve lets nothing through.
void external_auth(const char* kind, const config::HttpRoute& route,
                   const config::HttpExternalAuth& from, const std::string& path,
                   Backends& backends, Report& report, TranslatedFilters& out) {
  proxy::ExternalAuth to;
  const bool grpc = from.protocol == config::HttpExternalAuth::Protocol::kGrpc;
  if (grpc) to.protocol = proxy::ExternalAuth::Protocol::kGrpc;
  ResolvedBackend backend =
      backends.resolve(kind, route.meta.namespace_, from.backend_ref,
                       grpc ? Backends::Speaks::kHttp2 : Backends::Speaks::kAsItSays);
  if (!backend.reason.empty()) {
    report.error(kind, route.meta, path + ".backendRef", backend.message);
    if (out.unresolved.empty()) {
      out.unresolved = backend.reason;
      out.message = backend.message;
    }
  }
  to.service.cluster = backend.cluster;
  if (grpc && from.grpc) to.request_headers = from.grpc->allowed_headers;
  if (!grpc && from.http) {
    to.path_prefix = from.http->path;
    while (to.path_prefix.ends_with('/')) to.path_prefix.pop_back();
    if (!to.path_prefix.empty() && to.path_prefix.front() != '/') to.path_prefix.insert(0, "/");
    to.request_headers = from.http->allowed_headers;
    to.headers_to_backend = from.http->allowed_response_headers;
  }
  to.all_headers_to_backend = !grpc && to.headers_to_backend.empty();
  if (from.forward_body) to.body_max = static_cast<std::uint64_t>(from.forward_body->max_size);
  out.filters.push_back(std::move(to));
}

/// A rule has one action. A reference that leads nowhere leaves none.
void direct_response(const char* kind, const config::HttpRoute& route, const std::string& name,
                     const std::string& path, Backends& backends, Report& report,
                     TranslatedFilters& out) {
  NamedResponse found = find_direct_response(backends.objects(), route.meta.namespace_, name);
  if (found.missing && out.unresolved.empty()) {
    out.unresolved = "BackendNotFound";
    out.message = found.problem;
  }
  if (found.response && out.direct) found.problem = "a rule has one DirectResponse only";
  if (!found.problem.empty()) {
    report.error(kind, route.meta, path,
                 found.problem + ": requests that it would act on are answered with 500");
    out.unsupported = std::move(found.problem);
  }
  out.direct = std::move(found.response);
}

/// Who may refuse a request goes before who changes it, CORS before all: a preflight carries no
/// credentials. Others keep their order.
int rank(const proxy::Filter& filter) {
  if (std::holds_alternative<proxy::Cors>(filter)) return 0;
  return std::holds_alternative<proxy::ExternalAuth>(filter) ? 1 : 2;
}

}  // namespace

TranslatedFilters translate_filters(const char* kind, const config::HttpRoute& route,
                                    const std::vector<config::HttpRouteFilter>& filters,
                                    const std::string& path, Backends& backends, Report& report,
                                    const FilterTypes& without) {
  TranslatedFilters out;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const config::HttpRouteFilter& filter = filters[i];
    if (without.contains(filter.type)) continue;
    const std::string here = fmt::format("{}[{}]", path, i);
    auto unsupported = [&](const std::string& what) {
      out.unsupported = what;
      report.error(kind, route.meta, here,
                   what + ": requests that it would act on are answered with 500");
    };
    switch (filter.type) {
      case config::HttpFilterType::kRequestHeaderModifier:
        out.filters.push_back(
            proxy::RequestHeaderModifier{changes(*filter.request_header_modifier)});
        break;
      case config::HttpFilterType::kResponseHeaderModifier:
        out.filters.push_back(
            proxy::ResponseHeaderModifier{changes(*filter.response_header_modifier)});
        break;
      case config::HttpFilterType::kUrlRewrite:
        out.filters.push_back(proxy::UrlRewrite{filter.url_rewrite->hostname,
                                                path_modifier(filter.url_rewrite->path)});
        break;
      case config::HttpFilterType::kCors:
        out.filters.push_back(cors(*filter.cors));
        break;
      case config::HttpFilterType::kRequestRedirect: {
        const config::HttpRequestRedirect& from = *filter.request_redirect;
        proxy::Redirect redirect;
        redirect.scheme = from.scheme;
        redirect.hostname = from.hostname;
        redirect.path = path_modifier(from.path);
        if (from.port) redirect.port = static_cast<std::uint16_t>(*from.port);
        redirect.status = from.status_code;
        out.redirect = std::move(redirect);
        break;
      }
      case config::HttpFilterType::kRequestMirror: {
        const config::RequestMirror& from = *filter.request_mirror;
        ResolvedBackend backend = backends.resolve(kind, route.meta.namespace_, from.backend_ref);
        if (!backend.reason.empty()) {
          report.error(kind, route.meta, here + ".requestMirror.backendRef", backend.message);
          if (out.unresolved.empty()) {
            out.unresolved = backend.reason;
            out.message = backend.message;
          }
          break;
        }
        proxy::RequestMirror mirror;
        mirror.cluster = backend.cluster;
        if (from.fraction) {
          mirror.numerator = static_cast<std::uint32_t>(from.fraction->numerator);
          mirror.denominator = static_cast<std::uint32_t>(from.fraction->denominator);
        } else if (from.percent) {
          mirror.numerator = static_cast<std::uint32_t>(*from.percent);
        }
        out.filters.push_back(std::move(mirror));
        break;
      }
      case config::HttpFilterType::kExternalAuth:
        external_auth(kind, route, *filter.external_auth, here + ".externalAuth", backends, report,
                      out);
        break;
      case config::HttpFilterType::kExtensionRef: {
        if (names_policy(*filter.extension_ref)) break;
        if (names_direct_response(*filter.extension_ref)) {
          direct_response(kind, route, filter.extension_ref->name, here + ".extensionRef", backends,
                          report, out);
          break;
        }
        const std::string what = fmt::format("{} {} is not known", filter.extension_ref->kind,
                                             filter.extension_ref->name);
        unsupported(what);
        if (out.unresolved.empty()) {
          out.unresolved = "InvalidKind";
          out.message = what;
        }
        break;
      }
    }
  }
  order_filters(out.filters);
  return out;
}

bool names_policy(const config::LocalObjectRef& ref) {
  return ref.group == policy::kPolicyGroup && ref.kind == "TrafficPolicy";
}

void order_filters(std::vector<proxy::Filter>& filters) {
  std::stable_sort(filters.begin(), filters.end(),
                   [](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

}  // namespace tidegate::controlloop::translate
