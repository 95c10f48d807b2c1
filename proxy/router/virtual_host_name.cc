#include "proxy/router/virtual_host_name.h"

#include <fmt/format.h>

namespace tidegate::proxy::router {

std::string underscored(std::string name) {
  if (name.empty() || name == "*") return "*";
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
}

const std::string& domain_of(const Site& site, const VirtualHost& host) {
  return host.hostname == "*" && !site.hostname.empty() ? site.hostname : host.hostname;
}

std::string virtual_host_name(const Listener& listener, const Site& site, const VirtualHost& host) {
  return fmt::format("{}~{}", listener.name, underscored(domain_of(site, host)));
}

}  // namespace tidegate::proxy::router
