#include <fmt/format.h>

#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {

void make_csrf(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::CsrfPolicy& from = *policy.csrf;
  proxy::Csrf to;
  to.enabled_percent = static_cast<std::uint32_t>(from.percentage_enabled.value_or(0));
  to.shadow_percent = static_cast<std::uint32_t>(from.percentage_shadowed.value_or(0));
  for (std::size_t i = 0; i < from.additional_origins.size(); ++i) {
    std::string problem;
    to.allowed_origins.push_back(text_match(from.additional_origins[i], problem));
    if (!problem.empty())
      context.error(fmt::format("spec.csrf.additionalOrigins[{}].safeRegex", i),
                    "csrf: " + problem);
  }
  if (!from.percentage_enabled && !from.percentage_shadowed)
    context.warning("spec.csrf",
                    "neither percentageEnabled nor percentageShadowed is given: no request is "
                    "looked at");
  context.add(kAtCsrf, std::move(to));
}

}  // namespace tidegate::controlloop::policy
