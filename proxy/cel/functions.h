#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/cel/value.h"

namespace re2 {
class RE2;
}

namespace tidegate::proxy::cel {

enum class Function : std::uint8_t {
  kSize,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,
  kType,
  kDyn,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kBool,
  kDuration,
  kTimestamp,
  kCharAt,
  kIndexOf,
  kLastIndexOf,
  kJoin,
  kLowerAscii,
  kUpperAscii,
  kReplace,
  kReverse,
  kSplit,
  kSubstring,
  kTrim,
  kGetFullYear,
  kGetMonth,
  kGetDate,
  kGetDayOfMonth,
  kGetDayOfWeek,
  kGetDayOfYear,
  kGetHours,
  kGetMinutes,
  kGetSeconds,
  kGetMilliseconds,
};

/// How a function may be called. `args` counts the receiver of the member form.
struct Signature {
  std::string_view name;
  Function function;
  bool global;  // f(x)
  bool member;  // x.f()
  std::uint8_t args_min;
  std::uint8_t args_max;
};
/// nullptr: there is no such function.
const Signature* signature_of(std::string_view name);
inline constexpr std::size_t kArgsMax = 4;

/// Longer patterns that are not constant are an error.
inline constexpr std::size_t kPatternBytesMax = 1024;
/// nullptr: no expression of RE2, or one that needs too much memory; `error` says why.
std::unique_ptr<re2::RE2> compile_pattern(std::string_view pattern, std::string& error);

/// The result; an error value where the types or the values do not fit. No argument is an error.
Value call(Function function, std::span<const Value> args, const re2::RE2* regex, Heap& heap);

/// The parts of call().
Value call_string(Function function, std::span<const Value> args, const re2::RE2* regex,
                  Heap& heap);
Value convert(Function function, const Value& from, Heap& heap);
Value call_time(Function function, std::span<const Value> args);

}  // namespace tidegate::proxy::cel
