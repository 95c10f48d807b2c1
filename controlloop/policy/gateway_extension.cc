#include "controlloop/policy/gateway_extension.h"

#include <fmt/format.h>

#include <string>

namespace tidegate::controlloop::policy {

using config::kgateway::GatewayExtension;

std::string service_cluster(const config::BackendRef& ref, const GatewayExtension& extension,
                            bool grpc, std::string_view path, FieldContext& context) {
  References::Backend backend =
      context.references.backend("GatewayExtension", extension.meta.namespace_,
                                 {ref.group, ref.kind, ref.name, ref.namespace_, ref.port}, grpc);
  if (!backend.problem.empty()) {
    context.error(path, fmt::format("GatewayExtension {}/{}: {}", extension.meta.namespace_,
                                    extension.meta.name, backend.problem));
  }
  return std::move(backend.cluster);
}

void set_retries(const std::optional<config::kgateway::ServiceRetry>& from,
                 proxy::ServiceCall& to) {
  if (!from) return;
  to.retries = static_cast<std::uint32_t>(from->attempts);
  if (!from->backoff) return;
  to.backoff = from->backoff->base_interval;
  to.backoff_max = from->backoff->max_interval.value_or(10 * to.backoff);
}

proxy::ServiceCall grpc_service(const config::kgateway::GrpcService& from,
                                const GatewayExtension& extension,
                                std::chrono::milliseconds timeout, std::string_view path,
                                FieldContext& context) {
  proxy::ServiceCall out;
  out.cluster = service_cluster(from.backend_ref, extension, true, path, context);
  out.authority = from.authority.value_or("");
  out.timeout = from.request_timeout.value_or(timeout);
  set_retries(from.retry, out);
  return out;
}

std::string metric_part(const std::optional<std::string>& prefix) {
  std::string out = prefix.value_or("");
  for (char& c : out) {
    if (c <= ' ' || c > '~' || c == ':') c = '_';
  }
  return out;
}

}  // namespace tidegate::controlloop::policy
