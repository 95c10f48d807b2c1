#include "base/quantity.h"

#include <algorithm>

namespace tidegate {

using std::chrono::milliseconds;

std::optional<milliseconds> parse_duration(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || digits > 9) return std::nullopt;
  const long number = std::stol(text.substr(0, digits));
  const std::string unit = text.substr(digits);
  if (unit == "ms") return milliseconds(number);
  if (unit == "s") return milliseconds(number * 1000);
  if (unit == "m") return milliseconds(number * 60000);
  if (unit == "h") return milliseconds(number * 3600000);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_bytes(const std::string& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 12) return std::nullopt;
  const std::string unit = text.substr(digits);
  std::uint64_t scale = 0;
  if (unit.empty()) scale = 1;
  if (unit == "KiB" || unit == "Ki") scale = std::uint64_t{1} << 10U;
  if (unit == "MiB" || unit == "Mi") scale = std::uint64_t{1} << 20U;
  if (unit == "GiB" || unit == "Gi") scale = std::uint64_t{1} << 30U;
  const std::uint64_t number = std::stoull(text.substr(0, digits));
  if (scale == 0 || number > UINT64_MAX / scale) return std::nullopt;
  return number * scale;
}

}  // namespace tidegate
