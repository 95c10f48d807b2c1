#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::proxy::format {

/// How a time is written: strftime's conversions, and %s (seconds since 1970), %f (nine digits of
/// the fraction), %1f to %9f. Empty: "2026-11-24T02:03:08.064Z", in the local zone with its offset
/// instead of the Z.
class TimeFormat {
 public:
  TimeFormat() = default;
  TimeFormat(std::string_view format, bool local_zone);

  void print(std::chrono::system_clock::time_point time, std::string& out) const;

 private:
  enum class Kind { kCalendar, kEpoch, kFraction };
  struct Piece {
    Kind kind = Kind::kCalendar;
    std::string text;  // kCalendar: for strftime
    int digits = 0;    // kFraction
  };
  void print_default(std::int64_t seconds, int millis, std::string& out) const;

  std::vector<Piece> pieces_;  // empty: the default
  bool local_ = false;
};

}  // namespace tidegate::proxy::format
