#include "proxy/exchange/hash_key.h"

#include <fmt/format.h>

#include "proxy/http/cookies.h"
#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::exchange {
namespace {

std::string_view new_cookie(const HashPolicy& policy, std::string_view value, Arena& arena) {
  std::string out = fmt::format("{}=\"{}\"", policy.name, value);
  if (policy.ttl->count() > 0) out += fmt::format("; Max-Age={}", policy.ttl->count());
  if (!policy.path.empty()) out += "; Path=" + policy.path;
  if (policy.secure) out += "; Secure";
  if (policy.http_only) out += "; HttpOnly";
  if (!policy.same_site.empty()) out += "; SameSite=" + policy.same_site;
  return arena.copy(out);
}

/// The text that a policy names; data() == nullptr where the request has none.
std::string_view text_of(const HashPolicy& policy, const http::RequestHead& request,
                         std::string_view client_ip, Arena& arena) {
  if (policy.kind == HashPolicy::Kind::kSourceIp) return client_ip;
  if (policy.kind == HashPolicy::Kind::kCookie) return http::cookie(request.fields, policy.name);
  // A field may come several times: all of it counts.
  std::string_view out;
  for (const http::Field& field : request.fields) {
    if (!http::iequals(field.name, policy.name)) continue;
    out = out.data() == nullptr ? field.value : arena.join(out, ",", field.value);
  }
  return out;
}

}  // namespace

HashKey hash_key(const std::vector<HashPolicy>& policies, const http::RequestHead& request,
                 std::string_view client_ip, Random& random, Arena& arena) {
  HashKey out;
  for (const HashPolicy& policy : policies) {
    std::string_view text = text_of(policy, request, client_ip, arena);
    if (text.data() == nullptr || text.empty()) {
      if (policy.kind != HashPolicy::Kind::kCookie || !policy.ttl) continue;
      text = arena.copy(fmt::format("{:016x}", random.next()));
      out.cookies.push_back(new_cookie(policy, text, arena));
    }
    const std::uint64_t before = out.hash.value_or(0);
    out.hash = ((before << 1U) | (before >> 63U)) ^ upstream::hash_of(text);
    if (policy.terminal) break;
  }
  return out;
}

}  // namespace tidegate::proxy::exchange
