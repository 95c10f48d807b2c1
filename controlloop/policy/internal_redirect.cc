#include <fmt/format.h>

#include <algorithm>

#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

constexpr std::int64_t kMost = 32;  // redirects of one request: each is an exchange of its own

}  // namespace

void check_internal_redirect(const TrafficPolicy& policy, FieldContext& context) {
  if (policy.internal_redirect->max_redirects > kMost) {
    context.warning("spec.internalRedirect.maxRedirects",
                    fmt::format("of one request at most {} redirects are followed", kMost));
  }
}

void apply_internal_redirect(const TrafficPolicy& policy, proxy::Rule& rule) {
  const config::kgateway::InternalRedirect& from = *policy.internal_redirect;
  proxy::InternalRedirect& to = rule.internal_redirect.emplace();
  to.statuses = from.redirect_response_codes;
  if (to.statuses.empty()) to.statuses = {302};
  to.cross_scheme = from.allow_cross_scheme_redirect;
  for (const std::string& name : from.response_headers_to_copy)
    to.copied_fields.push_back(lower(name));
  to.redirects_max = static_cast<std::uint32_t>(std::min(from.max_redirects, kMost));
}

}  // namespace tidegate::controlloop::policy
