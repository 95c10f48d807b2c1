#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

/// The host name of the endpoint that is picked becomes the request's, unless the route rewrites
/// it.
void apply_auto_host_rewrite(const TrafficPolicy& policy, proxy::Rule& rule) {
  if (!*policy.auto_host_rewrite || rule.origin.kind != "HTTPRoute") return;
  // A function's invocation is signed for the host that it has.
  for (const proxy::WeightedCluster& one : std::get<proxy::Forward>(rule.action).clusters) {
    for (const proxy::Filter& filter : one.filters) {
      if (std::holds_alternative<proxy::SharedFilter>(filter)) return;
    }
  }
  rule.auto_host_rewrite =
      std::none_of(rule.filters.begin(), rule.filters.end(), [](const proxy::Filter& filter) {
        const auto* rewrite = std::get_if<proxy::UrlRewrite>(&filter);
        return rewrite != nullptr && rewrite->hostname.has_value();
      });
}

void check_request_mirror(const TrafficPolicy& policy, FieldContext& context) {
  const std::string host = policy.request_mirror->host_rewrite_literal.value_or("");
  const auto in_hosts = [](char c) { return c > 0x20 && c < 0x7F && c != '/' && c != '@'; };
  if (!std::all_of(host.begin(), host.end(), in_hosts))
    context.error("spec.requestMirror.hostRewriteLiteral", host + " is no host");
}

/// Of all copies that the rule and its backends make.
void apply_request_mirror(const TrafficPolicy& policy, proxy::Rule& rule) {
  const std::string host = policy.request_mirror->host_rewrite_literal.value_or("");
  auto set = [&host](std::vector<proxy::Filter>& filters) {
    for (proxy::Filter& filter : filters) {
      if (auto* mirror = std::get_if<proxy::RequestMirror>(&filter)) mirror->authority = host;
    }
  };
  set(rule.filters);
  if (auto* forward = std::get_if<proxy::Forward>(&rule.action)) {
    for (proxy::WeightedCluster& one : forward->clusters) set(one.filters);
  }
}

void make_url_rewrite(const TrafficPolicy& policy, FieldContext& context) {
  if (!policy.url_rewrite->path_regex) return;
  const config::kgateway::UrlRewrite::PathRegex& from = *policy.url_rewrite->path_regex;
  re2::RE2::Options options;
  options.set_log_errors(false);
  const re2::RE2 pattern(from.pattern, options);
  if (!pattern.ok()) {
    context.error("spec.urlRewrite.pathRegex.pattern",
                  fmt::format("{} is no RE2 expression: {}", from.pattern, pattern.error()));
    return;
  }
  std::string wrong;
  if (!pattern.CheckRewriteString(from.substitution, &wrong)) {
    context.error("spec.urlRewrite.pathRegex.substitution", wrong);
    return;
  }
  const auto in_paths = [](char c) { return c > 0x20 && c < 0x7F && c != '#'; };
  if (!std::all_of(from.substitution.begin(), from.substitution.end(), in_paths)) {
    context.error("spec.urlRewrite.pathRegex.substitution",
                  "it holds a character that no path may have");
    return;
  }
  context.add(kAtRouter, proxy::PathRegexRewrite{from.pattern, from.substitution});
}

}  // namespace tidegate::controlloop::policy
