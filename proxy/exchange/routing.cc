#include "proxy/exchange/routing.h"

namespace tidegate::proxy::exchange {

Routed find_rule(const Context& context, const http::RequestHead& request) {
  Routed out;
  out.status = 400;
  if (request.authority.size() > 255) return out;
  char buffer[256];
  const std::string_view host = router::host_of(request.authority, buffer);
  const router::CompiledSite* site = context.sites.by_host(host);
  const router::CompiledSite* mine =
      context.facts.tls ? context.sites.by_sni(context.facts.sni) : site;
  out.status = 421;
  if (site && mine != site) return out;
  if (site) {
    out.found = site->router.route(request, host);
    if (out.found) {
      out.plan = &context.plans[site->index][out.found.rule];
      return out;
    }
  }
  context.stats.no_route.add();
  out.flag = "NR";
  out.status = 404;
  return out;
}

}  // namespace tidegate::proxy::exchange
