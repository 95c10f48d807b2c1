#include "proxy/cel/time.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <limits>

namespace tidegate::proxy::cel {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

/// Exactly `count` digits at the start, taken off.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool in_years(std::int64_t seconds) { return seconds >= kSecondsMin && seconds <= kSecondsMax; }

std::string fraction(std::int64_t nanos) {
  if (nanos == 0) return {};
  std::string out = fmt::format(".{:09}", nanos);
  out.erase(out.find_last_not_of('0') + 1);
  return out;
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
// Longer names first.
constexpr Unit kUnits[] = {
    {"ns", 1},       {"us", 1000},         {"\xC2\xB5s", 1000},   {"ms", 1'000'000},
    {"s", kBillion}, {"m", 60 * kBillion}, {"h", 3600 * kBillion}};

}  // namespace

std::optional<Instant> parse_timestamp(std::string_view text) {
  auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  auto day = take_digits(text, 2);
  if (!day || !take(text, 'T')) return std::nullopt;
  auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  auto minutes = take_digits(text, 2);
  if (!minutes || !take(text, ':')) return std::nullopt;
  auto seconds = take_digits(text, 2);
  if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 59) return std::nullopt;
  std::int32_t nanos = 0;
  if (take(text, '.')) {
    std::size_t digits = 0;
    std::int32_t unit = 100'000'000;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      nanos += (text[digits] - '0') * unit;  // what is finer than a nanosecond is cut off
      unit /= 10;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }
  const bool offset_has_sign = text == "Z" || text.starts_with('+') || text.starts_with('-');
  auto offset = offset_has_sign ? zone_offset(text) : std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !date.ok()) return std::nullopt;
  std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  Instant out{days * 86400 + *hours * 3600 + *minutes * 60 + *seconds - *offset, nanos};
  if (!in_years(out.seconds)) return std::nullopt;
  return out;
}

std::string format_timestamp(Instant time) {
  Calendar date = calendar(time.seconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", date.year, date.month + 1,
                     date.day + 1, date.hours, date.minutes, date.seconds, fraction(time.nanos));
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;  // negative throughout: the range has one more there
  while (!text.empty()) {
    std::int64_t whole = 0;
    double part = 0;
    double unit = 0.1;
    bool digits = false;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
      if (__builtin_mul_overflow(whole, 10, &whole) ||
          __builtin_add_overflow(whole, text.front() - '0', &whole))
        return std::nullopt;
      digits = true;
    }
    if (take(text, '.')) {
      for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
        part += (text.front() - '0') * unit;
        unit /= 10;
        digits = true;
      }
    }
    if (!digits) return std::nullopt;
    const Unit* found = nullptr;
    for (const Unit& one : kUnits) {
      if (found == nullptr && text.starts_with(one.name)) found = &one;
    }
    if (found == nullptr) return std::nullopt;
    text.remove_prefix(found->name.size());
    std::int64_t nanos = 0;
    if (__builtin_mul_overflow(whole, found->nanos, &nanos)) return std::nullopt;
    auto rest = static_cast<std::int64_t>(part * static_cast<double>(found->nanos) + 0.5);
    if (__builtin_sub_overflow(total, nanos, &total) || __builtin_sub_overflow(total, rest, &total))
      return std::nullopt;
  }
  if (negative) return total;
  if (total == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return -total;
}

std::string format_duration(std::int64_t nanos) {
  const bool negative = nanos < 0;
  std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(nanos) : static_cast<std::uint64_t>(nanos);
  return fmt::format("{}{}{}s", negative ? "-" : "", size / kBillion,
                     fraction(static_cast<std::int64_t>(size % kBillion)));
}

std::optional<Instant> add(Instant time, std::int64_t nanos) {
  Instant out{time.seconds + nanos / kBillion, 0};
  std::int64_t rest = time.nanos + nanos % kBillion;
  if (rest < 0) {
    rest += kBillion;
    --out.seconds;
  } else if (rest >= kBillion) {
    rest -= kBillion;
    ++out.seconds;
  }
  out.nanos = static_cast<std::int32_t>(rest);
  if (!in_years(out.seconds)) return std::nullopt;
  return out;
}

std::optional<std::int64_t> subtract(Instant a, Instant b) {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(a.seconds - b.seconds, kBillion, &out) ||
      __builtin_add_overflow(out, static_cast<std::int64_t>(a.nanos) - b.nanos, &out))
    return std::nullopt;
  return out;
}

std::optional<std::int32_t> zone_offset(std::string_view zone) {
  if (zone == "UTC" || zone == "Z" || zone == "GMT") return 0;
  const bool west = take(zone, '-');
  if (!west) take(zone, '+');
  auto hours = take_digits(zone, 2);
  if (!hours || !take(zone, ':')) return std::nullopt;
  auto minutes = take_digits(zone, 2);
  if (!minutes || !zone.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  std::int32_t offset = *hours * 3600 + *minutes * 60;
  return west ? -offset : offset;
}

Calendar calendar(std::int64_t seconds) {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  using std::chrono::sys_days;
  sys_days day{std::chrono::days(days)};
  std::chrono::year_month_day date(day);
  Calendar out;
  out.year = static_cast<int>(date.year());
  out.month = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  out.day = static_cast<int>(static_cast<unsigned>(date.day())) - 1;
  out.day_of_week = static_cast<int>(std::chrono::weekday(day).c_encoding());
  out.day_of_year =
      static_cast<int>((day - sys_days(date.year() / std::chrono::January / 1)).count());
  out.hours = static_cast<int>(rest / 3600);
  out.minutes = static_cast<int>(rest / 60 % 60);
  out.seconds = static_cast<int>(rest % 60);
  return out;
}

}  // namespace tidegate::proxy::cel
