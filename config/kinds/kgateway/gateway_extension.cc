#include "config/kinds/kgateway/gateway_extension.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(GatewayExtension::Type) {
  static const std::vector<std::string_view> names{"ExtAuth", "ExtProc", "RateLimit", "JWT",
                                                   "OAuth2"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<GatewayExtension>() {
  using E = GatewayExtension;
  using T = E::Type;
  static const Description description = [] {
    Fields<E> f;
    f.field<&E::type>("type", Bounds().effect(Effect::kNoEffect).doc("the members decide"))
        .field<&E::ext_auth>("extAuth")
        .field<&E::ext_proc>("extProc")
        .field<&E::rate_limit>("rateLimit")
        .field<&E::jwt>("jwt")
        .field<&E::oauth2>("oauth2")
        .rule("extAuth must be set when type is ExtAuth",
              [](const E& e) { return e.type != T::kExtAuth || e.ext_auth; })
        .rule("extProc must be set when type is ExtProc",
              [](const E& e) { return e.type != T::kExtProc || e.ext_proc; })
        .rule("rateLimit must be set when type is RateLimit",
              [](const E& e) { return e.type != T::kRateLimit || e.rate_limit; })
        .rule("JWT must be set when type is JWT",
              [](const E& e) { return e.type != T::kJwt || e.jwt; })
        .rule("oauth2 must be set when type is OAuth2",
              [](const E& e) { return e.type != T::kOAuth2 || e.oauth2; });
    exactly_one<&E::ext_auth, &E::ext_proc, &E::rate_limit, &E::jwt, &E::oauth2>(
        f, "extAuth extProc rateLimit jwt oauth2");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
