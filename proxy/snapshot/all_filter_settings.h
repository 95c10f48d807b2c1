#pragma once

#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>

#include "proxy/snapshot/auth_filters.h"
#include "proxy/snapshot/aws.h"
#include "proxy/snapshot/external_processing.h"
#include "proxy/snapshot/filter_settings.h"
#include "proxy/snapshot/filters.h"
#include "proxy/snapshot/rate_limit.h"
#include "proxy/snapshot/traffic_filters.h"
#include "proxy/snapshot/transformation.h"

namespace tidegate::proxy {

/// Every kind of filter that may stand in Snapshot::shared_filters, and its name in the config
/// dump.
// clang-format off: a line each, so that additions do not collide
using AllFilterSettings = std::tuple<
    RequestHeaderModifier,
    ResponseHeaderModifier,
    UrlRewrite,
    PathRegexRewrite,
    Cors,
    ExternalAuth,
    ExternalProcessing,
    LocalRateLimit,
    GlobalRateLimit,
    IpAcl,
    Csrf,
    BasicAuth,
    ApiKeyAuth,
    JwtAuth,
    OAuth2,
    Rbac,
    Compression,
    Decompression,
    FaultInjection,
    Buffer,
    Transformation,
    LambdaInvocation>;
inline constexpr const char* kFilterSettingsNames[] = {
    "request_header_modifier",
    "response_header_modifier",
    "url_rewrite",
    "path_regex_rewrite",
    "cors",
    "external_auth",
    "external_processing",
    "local_rate_limit",
    "global_rate_limit",
    "ip_acl",
    "csrf",
    "basic_auth",
    "api_key_auth",
    "jwt",
    "oauth2",
    "rbac",
    "compression",
    "decompression",
    "fault_injection",
    "buffer",
    "transformation",
    "aws_lambda"};
// clang-format on
static_assert(std::tuple_size_v<AllFilterSettings> == std::size(kFilterSettingsNames));

/// Calls `each(name, settings)` with the kind that is held; nothing where it is none of the list.
template <class Each>
void visit(const FilterSettings& settings, Each each) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto one = [&](auto* kind, const char* name) {
      using Kind = std::remove_pointer_t<decltype(kind)>;
      if (const Kind* held = settings.get<Kind>()) each(name, *held);
    };
    (one(static_cast<std::tuple_element_t<I, AllFilterSettings>*>(nullptr),
         kFilterSettingsNames[I]),
     ...);
  }(std::make_index_sequence<std::tuple_size_v<AllFilterSettings>>());
}

}  // namespace tidegate::proxy
