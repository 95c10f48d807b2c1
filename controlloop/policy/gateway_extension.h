#pragma once

#include <string_view>

#include "controlloop/policy/secrets.h"
#include "proxy/snapshot/external_auth.h"

/// What fields of policies share that name a GatewayExtension with a service.
namespace tidegate::controlloop::policy {

/// The cluster of an extension's service; empty, and the policy invalid, where it does not resolve.
std::string service_cluster(const config::BackendRef& ref,
                            const config::kgateway::GatewayExtension& extension, bool grpc,
                            std::string_view path, FieldContext& context);

/// How often a call is made again.
void set_retries(const std::optional<config::kgateway::ServiceRetry>& from, proxy::ServiceCall& to);

/// A gRPC service of an extension, as the proxy calls it. One that does not resolve makes the
/// policy invalid. Where the settings give no time-out it is `timeout`.
proxy::ServiceCall grpc_service(const config::kgateway::GrpcService& from,
                                const config::kgateway::GatewayExtension& extension,
                                std::chrono::milliseconds timeout, std::string_view path,
                                FieldContext& context);

/// A prefix of counters as it stands in their names: whitespace, colons and what is no ASCII become
/// `_`, as Envoy's names have no such parts. Source: GatewayExtension's statPrefix.
std::string metric_part(const std::optional<std::string>& prefix);

}  // namespace tidegate::controlloop::policy
