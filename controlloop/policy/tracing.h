#pragma once

#include <vector>

#include "config/kinds/kgateway/shared.h"
#include "proxy/snapshot/telemetry.h"

namespace tidegate::controlloop::policy {

/// Attributes of spans as the proxy has them. Source: kgateway, CustomAttribute.
std::vector<proxy::SpanAttribute> span_attributes(
    const std::vector<config::kgateway::SpanAttribute>& from);

}  // namespace tidegate::controlloop::policy
