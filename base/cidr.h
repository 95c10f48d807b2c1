#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidegate {

/// An address of either family as 16 bytes; IPv4 stands as "::ffff:a.b.c.d" (RFC 4291 section
/// 2.5.5.2), so that a client that came in over a dual-stack socket is the same client.
using IpBytes = std::array<std::uint8_t, 16>;

/// "192.0.2.1", "2001:db8::1"; nothing for what is no address.
std::optional<IpBytes> parse_ip(std::string_view text);

/// A range of addresses.
struct Cidr {
  IpBytes network{};    // bits behind the prefix are zero
  std::uint8_t bits{};  // of the 16 bytes: 96 more than written for IPv4
  bool operator==(const Cidr&) const = default;
};

struct ReadCidr {
  std::optional<Cidr> cidr;
  std::string problem;  // why there is none
};

/// "10.0.0.0/8", "2001:db8::/32" or an address alone. Bits behind the prefix are refused: whoever
/// writes "172.18.0.0/12" means something else. Source: kgateway IPOrCIDR.
ReadCidr parse_cidr(std::string_view text);

/// Longest-prefix match over ranges; each has a number that the owner understands. Costs one look
/// into a hash table for every length of prefix that occurs.
class CidrTable {
 public:
  /// Of two equal ranges the last one counts.
  void add(const Cidr& cidr, std::size_t value);
  /// The number of the longest range that holds the address.
  std::optional<std::size_t> find(const IpBytes& address) const;

 private:
  struct Hash {
    std::size_t operator()(const IpBytes& bytes) const noexcept;
  };
  std::map<std::uint8_t, std::unordered_map<IpBytes, std::size_t, Hash>, std::greater<>> lengths_;
};

}  // namespace tidegate
