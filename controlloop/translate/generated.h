#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <vector>

#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// What a gateway in a cluster would have generated for each Gateway, so that whoever asks the
/// Kubernetes API for it sees where it listens: a Service with the Gateway's name, the labels and
/// annotations of its infrastructure, its addresses and ports. Left out where the directory has a
/// Service of that name. Source: GEP-1867, GEP-1762.
std::vector<boost::json::object> generated_services(
    const config::ObjectSet& objects, const std::vector<std::shared_ptr<GatewayState>>& gateways);

}  // namespace tidegate::controlloop::translate
