#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

void make_buffer(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::Buffer& from = *policy.buffer;
  if (from.disable || !from.max_request_size) return;  // exactly one of them is given
  context.add(kAtBuffer, proxy::Buffer{from.max_request_size->bytes});
}

}  // namespace tidegate::controlloop::policy
