#pragma once

#include "config/kinds/kgateway/http_settings.h"
#include "config/kinds/kgateway/listener_policy.h"
#include "controlloop/translate/setting_warning.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::controlloop::translate {

/// What a listener's settings mean for the proxy.
proxy::HttpOptions http_options(const config::kgateway::HttpSettings& from,
                                const WarnOfSetting& warn);
/// Nothing where all is as usual.
std::optional<proxy::ConnectionOptions> connection_options(
    const config::kgateway::ListenerSettings& from);

/// Gives `to` the members that it does not have itself. True: it took some.
bool fill(config::kgateway::HttpSettings& to, const config::kgateway::HttpSettings& from);
bool fill(config::kgateway::ListenerSettings& to, const config::kgateway::ListenerSettings& from);

}  // namespace tidegate::controlloop::translate
