#pragma once

#include <string_view>

#include "controlloop/policy/secrets.h"
#include "proxy/snapshot/external_auth.h"

/// What fields of policies share that name a GatewayExtension with a service.
namespace tidegate::controlloop::policy {

/// A gRPC service of an extension, as the proxy calls it. One that does not resolve makes the
/// policy invalid. Where the settings give no time-out it is `timeout`.
proxy::ServiceCall grpc_service(const config::kgateway::GrpcService& from,
                                const config::kgateway::GatewayExtension& extension,
                                std::chrono::milliseconds timeout, std::string_view path,
                                FieldContext& context);

}  // namespace tidegate::controlloop::policy
