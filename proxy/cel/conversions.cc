#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "proxy/cel/functions.h"
#include "proxy/cel/time.h"
#include "proxy/cel/utf8.h"

/// int(), string() and the like, and what timestamps and durations answer. Source: cel-spec,
/// langdef.md, "Types and Conversions", "Date/Time Functions".
namespace tidegate::proxy::cel {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

Value kept(std::string_view text, Heap& heap) {
  char* out = heap.allocate<char>(text.size());
  if (out == nullptr) return Value::error(kLimit);
  std::copy(text.begin(), text.end(), out);
  return Value::string({out, text.size()});
}

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Value to_int(const Value& from) {
  switch (from.kind()) {
    case Kind::kInt:
      return from;
    case Kind::kUint:
      if (from.natural() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Value::error(kRange);
      return Value::integer(static_cast<std::int64_t>(from.natural()));
    case Kind::kDouble:
      if (!(from.real() > -kTwoTo63 && from.real() < kTwoTo63)) return Value::error(kRange);
      return Value::integer(static_cast<std::int64_t>(from.real()));
    case Kind::kString: {
      auto value = parsed<std::int64_t>(from.text());
      return value ? Value::integer(*value) : Value::error("no int in the string");
    }
    case Kind::kTimestamp:
      return Value::integer(from.seconds());
    default:
      return Value::error(kNoOverload);
  }
}

Value to_uint(const Value& from) {
  switch (from.kind()) {
    case Kind::kUint:
      return from;
    case Kind::kInt:
      if (from.integer() < 0) return Value::error(kRange);
      return Value::natural(static_cast<std::uint64_t>(from.integer()));
    case Kind::kDouble:
      if (!(from.real() >= 0 && from.real() < kTwoTo64)) return Value::error(kRange);
      return Value::natural(static_cast<std::uint64_t>(from.real()));
    case Kind::kString: {
      auto value = parsed<std::uint64_t>(from.text());
      return value ? Value::natural(*value) : Value::error("no uint in the string");
    }
    default:
      return Value::error(kNoOverload);
  }
}

Value to_double(const Value& from) {
  switch (from.kind()) {
    case Kind::kDouble:
      return from;
    case Kind::kInt:
      return Value::real(static_cast<double>(from.integer()));
    case Kind::kUint:
      return Value::real(static_cast<double>(from.natural()));
    case Kind::kString: {
      auto value = parsed<double>(from.text());
      return value ? Value::real(*value) : Value::error("no double in the string");
    }
    default:
      return Value::error(kNoOverload);
  }
}

Value to_string(const Value& from, Heap& heap) {
  switch (from.kind()) {
    case Kind::kString:
      return from;
    case Kind::kBool:
      return Value::string(from.boolean() ? "true" : "false");
    case Kind::kInt:
      return kept(fmt::format("{}", from.integer()), heap);
    case Kind::kUint:
      return kept(fmt::format("{}", from.natural()), heap);
    case Kind::kDouble:
      return kept(fmt::format("{}", from.real()), heap);
    case Kind::kBytes:
      if (!heap.charge_text(from.text().size())) return Value::error(kLimit);
      return is_utf8(from.text()) ? Value::string(from.text()) : Value::error("invalid UTF-8");
    case Kind::kTimestamp:
      return kept(format_timestamp({from.seconds(), from.nanos()}), heap);
    case Kind::kDuration:
      return kept(format_duration(from.duration()), heap);
    default:
      return Value::error(kNoOverload);
  }
}

Value to_bool(const Value& from) {
  if (from.is(Kind::kBool)) return from;
  if (!from.is(Kind::kString)) return Value::error(kNoOverload);
  std::string_view text = from.text();
  for (std::string_view one : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == one) return Value::boolean(true);
  }
  for (std::string_view one : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == one) return Value::boolean(false);
  }
  return Value::error("no bool in the string");
}

Value to_timestamp(const Value& from) {
  if (from.is(Kind::kTimestamp)) return from;
  if (from.is(Kind::kInt)) {
    bool fits = from.integer() >= kSecondsMin && from.integer() <= kSecondsMax;
    return fits ? Value::timestamp(from.integer(), 0) : Value::error(kRange);
  }
  if (!from.is(Kind::kString)) return Value::error(kNoOverload);
  auto time = parse_timestamp(from.text());
  return time ? Value::timestamp(time->seconds, time->nanos) : Value::error(kRange);
}

Value to_duration(const Value& from) {
  if (from.is(Kind::kDuration)) return from;
  if (!from.is(Kind::kString)) return Value::error(kNoOverload);
  auto nanos = parse_duration(from.text());
  return nanos ? Value::duration(*nanos) : Value::error(kRange);
}

Value duration_part(Function function, std::int64_t nanos) {
  switch (function) {
    case Function::kGetHours:
      return Value::integer(nanos / 3'600'000'000'000);
    case Function::kGetMinutes:
      return Value::integer(nanos / 60'000'000'000);
    case Function::kGetSeconds:
      return Value::integer(nanos / 1'000'000'000);
    case Function::kGetMilliseconds:
      return Value::integer(nanos / 1'000'000 % 1000);
    default:
      return Value::error(kNoOverload);
  }
}

}  // namespace

Value convert(Function function, const Value& from, Heap& heap) {
  if (from.is(Kind::kString) && !heap.charge_text(from.text().size())) return Value::error(kLimit);
  switch (function) {
    case Function::kInt:
      return to_int(from);
    case Function::kUint:
      return to_uint(from);
    case Function::kDouble:
      return to_double(from);
    case Function::kString:
      return to_string(from, heap);
    case Function::kBytes:
      if (from.is(Kind::kBytes)) return from;
      return from.is(Kind::kString) ? Value::bytes(from.text()) : Value::error(kNoOverload);
    case Function::kBool:
      return to_bool(from);
    case Function::kTimestamp:
      return to_timestamp(from);
    case Function::kDuration:
      return to_duration(from);
    default:
      return Value::error(kNoOverload);
  }
}

Value call_time(Function function, std::span<const Value> args) {
  const Value& of = args[0];
  if (of.is(Kind::kDuration) && args.size() == 1) return duration_part(function, of.duration());
  if (!of.is(Kind::kTimestamp)) return Value::error(kNoOverload);
  std::int32_t offset = 0;
  if (args.size() == 2) {
    if (!args[1].is(Kind::kString)) return Value::error(kNoOverload);
    auto found = zone_offset(args[1].text());
    if (!found) return Value::error("a time zone other than UTC and +HH:MM");
    offset = *found;
  }
  const Calendar date = calendar(of.seconds() + offset);
  switch (function) {
    case Function::kGetFullYear:
      return Value::integer(date.year);
    case Function::kGetMonth:
      return Value::integer(date.month);
    case Function::kGetDate:
      return Value::integer(date.day + 1);
    case Function::kGetDayOfMonth:
      return Value::integer(date.day);
    case Function::kGetDayOfWeek:
      return Value::integer(date.day_of_week);
    case Function::kGetDayOfYear:
      return Value::integer(date.day_of_year);
    case Function::kGetHours:
      return Value::integer(date.hours);
    case Function::kGetMinutes:
      return Value::integer(date.minutes);
    case Function::kGetSeconds:
      return Value::integer(date.seconds);
    case Function::kGetMilliseconds:
      return Value::integer(of.nanos() / 1'000'000);
    default:
      return Value::error(kNoOverload);
  }
}

}  // namespace tidegate::proxy::cel
