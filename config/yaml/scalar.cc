#include "config/yaml/scalar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tidegate::config::yaml {
namespace json = boost::json;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool parse_integer(std::string_view digits, int base, bool negative, json::value& out) {
  std::uint64_t value = 0;
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (failed != std::errc() || end != digits.data() + digits.size()) return false;
  if (negative) {
    if (value > std::uint64_t{1} << 63U) return false;
    out = static_cast<std::int64_t>(~value + 1);
  } else if (value <= INT64_MAX) {
    out = static_cast<std::int64_t>(value);
  } else {
    out = value;
  }
  return true;
}

/// [0-9]* ( "." [0-9]* )? ( [eE] [-+]? [0-9]+ )? with at least one digit before the exponent.
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  std::size_t digits = 0;
  while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  }
  if (digits == 0) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  return i < text.size() &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_digit);
}

}  // namespace

std::optional<json::value> plain_scalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return json::value();
  }
  if (text == "true" || text == "True" || text == "TRUE") return json::value(true);
  if (text == "false" || text == "False" || text == "FALSE") return json::value(false);

  const json::value as_text(json::string_view(text.data(), text.size()));
  const char first = text.front();
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') return as_text;

  std::string_view number = text;
  const bool negative = first == '-';
  if (negative || first == '+') number.remove_prefix(1);
  if (number == ".inf" || number == ".Inf" || number == ".INF" || number == ".nan" ||
      number == ".NaN" || number == ".NAN") {
    return std::nullopt;
  }
  if (number.empty()) return as_text;

  json::value out;
  if (number.size() > 2 && number[0] == '0') {
    const int base = number[1] == 'x' ? 16 : number[1] == 'o' ? 8 : number[1] == 'b' ? 2 : 0;
    if (base != 0) {
      return parse_integer(number.substr(2), base, negative, out) ? out : as_text;
    }
  }
  if (std::all_of(number.begin(), number.end(), is_digit)) {
    const bool octal = number.size() > 1 && number[0] == '0' &&
                       number.find_first_of("89") == std::string_view::npos;
    if (parse_integer(number, octal ? 8 : 10, negative, out)) return out;
  }
  if (!looks_like_float(number)) return as_text;
  double value = 0;
  const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (failed != std::errc() || end != number.data() + number.size()) return as_text;
  return json::value(negative ? -value : value);
}

}  // namespace tidegate::config::yaml
