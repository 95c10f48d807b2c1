#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <cstring>

#include "proxy/template/rendering.h"

/// What kgateway adds to the language. Source: kgateway, "Templating language", custom
/// transformation functions.
namespace tidegate::proxy::templates {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64(std::string_view bytes, std::string_view letters, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      if (j <= count) {
        out += letters[group >> (18U - 6U * j) & 0x3fU];
      } else if (pad) {
        out += '=';
      }
    }
  }
  return out;
}

/// False where the text is not base64 (padding may be missing) or its bytes are not UTF-8.
bool decode_base64(std::string_view text, std::string_view letters, std::string& out) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (char c : text) {
    const auto value = letters.find(c);
    if (value == letters.npos) return false;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xffU);
    }
  }
  return is_utf8(out);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Value header(Rendering& r, const Arguments& a) {
  return Value::text(r.values().header(lower(r.text_of(a[0]))));
}

Value request_header(Rendering& r, const Arguments& a) {
  return Value::text(r.values().request_header(lower(r.text_of(a[0]))));
}

Value body(Rendering& r, const Arguments&) { return Value::text(r.values().body()); }

Value context(Rendering& r, const Arguments&) {
  const boost::json::value* json = r.values().json();
  return json ? Value::json(*json) : Value::text("");
}

Value env(Rendering& r, const Arguments& a) { return Value::text(environment(r.text_of(a[0]))); }

Value base64(Rendering& r, const Arguments& a, std::string_view letters) {
  const std::string_view bytes = r.text_of(a[0]);
  if (!r.step(bytes.size() / 64)) return {};
  return r.keep(encode_base64(bytes, letters, true));
}
Value base64_encode(Rendering& r, const Arguments& a) { return base64(r, a, kStandard); }
Value base64url_encode(Rendering& r, const Arguments& a) { return base64(r, a, kUrlSafe); }

Value unbase64(Rendering& r, const Arguments& a, std::string_view letters) {
  const std::string_view text = r.text_of(a[0]);
  std::string out;
  if (!r.step(text.size() / 64)) return {};
  return decode_base64(text, letters, out) ? r.keep(std::move(out)) : Value::text("");
}
Value base64_decode(Rendering& r, const Arguments& a) { return unbase64(r, a, kStandard); }
Value base64url_decode(Rendering& r, const Arguments& a) { return unbase64(r, a, kUrlSafe); }

Value get_cookie_of(Rendering& r, const Arguments& a, bool any_case) {
  const std::string wanted = any_case ? lower(r.text_of(a[0])) : std::string(r.text_of(a[0]));
  // Several Cookie fields come joined by ',' (they should not be there: RFC 6265 section 5.4).
  std::string_view left = r.values().request_header("cookie");
  while (!left.empty() && r.step()) {
    const auto end = left.find_first_of(";,");
    std::string_view pair = left.substr(0, end);
    left.remove_prefix(end == left.npos ? left.size() : end + 1);
    const auto equals = pair.find('=');
    if (equals == pair.npos) continue;
    const auto trimmed = [](std::string_view text) {
      const auto first = text.find_first_not_of(" \t");
      if (first == text.npos) return std::string_view();
      return text.substr(first, text.find_last_not_of(" \t") - first + 1);
    };
    const std::string_view name = trimmed(pair.substr(0, equals));
    if (any_case ? lower(name) == wanted : name == wanted) {
      return Value::text(trimmed(pair.substr(equals + 1)));
    }
  }
  return Value::text("");
}
Value get_cookie(Rendering& r, const Arguments& a) { return get_cookie_of(r, a, false); }
Value get_cookie_i(Rendering& r, const Arguments& a) { return get_cookie_of(r, a, true); }

Value raw_string(Rendering& r, const Arguments& a) {
  std::string quoted;
  const std::string_view text = r.text_of(a[0]);
  if (text.size() * 6 > r.memory_left()) return r.fail("raw_string() of a text that is too long");
  quote_json(text, quoted);
  return r.keep(quoted.substr(1, quoted.size() - 2));
}

Value replace_with_random(Rendering& r, const Arguments& a) {
  char bytes[16];
  for (int half = 0; half < 2; ++half) {
    const std::uint64_t number = r.values().random();
    std::memcpy(bytes + half * 8, &number, 8);
  }
  const std::string random = encode_base64({bytes, sizeof bytes}, kStandard, false);
  return r.replaced(r.text_of(a[0]), r.text_of(a[1]), random);
}

Value replace_with_string(Rendering& r, const Arguments& a) {
  return r.replaced(r.text_of(a[0]), r.text_of(a[1]), r.text_of(a[2]));
}

Value substring(Rendering& r, const Arguments& a) {
  const std::string_view text = r.text_of(a[0]);
  const Value from = a.get(1, "start");
  const Value count = a.get(2, "length");
  if (from.kind() != Value::Kind::kInt ||
      (!count.is_undefined() && count.kind() != Value::Kind::kInt)) {
    return r.fail("substring() takes a text, a start and a length in whole numbers");
  }
  if (from.as_int() < 0) return r.fail("substring() from a negative start");
  const auto start = static_cast<std::uint64_t>(from.as_int());
  if (start >= text.size()) return Value::text("");
  const bool to_end = count.is_undefined() || count.as_int() <= 0;
  return Value::text(
      text.substr(start, to_end ? text.npos : static_cast<std::size_t>(count.as_int())));
}

Value exists(Rendering& r, const Arguments& a) { return Value::boolean(r.exists(r.text_of(a[0]))); }

Value exists_in(Rendering& r, const Arguments& a) {
  return Value::boolean(!r.attribute(a[0], a[1]).is_undefined());
}

Value range(Rendering& r, const Arguments& a) {
  std::int64_t bounds[3] = {0, 0, 1};
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].kind() != Value::Kind::kInt) return r.fail("range() takes whole numbers");
    bounds[a.size() == 1 ? 1 : i] = a[i].as_int();
  }
  const auto [from, to, by] = bounds;
  if (by == 0) return r.fail("range() with a step of 0");
  List out;
  for (std::int64_t i = from; by > 0 ? i < to : i > to;) {
    if (static_cast<std::int64_t>(out.size()) >= kRangeMax) {
      return r.fail(fmt::format("range() of more than {} elements", kRangeMax));
    }
    out.push_back(Value::integer(i));
    if (!r.step() || __builtin_add_overflow(i, by, &i)) break;
  }
  return r.keep(std::move(out));
}

Value dict(Rendering& r, const Arguments& a) {
  Map map;
  if (a.size() > 0) {
    if (!a[0].is_map()) return r.fail("dict() takes a map or names");
    map = a[0].members();
    if (!r.step(map.size())) return {};
  }
  map.insert(map.end(), a.named.begin(), a.named.end());
  return r.keep(std::move(map));
}

constexpr auto kFunction = Builtin::Kind::kFunction;
constexpr Builtin kFunctions[] = {
    {"header", kFunction, 1, 1, header},
    {"request_header", kFunction, 1, 1, request_header, Builtin::Reads::kRequest},
    {"body", kFunction, 0, 0, body, Builtin::Reads::kBody},
    {"context", kFunction, 0, 0, context, Builtin::Reads::kBody},
    {"env", kFunction, 1, 1, env},
    {"base64_encode", kFunction, 1, 1, base64_encode},
    {"base64_decode", kFunction, 1, 1, base64_decode},
    {"base64url_encode", kFunction, 1, 1, base64url_encode},
    {"base64url_decode", kFunction, 1, 1, base64url_decode},
    {"get_cookie", kFunction, 1, 1, get_cookie, Builtin::Reads::kRequest},
    {"get_cookie_i", kFunction, 1, 1, get_cookie_i, Builtin::Reads::kRequest},
    {"raw_string", kFunction, 1, 1, raw_string},
    {"replace_with_random", kFunction, 2, 2, replace_with_random},
    {"replace_with_string", kFunction, 3, 3, replace_with_string},
    {"substring", kFunction, 2, 3, substring},
    {"exists", kFunction, 1, 1, exists},
    {"existsIn", kFunction, 2, 2, exists_in},
    {"range", kFunction, 1, 3, range},
    {"dict", kFunction, 0, 1, dict},
    {"namespace", kFunction, 0, 1, dict},
};

}  // namespace

std::span<const Builtin> message_functions() { return kFunctions; }

}  // namespace tidegate::proxy::templates
