#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"
#include "config/fields/fields.h"
#include "config/kinds/kgateway/shared.h"

/// How the types of members are read that only kgateway's kinds have.
namespace tidegate::config {
namespace kgateway {

/// "1Mi" -> 1048576. Nothing for what is no quantity, is negative, or does not fit 64 bits; a part
/// of a byte is rounded up. Source: Kubernetes resource.Quantity.
std::optional<std::uint64_t> parse_quantity(std::string_view text);

}  // namespace kgateway

namespace fields {

void read_quantity(Findings&, const Path&, const Node&, const Bounds&, kgateway::Quantity& out);
void read_secret(Findings&, const Path&, const Node&, const Bounds&, Secret& out);

template <>
struct Codec<kgateway::Quantity> {
  static constexpr std::string_view kSuffix = "";
  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   kgateway::Quantity& out) {
    read_quantity(findings, path, node, bounds, out);
  }
  static constexpr std::string_view type() { return "quantity"; }
  static constexpr auto nested() -> const Description& (*)() { return nullptr; }
  static void add_names(Bounds&) {}
  static std::string default_of(const kgateway::Quantity&) { return {}; }
};

template <>
struct Codec<Secret> {
  static constexpr std::string_view kSuffix = "";
  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   Secret& out) {
    read_secret(findings, path, node, bounds, out);
  }
  /// A string that is not shown; see redacted().
  static constexpr std::string_view type() { return "secret"; }
  static constexpr auto nested() -> const Description& (*)() { return nullptr; }
  static void add_names(Bounds&) {}
  static std::string default_of(const Secret&) { return {}; }
};

}  // namespace fields
}  // namespace tidegate::config
