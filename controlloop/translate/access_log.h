#pragma once

#include <optional>

#include "config/kinds/kgateway/access_log.h"
#include "controlloop/translate/setting_warning.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::controlloop::translate {

/// One entry of a policy's accessLog as a sink of the proxy; nothing where it names none that is
/// served (its fields carry the mark unserved() then). Source: kgateway, AccessLog.
std::optional<proxy::AccessLog> access_log(const config::kgateway::AccessLog& from,
                                           const WarnOfSetting& warn);

/// Which exchanges are meant. Source: kgateway, AccessLogFilter.
proxy::LogFilter log_filter(const config::kgateway::LogFilter& from);

}  // namespace tidegate::controlloop::translate
