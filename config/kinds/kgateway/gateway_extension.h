#pragma once

#include <optional>

#include "config/fields/meta.h"
#include "config/kinds/kgateway/external_services.h"
#include "config/kinds/kgateway/jwt.h"
#include "config/kinds/kgateway/oauth2.h"

namespace tidegate::config::kgateway {

/// A service that filters call. Exactly one of the members after `type`; `type` decides nothing.
/// Source: GatewayExtensionSpec.
struct GatewayExtension {
  enum class Type { kExtAuth, kExtProc, kRateLimit, kJwt, kOAuth2 };
  Meta meta;
  std::optional<Type> type;
  std::optional<ExtAuthProvider> ext_auth;
  std::optional<ExtProcProvider> ext_proc;
  std::optional<RateLimitProvider> rate_limit;
  std::optional<JwtProviders> jwt;
  std::optional<OAuth2Provider> oauth2;
  bool operator==(const GatewayExtension&) const = default;
};

}  // namespace tidegate::config::kgateway
