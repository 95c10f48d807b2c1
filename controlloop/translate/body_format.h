#pragma once

#include "config/kinds/kgateway/shared.h"
#include "proxy/snapshot/body_format.h"

namespace tidegate::controlloop::translate {

/// How a body of the proxy's own is written. Source: kgateway, BodyFormat.
proxy::BodyFormat body_format(const config::kgateway::BodyFormat& from);

}  // namespace tidegate::controlloop::translate
