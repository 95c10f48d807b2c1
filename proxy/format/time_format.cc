#include "proxy/format/time_format.h"

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <iterator>

namespace tidegate::proxy::format {

TimeFormat::TimeFormat(std::string_view format, bool local_zone) : local_(local_zone) {
  auto calendar = [this](std::string_view more) {
    if (pieces_.empty() || pieces_.back().kind != Kind::kCalendar) pieces_.emplace_back();
    pieces_.back().text += more;
  };
  while (!format.empty()) {
    if (format[0] != '%' || format.size() == 1) {
      // A lone % at the end would be half a conversion to strftime.
      calendar(format == "%" ? "%%" : format.substr(0, 1));
      format.remove_prefix(1);
      continue;
    }
    const char what = format[1];
    if (what == 's') {
      pieces_.push_back({Kind::kEpoch, {}, 0});
    } else if (what == 'f') {
      pieces_.push_back({Kind::kFraction, {}, 9});
    } else if (what >= '1' && what <= '9' && format.size() > 2 && format[2] == 'f') {
      pieces_.push_back({Kind::kFraction, {}, what - '0'});
      format.remove_prefix(1);
    } else if (what == 'Z' && !local_) {
      calendar("UTC");  // gmtime calls it GMT
    } else {
      calendar(format.substr(0, 2));
    }
    format.remove_prefix(2);
  }
}

void TimeFormat::print(std::chrono::system_clock::time_point time, std::string& out) const {
  using std::chrono::nanoseconds;
  const auto since = std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
  std::int64_t seconds = since / 1000000000;
  std::int64_t fraction = since % 1000000000;
  if (fraction < 0) {
    fraction += 1000000000;
    --seconds;
  }
  if (pieces_.empty()) return print_default(seconds, static_cast<int>(fraction / 1000000), out);
  const std::time_t at = seconds;
  std::tm parts{};
  local_ ? ::localtime_r(&at, &parts) : ::gmtime_r(&at, &parts);
  for (const Piece& piece : pieces_) {
    if (piece.kind == Kind::kEpoch) {
      fmt::format_to(std::back_inserter(out), "{}", seconds);
    } else if (piece.kind == Kind::kFraction) {
      std::int64_t digits = fraction;
      for (int left = 9; left > piece.digits; --left) digits /= 10;
      fmt::format_to(std::back_inserter(out), "{:0{}}", digits, piece.digits);
    } else {
      char buffer[512];  // what does not fit is left out
      out.append(buffer, std::strftime(buffer, sizeof buffer, piece.text.c_str(), &parts));
    }
  }
}

/// Kept for a second: nearly every line of a busy log has the same one.
void TimeFormat::print_default(std::int64_t seconds, int millis, std::string& out) const {
  struct Kept {
    std::int64_t seconds = -1;
    char text[20];  // 2026-11-24T02:03:08
    char zone[8];
  };
  thread_local Kept kept[2];
  Kept& mine = kept[local_ ? 1 : 0];
  if (mine.seconds != seconds) {
    const std::time_t at = seconds;
    std::tm parts{};
    local_ ? ::localtime_r(&at, &parts) : ::gmtime_r(&at, &parts);
    std::strftime(mine.text, sizeof mine.text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::strftime(mine.zone, sizeof mine.zone, local_ ? "%z" : "Z", &parts);
    mine.seconds = seconds;
  }
  out += mine.text;
  const char digits[4] = {'.', static_cast<char>('0' + millis / 100),
                          static_cast<char>('0' + millis / 10 % 10),
                          static_cast<char>('0' + millis % 10)};
  out.append(digits, sizeof digits);
  out += mine.zone;
}

}  // namespace tidegate::proxy::format
