#include "proxy/exchange/routing.h"

#include <algorithm>

namespace tidegate::proxy::exchange {

Routed look_for_rule(const Context& context, const http::RequestHead& request) {
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
  out.flag = "NR";
  out.status = 404;
  return out;
}

Routed find_rule(const Context& context, const http::RequestHead& request) {
  Routed out = look_for_rule(context, request);
  if (!out.plan && out.status == 404) context.stats.no_route.add();
  return out;
}

filters::Chain joined(const filters::Chain& before, std::size_t acted, const filters::Chain* next) {
  filters::Chain out(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(acted));
  if (!next) return out;
  for (const filters::FilterPtr& one : *next) {
    if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  }
  return out;
}

}  // namespace tidegate::proxy::exchange
