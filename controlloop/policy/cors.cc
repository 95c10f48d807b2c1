#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

void make_cors(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::CorsPolicy& from = *policy.cors;
  if (from.disable) return;
  proxy::Cors to;
  to.allow_origins = from.allow_origins;
  to.allow_credentials = from.allow_credentials;
  to.allow_methods = from.allow_methods;
  to.allow_headers = from.allow_headers;
  to.expose_headers = from.expose_headers;
  to.max_age = std::chrono::seconds(from.max_age);
  context.add(kAtCors, std::move(to));
}

}  // namespace tidegate::controlloop::policy
