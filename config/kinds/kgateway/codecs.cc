#include "config/kinds/kgateway/codecs.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>

namespace tidegate::config {
namespace kgateway {
namespace {

struct Unit {
  std::string_view name;
  long double factor;
};
constexpr Unit kUnits[] = {
    {"Ki", 1024.0L},
    {"Mi", 1048576.0L},
    {"Gi", 1073741824.0L},
    {"Ti", 1099511627776.0L},
    {"Pi", 1125899906842624.0L},
    {"Ei", 1152921504606846976.0L},
    {"m", 1e-3L},
    {"", 1.0L},
    {"k", 1e3L},
    {"M", 1e6L},
    {"G", 1e9L},
    {"T", 1e12L},
    {"P", 1e15L},
    {"E", 1e18L},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What `suffix` multiplies by: a unit, or an exponent ("e3").
std::optional<long double> factor_of(std::string_view suffix) {
  for (const Unit& unit : kUnits) {
    if (unit.name == suffix) return unit.factor;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  const bool negative = suffix[0] == '-';
  if (suffix[0] == '-' || suffix[0] == '+') suffix.remove_prefix(1);
  if (suffix.empty() || suffix.size() > 3) return std::nullopt;
  int exponent = 0;
  for (const char c : suffix) {
    if (!is_digit(c)) return std::nullopt;
    exponent = exponent * 10 + (c - '0');
  }
  return std::pow(10.0L, negative ? -exponent : exponent);
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  long double value = 0;
  long double scale = 1;
  bool dot = false;
  std::size_t digits = 0;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !dot))) {
    if (text.front() == '.') {
      dot = true;
    } else {
      if (++digits > 30) return std::nullopt;
      value = value * 10 + static_cast<long double>(text.front() - '0');
      if (dot) scale *= 10;
    }
    text.remove_prefix(1);
  }
  const auto factor = factor_of(text);
  if (digits == 0 || !factor) return std::nullopt;
  const long double bytes = std::ceil(value / scale * *factor);
  if (!(bytes < 18446744073709551616.0L)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace kgateway

namespace fields {

void read_quantity(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   kgateway::Quantity& out) {
  std::optional<std::uint64_t> bytes;
  if (node.value->is_int64()) {
    if (node.value->get_int64() >= 0) bytes = static_cast<std::uint64_t>(node.value->get_int64());
  } else if (const auto* text = node.value->if_string()) {
    bytes = kgateway::parse_quantity({text->data(), text->size()});
  } else {
    return findings.wrong_type(node, path, "integer,string");
  }
  if (!bytes) {
    return findings.invalid(node, path,
                            "quantities must be a number of bytes, with a unit such as Ki or M");
  }
  out.bytes = *bytes;
  if ((bounds.minimum && *bytes < static_cast<std::uint64_t>(*bounds.minimum)) ||
      (bounds.maximum && *bytes > static_cast<std::uint64_t>(*bounds.maximum))) {
    findings.invalid(
        node, path,
        fmt::format("must be between {} and {} bytes", bounds.minimum.value_or(0),
                    bounds.maximum.value_or(std::numeric_limits<std::int64_t>::max())));
  }
}

void read_secret(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                 Secret& out) {
  const auto* text = node.value->if_string();
  if (text == nullptr) return findings.wrong_type(node, path, "string");
  // The value stays out of the messages.
  if (text->size() > bounds.length_max) {
    findings.error(node, path,
                   fmt::format("Too long: may not be more than {} bytes", bounds.length_max));
  } else if (text->size() < bounds.length_min) {
    findings.error(node, path,
                   fmt::format("Too short: must be at least {} bytes", bounds.length_min));
  } else {
    out = Secret(std::string(text->data(), text->size()));
  }
}

}  // namespace fields
}  // namespace tidegate::config
