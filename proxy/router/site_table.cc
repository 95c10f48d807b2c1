#include "proxy/router/site_table.h"

namespace tidegate::proxy::router {

SiteTable::SiteTable(const std::vector<Site>& sites) {
  sites_.reserve(sites.size());
  for (const Site& site : sites) {
    names_.add(site.hostname, static_cast<std::uint32_t>(sites_.size()));
    CompiledSite& compiled = sites_.emplace_back(
        CompiledSite{&site, static_cast<std::uint32_t>(sites_.size()), Router(site.routes), {}});
    for (std::uint32_t i = 0; i < site.streams.size(); ++i) {
      const StreamRoute& stream = site.streams[i];
      if (stream.hostnames.empty()) compiled.stream_names.add({}, i);
      for (const std::string& name : stream.hostnames) compiled.stream_names.add(name, i);
    }
  }
}

const StreamRoute* CompiledSite::stream(std::string_view sni) const {
  const StreamRoute* found = nullptr;
  stream_names.walk(sni, [&](std::uint32_t number) {
    found = &site->streams[number];
    return true;
  });
  return found;
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
