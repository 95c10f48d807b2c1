#include "proxy/cel/functions.h"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "proxy/cel/utf8.h"

namespace tidegate::proxy::cel {
namespace {

constexpr Signature kSignatures[] = {
    {"size", Function::kSize, true, true, 1, 1},
    {"contains", Function::kContains, false, true, 2, 2},
    {"startsWith", Function::kStartsWith, false, true, 2, 2},
    {"endsWith", Function::kEndsWith, false, true, 2, 2},
    {"matches", Function::kMatches, true, true, 2, 2},
    {"type", Function::kType, true, false, 1, 1},
    {"dyn", Function::kDyn, true, false, 1, 1},
    {"int", Function::kInt, true, false, 1, 1},
    {"uint", Function::kUint, true, false, 1, 1},
    {"double", Function::kDouble, true, false, 1, 1},
    {"string", Function::kString, true, false, 1, 1},
    {"bytes", Function::kBytes, true, false, 1, 1},
    {"bool", Function::kBool, true, false, 1, 1},
    {"duration", Function::kDuration, true, false, 1, 1},
    {"timestamp", Function::kTimestamp, true, false, 1, 1},
    {"charAt", Function::kCharAt, false, true, 2, 2},
    {"indexOf", Function::kIndexOf, false, true, 2, 3},
    {"lastIndexOf", Function::kLastIndexOf, false, true, 2, 3},
    {"join", Function::kJoin, false, true, 1, 2},
    {"lowerAscii", Function::kLowerAscii, false, true, 1, 1},
    {"upperAscii", Function::kUpperAscii, false, true, 1, 1},
    {"replace", Function::kReplace, false, true, 3, 4},
    {"reverse", Function::kReverse, false, true, 1, 1},
    {"split", Function::kSplit, false, true, 2, 3},
    {"substring", Function::kSubstring, false, true, 2, 3},
    {"trim", Function::kTrim, false, true, 1, 1},
    {"getFullYear", Function::kGetFullYear, false, true, 1, 2},
    {"getMonth", Function::kGetMonth, false, true, 1, 2},
    {"getDate", Function::kGetDate, false, true, 1, 2},
    {"getDayOfMonth", Function::kGetDayOfMonth, false, true, 1, 2},
    {"getDayOfWeek", Function::kGetDayOfWeek, false, true, 1, 2},
    {"getDayOfYear", Function::kGetDayOfYear, false, true, 1, 2},
    {"getHours", Function::kGetHours, false, true, 1, 2},
    {"getMinutes", Function::kGetMinutes, false, true, 1, 2},
    {"getSeconds", Function::kGetSeconds, false, true, 1, 2},
    {"getMilliseconds", Function::kGetMilliseconds, false, true, 1, 2},
};

Value size_of(const Value& value, Heap& heap) {
  std::size_t size = 0;
  switch (value.kind()) {
    case Kind::kString:
      if (!heap.charge_text(value.text().size())) return Value::error(kLimit);
      size = code_points(value.text());
      break;
    case Kind::kBytes:
      size = value.text().size();
      break;
    case Kind::kList:
      size = value.list().size();
      break;
    case Kind::kMap:
      size = value.map().size();
      break;
    default:
      return Value::error(kNoOverload);
  }
  return Value::integer(static_cast<std::int64_t>(size));
}

}  // namespace

const Signature* signature_of(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSignatures), std::end(kSignatures),
                                   [&](const Signature& one) { return one.name == name; });
  return found == std::end(kSignatures) ? nullptr : found;
}

std::unique_ptr<re2::RE2> compile_pattern(std::string_view pattern, std::string& error) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20U);
  auto regex =
      std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (regex->ok()) return regex;
  error = regex->error();
  return nullptr;
}

Value call(Function function, std::span<const Value> args, const re2::RE2* regex, Heap& heap) {
  switch (function) {
    case Function::kSize:
      return size_of(args[0], heap);
    case Function::kType:
      return Value::type(args[0].kind());
    case Function::kDyn:
      return args[0];
    case Function::kInt:
    case Function::kUint:
    case Function::kDouble:
    case Function::kString:
    case Function::kBytes:
    case Function::kBool:
    case Function::kDuration:
    case Function::kTimestamp:
      return convert(function, args[0], heap);
    default:
      break;
  }
  if (function >= Function::kGetFullYear) return call_time(function, args);
  return call_string(function, args, regex, heap);
}

}  // namespace tidegate::proxy::cel
