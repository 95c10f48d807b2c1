#include "base/cidr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>
#include <functional>

namespace tidegate {
namespace {

constexpr std::uint8_t kIpv4Bits = 96;  // before the address

IpBytes masked(IpBytes bytes, unsigned bits) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned kept =
        bits > 8 * i ? std::min<unsigned>(8, bits - 8 * static_cast<unsigned>(i)) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & ~(0xFFU >> kept));
  }
  return bytes;
}

std::string print(const Cidr& cidr, bool four) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const std::uint8_t* from = cidr.network.data() + (four ? 12 : 0);
  inet_ntop(four ? AF_INET : AF_INET6, from, text.data(), text.size());
  return fmt::format("{}/{}", text.data(), cidr.bits - (four ? kIpv4Bits : 0));
}

}  // namespace

std::optional<IpBytes> parse_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  IpBytes out{};
  if (text.find(':') != text.npos) {
    if (inet_pton(AF_INET6, terminated.data(), out.data()) != 1) return std::nullopt;
    return out;
  }
  out[10] = out[11] = 0xFF;
  if (inet_pton(AF_INET, terminated.data(), out.data() + 12) != 1) return std::nullopt;
  return out;
}

ReadCidr parse_cidr(std::string_view text) {
  ReadCidr out;
  const std::size_t slash = text.find('/');
  const std::optional<IpBytes> address = parse_ip(text.substr(0, slash));
  if (!address) {
    out.problem = fmt::format("\"{}\" is no IP address or CIDR range", text);
    return out;
  }
  const bool four = text.find(':') == text.npos;
  unsigned bits = four ? 32 : 128;
  if (slash != text.npos) {
    const std::string_view length = text.substr(slash + 1);
    unsigned read = 0;
    for (const char c : length) read = c >= '0' && c <= '9' ? read * 10 + unsigned(c - '0') : 1000;
    if (length.empty() || length.size() > 3 || read > bits) {
      out.problem = fmt::format("\"{}\": the length of its prefix is at most {}", text, bits);
      return out;
    }
    bits = read;
  }
  Cidr cidr;
  cidr.bits = static_cast<std::uint8_t>(bits + (four ? kIpv4Bits : 0));
  cidr.network = masked(*address, cidr.bits);
  if (cidr.network != *address) {
    out.problem =
        fmt::format("\"{}\" has bits behind its prefix; {} was meant?", text, print(cidr, four));
    return out;
  }
  out.cidr = cidr;
  return out;
}

std::size_t CidrTable::Hash::operator()(const IpBytes& bytes) const noexcept {
  return std::hash<std::string_view>()(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void CidrTable::add(const Cidr& cidr, std::size_t value) {
  lengths_[cidr.bits].insert_or_assign(cidr.network, value);
}

std::optional<std::size_t> CidrTable::find(const IpBytes& address) const {
  for (const auto& [bits, table] : lengths_) {
    if (const auto found = table.find(masked(address, bits)); found != table.end())
      return found->second;
  }
  return std::nullopt;
}

}  // namespace tidegate
