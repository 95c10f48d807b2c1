#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Timestamps and durations as CEL has them. Source: cel-spec, langdef.md, "Date/Time Functions",
/// "Overflow"; RFC 3339.
namespace tidegate::proxy::cel {

struct Instant {
  std::int64_t seconds = 0;  // since 1970-01-01T00:00:00Z
  std::int32_t nanos = 0;    // 0 to 999 999 999
  bool operator==(const Instant&) const = default;
};

/// The years 1 to 9999.
inline constexpr std::int64_t kSecondsMin = -62'135'596'800;
inline constexpr std::int64_t kSecondsMax = 253'402'300'799;

/// "2023-08-26T12:39:00.5-07:00"; nullopt: no such time, or outside the years.
std::optional<Instant> parse_timestamp(std::string_view text);
std::string format_timestamp(Instant time);
/// "1h30m", "-1.5s", "0", in nanoseconds; nullopt: wrong, or more than 63 bits.
std::optional<std::int64_t> parse_duration(std::string_view text);
/// "60.001s"
std::string format_duration(std::int64_t nanos);
/// Moves a time; nullopt: out of the years.
std::optional<Instant> add(Instant time, std::int64_t nanos);
/// From `b` to `a`; nullopt: more than 63 bits of nanoseconds.
std::optional<std::int64_t> subtract(Instant a, Instant b);

/// Seconds east of UTC of "UTC", "Z", "+01:00", "-09:30" or "02:00"; nullopt: another zone. The
/// names of the time zone database are not known here: their rules change under a running proxy.
std::optional<std::int32_t> zone_offset(std::string_view zone);

struct Calendar {
  std::int64_t year = 1970;
  int month = 0;        // from 0
  int day = 0;          // of the month, from 0
  int day_of_week = 0;  // 0: Sunday
  int day_of_year = 0;  // from 0
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
};
Calendar calendar(std::int64_t seconds);

}  // namespace tidegate::proxy::cel
