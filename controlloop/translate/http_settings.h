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

/// Whether both make HTTP of the same kind, whoever says so.
bool same_settings(const std::optional<proxy::HttpOptions>& one,
                   const std::optional<proxy::HttpOptions>& other);

/// Has `to` believe a client no more of what it says of itself than `other` does: its address, its
/// certificate, its request id, and fields that it must not send. Absent: a listener without a
/// policy. Whether that changed anything.
bool narrow_trust(proxy::HttpOptions& to, const std::optional<proxy::HttpOptions>& other);

}  // namespace tidegate::controlloop::translate
