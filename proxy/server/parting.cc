#include "proxy/server/parting.h"

#include <algorithm>

namespace tidegate::proxy::server {
namespace {

const ClientValidation* demand(const router::CompiledSite* site) {
  return site && site->site->tls && site->site->tls->client ? &*site->site->tls->client : nullptr;
}

bool same(const ClientValidation* a, const ClientValidation* b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

}  // namespace

bool same_demands(const CompiledListener& before, const CompiledListener& now) {
  const std::vector<Site>& a = before.listener->sites;
  const std::vector<Site>& b = now.listener->sites;
  return (before.tls == nullptr) == (now.tls == nullptr) &&
         std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Site& x, const Site& y) {
           return x.hostname == y.hostname && x.tls.has_value() == y.tls.has_value() &&
                  (!x.tls || x.tls->client == y.tls->client);
         });
}

bool same_demand(const CompiledListener& before, const CompiledListener& now,
                 std::string_view sni) {
  return same(demand(before.sites->by_sni(sni)), demand(now.sites->by_sni(sni)));
}

bool may_stay(const Connection& one, const CompiledListener& before) {
  const CompiledListener& now = *one.slot->current->compiled;
  if ((before.tls != nullptr) != (now.tls != nullptr)) return false;
  if (!one.tls || one.tls->facts().tls_version.empty()) return true;
  return same_demand(before, now, one.tls->facts().sni);
}

}  // namespace tidegate::proxy::server
