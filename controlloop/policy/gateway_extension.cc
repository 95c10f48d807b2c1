#include "controlloop/policy/gateway_extension.h"

#include <fmt/format.h>

#include <string>

namespace tidegate::controlloop::policy {

using config::kgateway::GatewayExtension;

proxy::ServiceCall grpc_service(const config::kgateway::GrpcService& from,
                                const GatewayExtension& extension,
                                std::chrono::milliseconds timeout, std::string_view path,
                                FieldContext& context) {
  proxy::ServiceCall out;
  const config::BackendRef& ref = from.backend_ref;
  References::Backend backend =
      context.references.backend("GatewayExtension", extension.meta.namespace_,
                                 {ref.group, ref.kind, ref.name, ref.namespace_, ref.port}, true);
  if (!backend.problem.empty()) {
    context.error(path, fmt::format("GatewayExtension {}/{}: {}", extension.meta.namespace_,
                                    extension.meta.name, backend.problem));
  }
  out.cluster = std::move(backend.cluster);
  out.authority = from.authority.value_or("");
  out.timeout = from.request_timeout.value_or(timeout);
  if (from.retry) {
    out.retries = static_cast<std::uint32_t>(from.retry->attempts);
    if (from.retry->backoff) out.backoff = from.retry->backoff->base_interval;
  }
  return out;
}

}  // namespace tidegate::controlloop::policy
