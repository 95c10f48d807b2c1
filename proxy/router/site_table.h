#pragma once

#include <string_view>
#include <vector>

#include "proxy/router/host_table.h"
#include "proxy/router/router.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::router {

struct CompiledSite {
  const Site* site = nullptr;
  std::uint32_t index = 0;  // among the listener's sites
  Router router;
  HostTable stream_names;  // of site->streams

  /// The route below HTTP for an SNI (empty: the client sent none); null where there is none. The
  /// routes of a TCP or UDP site have no names and take everything.
  const StreamRoute* stream(std::string_view sni) const;
};

/// The sites of one listener by host name. A request belongs to the most specific one that matches,
/// and to no other (GEP-1713). The sites outlive the table.
class SiteTable {
 public:
  explicit SiteTable(const std::vector<Site>& sites);

  /// Null where no site has such a host. `host` as host_of() makes it.
  const CompiledSite* by_host(std::string_view host) const { return find(host); }
  /// `sni` in lower case; empty where the client sent none.
  const CompiledSite* by_sni(std::string_view sni) const { return find(sni); }

 private:
  const CompiledSite* find(std::string_view host) const;

  HostTable names_;
  std::vector<CompiledSite> sites_;
};

}  // namespace tidegate::proxy::router
