#include <fmt/format.h>

#include "controlloop/policy/gateway_extension.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/format/format.h"

namespace tidegate::controlloop::policy {
namespace {

constexpr std::string_view kPath = "spec.extAuth.extensionRef";
constexpr std::chrono::milliseconds kGrpcTimeout{200};  // Envoy's

/// A service that speaks plain HTTP.
void http_service(const config::kgateway::HttpAuthService& from,
                  const config::kgateway::GatewayExtension& extension, proxy::ExternalAuth& to,
                  FieldContext& context) {
  to.protocol = proxy::ExternalAuth::Protocol::kHttp;
  to.service.cluster = service_cluster(from.backend_ref, extension, false, kPath, context);
  to.service.timeout = from.request_timeout;
  set_retries(from.retry, to.service);
  to.path_prefix = from.path_prefix;
  to.all_headers_to_client = true;  // unless some are named
  if (from.authorization_request) {
    for (const auto& [name, value] : from.authorization_request->headers_to_add) {
      proxy::format::Problem wrong;
      proxy::format::Format::compile(value, wrong);
      if (wrong) {
        context.error_in(
            "GatewayExtension", extension.meta,
            "spec.extAuth.httpService.authorizationRequest.headersToAdd",
            fmt::format("GatewayExtension {}/{}: headersToAdd[{}]: {}", extension.meta.namespace_,
                        extension.meta.name, name, wrong.text()));
      }
      to.headers_to_add[name] = value;
    }
  }
  if (from.authorization_response) {
    to.headers_to_backend = from.authorization_response->headers_to_backend;
    to.headers_to_client = from.authorization_response->headers_to_client;
    to.all_headers_to_client = to.headers_to_client.empty();
    to.headers_to_client_on_success = from.authorization_response->headers_to_client_on_success;
  }
}

}  // namespace

void make_ext_auth(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::ExtAuthPolicy& from = *policy.ext_auth;
  if (from.disable || !from.extension_ref) return;
  const FoundExtension found = find_extension(context, *from.extension_ref);
  if (!found.extension) {
    context.error(kPath, found.problem);
    return;
  }
  const config::kgateway::GatewayExtension* extension = found.extension;
  if (!extension->ext_auth) {
    context.error(kPath, fmt::format("GatewayExtension {} has no extAuth", extension->meta.name));
    return;
  }
  const config::kgateway::ExtAuthProvider& provider = *extension->ext_auth;
  proxy::ExternalAuth to;
  if (provider.grpc_service) {
    to.protocol = proxy::ExternalAuth::Protocol::kGrpc;
    to.service = grpc_service(*provider.grpc_service, *extension, kGrpcTimeout, kPath, context);
  } else if (provider.http_service) {
    http_service(*provider.http_service, *extension, to, context);
  }
  to.request_headers = provider.headers_to_forward;
  to.fail_open = provider.fail_open;
  to.status_on_error = provider.status_on_error;
  to.context_extensions = from.context_extensions;
  to.stat_prefix = metric_part(provider.stat_prefix);
  to.reroute = provider.clear_route_cache;
  const auto& body = from.with_request_body ? from.with_request_body : provider.with_request_body;
  if (body) {
    to.body_max = static_cast<std::uint64_t>(body->max_request_bytes);
    to.body_partial = body->allow_partial_message;
    to.body_as_bytes = body->pack_as_bytes;
  }
  context.add(kAtExtAuth, std::move(to));
}

}  // namespace tidegate::controlloop::policy
