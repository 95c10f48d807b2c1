#pragma once

#include <string>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::router {

/// "listener~80~www_example_com": as kgateway calls it in Envoy, in config dumps and metrics.
std::string virtual_host_name(const Listener& listener, const Site& site, const VirtualHost& host);
/// The host name that it is for: that of the site where the routes have none.
const std::string& domain_of(const Site& site, const VirtualHost& host);
/// A host name as a part of names: dots are underscores.
std::string underscored(std::string name);

}  // namespace tidegate::proxy::router
