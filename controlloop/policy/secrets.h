#pragma once

#include <optional>
#include <string>

#include "config/kinds/core/secret_object.h"
#include "config/kinds/kgateway/gateway_extension.h"
#include "controlloop/policy/traffic_field.h"

/// What fields of a TrafficPolicy refer to, or why it is not there.
namespace tidegate::controlloop::policy {

struct FoundSecret {
  const config::SecretObject* secret = nullptr;
  std::string problem;  // where it is null
};
/// A Secret that an object of `kind` in `namespace_` refers to; elsewhere a ReferenceGrant is
/// needed.
FoundSecret find_secret(FieldContext& context, std::string_view kind, const std::string& namespace_,
                        const std::optional<std::string>& in, const std::string& name);

struct FoundExtension {
  const config::kgateway::GatewayExtension* extension = nullptr;
  std::string problem;  // where it is null
};
/// A GatewayExtension, which needs no grant elsewhere: kgateway's default mode asks for none.
FoundExtension find_extension(FieldContext& context, const config::kgateway::NamespacedRef& ref);

}  // namespace tidegate::controlloop::policy
