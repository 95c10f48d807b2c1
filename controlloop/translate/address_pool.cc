#include "controlloop/translate/address_pool.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdint>
#include <set>

namespace tidegate::controlloop::translate {
namespace {

/// FNV-1a: the same on every machine, for ever.
std::uint32_t stable_hash(const std::string& text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

std::map<config::NamespacedName, std::string> assign_addresses(
    const std::string& pool, const std::vector<config::NamespacedName>& gateways) {
  std::map<config::NamespacedName, std::string> out;
  const std::size_t slash = pool.find('/');
  int bits = 32;
  if (slash != std::string::npos) {
    auto [end, bad] = std::from_chars(pool.data() + slash + 1, pool.data() + pool.size(), bits);
    if (bad != std::errc() || end != pool.data() + pool.size() || bits < 8 || bits > 32) return out;
  }
  in_addr network{};
  if (::inet_pton(AF_INET, pool.substr(0, slash).c_str(), &network) != 1) return out;
  const std::uint32_t size = bits == 32 ? 1 : 1U << static_cast<unsigned>(32 - bits);
  const std::uint32_t base = ntohl(network.s_addr) & ~(size - 1);
  const std::uint32_t first = size > 2 ? 1 : 0;
  const std::uint32_t usable = size > 2 ? size - 2 : size;
  if (gateways.size() > usable) return out;
  std::set<std::uint32_t> taken;
  for (const config::NamespacedName& name : gateways) {
    std::uint32_t offset = stable_hash(name.namespace_ + "/" + name.name) % usable;
    while (!taken.insert(offset).second) offset = (offset + 1) % usable;
    in_addr address{};
    address.s_addr = htonl(base + first + offset);
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address, text, sizeof text);
    out[name] = text;
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
