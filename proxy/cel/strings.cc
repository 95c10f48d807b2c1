#include <re2/re2.h>

#include <algorithm>
#include <limits>

#include "proxy/cel/functions.h"
#include "proxy/cel/utf8.h"

/// Functions over strings. Positions are code points. Source: cel-spec, langdef.md, "String
/// Functions"; cel-spec, extensions/strings.md, and the string extensions that Envoy offers.
namespace tidegate::proxy::cel {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

Value limit() { return Value::error(kLimit); }

Value integer(std::size_t value) { return Value::integer(static_cast<std::int64_t>(value)); }

bool all_strings(std::span<const Value> args) {
  return std::all_of(args.begin(), args.end(),
                     [](const Value& one) { return one.is(Kind::kString); });
}

/// The argument at `index` as a position; npos: none is given, negative or no int.
std::size_t position(std::span<const Value> args, std::size_t index) {
  if (index >= args.size() || !args[index].is(Kind::kInt) || args[index].integer() < 0)
    return kNowhere;
  return static_cast<std::size_t>(args[index].integer());
}

Value matches(std::span<const Value> args, const re2::RE2* regex, Heap& heap) {
  re2::StringPiece text(args[0].text().data(), args[0].text().size());
  if (!heap.charge_text(args[0].text().size() * 4)) return limit();
  if (regex != nullptr) return Value::boolean(re2::RE2::PartialMatch(text, *regex));
  std::string_view pattern = args[1].text();
  if (pattern.size() > kPatternBytesMax) return Value::error("a pattern that is too long");
  if (!heap.charge(1000 + pattern.size() * 10)) return limit();  // compiling is the dear part
  std::string error;
  auto made = compile_pattern(pattern, error);
  if (!made) return Value::error("no regular expression");
  return Value::boolean(re2::RE2::PartialMatch(text, *made));
}

Value char_at(std::span<const Value> args) {
  std::size_t index = position(args, 1);
  std::size_t at = index == kNowhere ? kNowhere : offset_of(args[0].text(), index);
  if (at == kNowhere) return Value::error(kRange);
  if (at == args[0].text().size()) return Value::string({});
  return Value::string(args[0].text().substr(at, code_point_bytes(args[0].text(), at)));
}

Value index_of(Function function, std::span<const Value> args) {
  const bool last = function == Function::kLastIndexOf;
  std::string_view text = args[0].text();
  std::string_view wanted = args[1].text();
  std::size_t from = last ? text.size() : 0;
  if (args.size() == 3) {
    std::size_t index = position(args, 2);
    from = index == kNowhere ? kNowhere : offset_of(text, index);
    if (from == kNowhere) return Value::error(kRange);
  }
  std::size_t found = last ? text.rfind(wanted, from) : text.find(wanted, from);
  if (found == kNowhere) return Value::integer(-1);
  return integer(code_points(text.substr(0, found)));
}

Value substring(std::span<const Value> args) {
  std::string_view text = args[0].text();
  std::size_t from = position(args, 1);
  from = from == kNowhere ? kNowhere : offset_of(text, from);
  std::size_t to = text.size();
  if (args.size() == 3) {
    to = position(args, 2);
    to = to == kNowhere ? kNowhere : offset_of(text, to);
  }
  if (from == kNowhere || to == kNowhere || from > to) return Value::error(kRange);
  return Value::string(text.substr(from, to - from));
}

Value change_case(Function function, std::string_view text, Heap& heap) {
  const bool lower = function == Function::kLowerAscii;
  char* out = heap.allocate<char>(text.size());
  if (out == nullptr) return limit();
  std::transform(text.begin(), text.end(), out, [&](char c) {
    if (lower) return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return Value::string({out, text.size()});
}

Value reversed(std::string_view text, Heap& heap) {
  char* out = heap.allocate<char>(text.size());
  if (out == nullptr) return limit();
  char* end = out + text.size();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t bytes = code_point_bytes(text, at);
    end -= bytes;
    std::copy_n(text.data() + at, bytes, end);
    at += bytes;
  }
  return Value::string({out, text.size()});
}

/// Bytes of the white space (Unicode's White_Space) at `at`; 0 where there is none.
std::size_t blank_at(std::string_view text, std::size_t at) {
  char c = text[at];
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  constexpr std::string_view wide[] = {
      "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
      "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
      "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
      "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  for (std::string_view one : wide) {
    if (text.substr(at).starts_with(one)) return one.size();
  }
  return 0;
}

Value trimmed(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t bytes = blank_at(text, begin);
    if (bytes == 0) break;
    begin += bytes;
  }
  std::size_t end = begin;
  for (std::size_t at = begin; at < text.size();) {
    std::size_t blank = blank_at(text, at);
    at += blank == 0 ? code_point_bytes(text, at) : blank;
    if (blank == 0) end = at;
  }
  return Value::string(text.substr(begin, end - begin));
}

/// How often at most: the argument at `index`, or no bound; a negative one is no bound.
Value times(std::span<const Value> args, std::size_t index, std::size_t& out) {
  out = kNowhere;
  if (index >= args.size()) return {};
  if (!args[index].is(Kind::kInt)) return Value::error(kNoOverload);
  if (args[index].integer() >= 0) out = static_cast<std::size_t>(args[index].integer());
  return {};
}

/// Calls `piece` with each part between separators; an empty one is between all code points.
template <class Piece>
void cut(std::string_view text, std::string_view separator, std::size_t cuts_max,
         const Piece& piece) {
  std::size_t begin = 0;
  for (std::size_t cuts = 0; cuts < cuts_max; ++cuts) {
    std::size_t end = kNowhere;
    if (!separator.empty()) {
      end = text.find(separator, begin);
    } else if (begin < text.size()) {
      end = begin + code_point_bytes(text, begin);
      if (end == text.size()) end = kNowhere;
    }
    if (end == kNowhere) break;
    piece(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  piece(text.substr(begin));
}

Value split(std::span<const Value> args, Heap& heap) {
  std::size_t pieces_max = kNowhere;
  if (Value bad = times(args, 2, pieces_max); bad.is_error()) return bad;
  if (pieces_max == 0) return Value::list({});
  std::string_view text = args[0].text();
  if (text.empty() && args[1].text().empty()) return Value::list({});
  std::size_t count = 0;
  const std::size_t cuts = pieces_max == kNowhere ? kNowhere : pieces_max - 1;
  cut(text, args[1].text(), cuts, [&](std::string_view) { ++count; });
  auto* out = heap.allocate<Value>(count);
  if (out == nullptr || !heap.charge(count)) return limit();
  Value* next = out;
  cut(text, args[1].text(), cuts,
      [&](std::string_view piece) { new (next++) Value(Value::string(piece)); });
  return Value::list({out, count});
}

Value replaced(std::span<const Value> args, Heap& heap) {
  std::size_t times_max = kNowhere;
  if (Value bad = times(args, 3, times_max); bad.is_error()) return bad;
  std::string_view text = args[0].text();
  std::string_view with = args[2].text();
  if (args[1].text().empty()) return Value::error("replace() of an empty string");
  std::size_t size = 0;
  std::size_t pieces = 0;
  cut(text, args[1].text(), times_max, [&](std::string_view piece) {
    size += piece.size();
    ++pieces;
  });
  size += (pieces - 1) * with.size();  // both are bounded by the heap's bytes or a header's
  char* out = heap.allocate<char>(size);
  if (out == nullptr || !heap.charge_text(size)) return limit();
  char* next = out;
  cut(text, args[1].text(), times_max, [&](std::string_view piece) {
    if (next != out || piece.data() != text.data())
      next = std::copy(with.begin(), with.end(), next);
    next = std::copy(piece.begin(), piece.end(), next);
  });
  return Value::string({out, size});
}

Value joined(std::span<const Value> args, Heap& heap) {
  if (!args[0].is(Kind::kList) || !all_strings(args.subspan(1)) || !all_strings(args[0].list()))
    return Value::error(kNoOverload);
  std::string_view separator = args.size() == 2 ? args[1].text() : std::string_view();
  std::span<const Value> list = args[0].list();
  if (list.empty()) return Value::string({});
  std::size_t size = (list.size() - 1) * separator.size();
  for (const Value& one : list) size += one.text().size();
  char* out = heap.allocate<char>(size);
  if (out == nullptr || !heap.charge_text(size)) return limit();
  char* next = out;
  for (const Value& one : list) {
    if (&one != list.data()) next = std::copy(separator.begin(), separator.end(), next);
    next = std::copy(one.text().begin(), one.text().end(), next);
  }
  return Value::string({out, size});
}

}  // namespace

Value call_string(Function function, std::span<const Value> args, const re2::RE2* regex,
                  Heap& heap) {
  if (function == Function::kJoin) return joined(args, heap);
  if (!args[0].is(Kind::kString)) return Value::error(kNoOverload);
  std::string_view text = args[0].text();
  if (!heap.charge_text(text.size())) return limit();
  switch (function) {
    case Function::kCharAt:
      return char_at(args);
    case Function::kSubstring:
      return substring(args);
    case Function::kLowerAscii:
    case Function::kUpperAscii:
      return change_case(function, text, heap);
    case Function::kReverse:
      return reversed(text, heap);
    case Function::kTrim:
      return trimmed(text);
    default:
      break;
  }
  if (!args[1].is(Kind::kString)) return Value::error(kNoOverload);
  std::string_view other = args[1].text();
  switch (function) {
    case Function::kContains:
      // The standard library's search is quadratic at worst.
      if (!heap.charge(text.size() / 16 * (1 + other.size() / 64))) return limit();
      return Value::boolean(text.find(other) != kNowhere);
    case Function::kStartsWith:
      return Value::boolean(text.starts_with(other));
    case Function::kEndsWith:
      return Value::boolean(text.ends_with(other));
    case Function::kMatches:
      return matches(args, regex, heap);
    case Function::kIndexOf:
    case Function::kLastIndexOf:
      if (!heap.charge(text.size() / 16 * (1 + other.size() / 64))) return limit();
      return index_of(function, args);
    case Function::kSplit:
      if (!heap.charge(text.size() / 16 * (1 + other.size() / 64))) return limit();
      return split(args, heap);
    case Function::kReplace:
      if (!args[2].is(Kind::kString)) return Value::error(kNoOverload);
      if (!heap.charge(text.size() / 16 * (1 + other.size() / 64))) return limit();
      return replaced(args, heap);
    default:
      return Value::error(kNoOverload);
  }
}

}  // namespace tidegate::proxy::cel
