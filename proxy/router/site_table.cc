#include "proxy/router/site_table.h"

namespace tidegate::proxy::router {

SiteTable::SiteTable(const std::vector<Site>& sites) {
  sites_.reserve(sites.size());
  for (const Site& site : sites) {
    names_.add(site.hostname, static_cast<std::uint32_t>(sites_.size()));
    sites_.push_back(CompiledSite{&site, Router(site.routes)});
  }
}

const CompiledSite* SiteTable::find(std::string_view host) const {
  const CompiledSite* found = nullptr;
  names_.walk(host, [&](std::uint32_t number) {
    found = &sites_[number];
    return true;
  });
  return found;
}

}  // namespace tidegate::proxy::router
