#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "proxy/template/rendering.h"

/// Filters on texts. Letters outside of ASCII keep their case. Source: MiniJinja, module filters.
namespace tidegate::proxy::templates {

Value Rendering::replaced(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty() || text.size() < from.size() || !step(text.size() / 64))
    return Value::text(text);
  std::string out;
  std::string_view left = text;
  while (true) {
    const void* found =
        left.empty() ? nullptr : memmem(left.data(), left.size(), from.data(), from.size());
    const std::size_t before =
        found ? static_cast<std::size_t>(static_cast<const char*>(found) - left.data())
              : left.size();
    out += left.substr(0, before);
    if (!found) break;
    out += to;
    left.remove_prefix(before + from.size());
    if (!step()) return {};
    if (out.size() > scratch_.left()) {
      scratch_.take(scratch_.left() + 1);
      return kept({});
    }
  }
  return keep(std::move(out));
}

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// A text of the same length, letter by letter.
template <class Change>
Value changed(Rendering& r, const Arguments& a, Change change) {
  const std::string_view text = r.text_of(a[0]);
  if (!r.step(text.size() / 64)) return {};
  std::string out(text);
  for (char& c : out) c = change(c);
  return r.keep(std::move(out));
}

Value lower(Rendering& r, const Arguments& a) { return changed(r, a, to_lower); }
Value upper(Rendering& r, const Arguments& a) { return changed(r, a, to_upper); }

Value capitalize(Rendering& r, const Arguments& a) {
  return changed(r, a, [first = true](char c) mutable {
    return std::exchange(first, false) ? to_upper(c) : to_lower(c);
  });
}

Value title(Rendering& r, const Arguments& a) {
  return changed(r, a, [begins = true](char c) mutable {
    const bool between = is_space(c) || (std::ispunct(static_cast<unsigned char>(c)) != 0 &&
                                         static_cast<unsigned char>(c) < 0x80);
    return std::exchange(begins, between) ? to_upper(c) : to_lower(c);
  });
}

Value trim(Rendering& r, const Arguments& a) {
  std::string_view text = r.text_of(a[0]);
  const Value chars = a.get(1, "chars");
  const std::string_view set = chars.is_undefined() ? " \t\n\v\f\r" : r.text_of(chars);
  const auto first = text.find_first_not_of(set);
  if (first == text.npos) return Value::text("");
  return Value::text(text.substr(first, text.find_last_not_of(set) - first + 1));
}

Value replace(Rendering& r, const Arguments& a) {
  return r.replaced(r.text_of(a[0]), r.text_of(a[1]), r.text_of(a[2]));
}

Value escape(Rendering& r, const Arguments& a) {
  std::string out;
  for (char c : r.text_of(a[0])) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#x27;";
        break;
      case '/':
        out += "&#x2f;";
        break;
      default:
        out += c;
    }
  }
  return r.step(out.size() / 64) ? r.keep(std::move(out)) : Value();
}

Value string(Rendering& r, const Arguments& a) { return Value::text(r.text_of(a[0])); }

Value safe(Rendering&, const Arguments& a) { return a[0]; }  // nothing is escaped by itself

Value split(Rendering& r, const Arguments& a) {
  const std::string_view text = r.text_of(a[0]);
  const Value separator = a.get(1, "split");
  const Value most = a.get(2, "maxsplits");
  std::int64_t left = most.kind() == Value::Kind::kInt && most.as_int() >= 0 ? most.as_int() : -1;
  List out;
  if (separator.is_undefined() || separator.kind() == Value::Kind::kNone) {
    for (std::size_t at = 0; at < text.size() && r.step();) {
      while (at < text.size() && is_space(text[at])) ++at;
      std::size_t end = left == 0 ? text.size() : at;
      while (end < text.size() && !is_space(text[end])) ++end;
      if (end > at) out.push_back(Value::text(text.substr(at, end - at)));
      at = end;
      --left;
    }
    return r.keep(std::move(out));
  }
  const std::string_view by = r.text_of(separator);
  if (by.empty()) return r.fail("split() by an empty text");
  std::string_view rest = text;
  while (left-- != 0 && r.step()) {
    const void* found = memmem(rest.data(), rest.size(), by.data(), by.size());
    if (!found) break;
    const auto before = static_cast<std::size_t>(static_cast<const char*>(found) - rest.data());
    out.push_back(Value::text(rest.substr(0, before)));
    rest.remove_prefix(before + by.size());
  }
  out.push_back(Value::text(rest));
  return r.keep(std::move(out));
}

Value lines(Rendering& r, const Arguments& a) {
  std::string_view left = r.text_of(a[0]);
  List out;
  while (!left.empty() && r.step()) {
    const auto end = left.find('\n');
    std::string_view line = left.substr(0, end);
    if (end != left.npos && line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(Value::text(line));
    left.remove_prefix(end == left.npos ? left.size() : end + 1);
  }
  return r.keep(std::move(out));
}

Value indent(Rendering& r, const Arguments& a) {
  std::string_view text = r.text_of(a[0]);
  const Value width = a.get(1, "width");
  const bool first = a.get(2, "first").truthy();
  const bool blank = a.get(3, "blank").truthy();
  const std::int64_t spaces = width.is_undefined()                ? 4
                              : width.kind() == Value::Kind::kInt ? width.as_int()
                                                                  : -1;
  if (spaces < 0 || spaces > 1024) return r.fail("indent() takes a width from 0 to 1024");
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  std::string out;
  for (bool begin = true; r.step(); begin = false) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (begin ? first : (blank || !line.empty())) out.append(static_cast<std::size_t>(spaces), ' ');
    out += line;
    if (end == text.npos || out.size() > r.memory_left()) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return r.keep(std::move(out));
}

Value tojson(Rendering& r, const Arguments& a) {
  const Value indent = a.get(1, "indent");
  int spaces = 0;
  if (indent.kind() == Value::Kind::kInt) {
    spaces = static_cast<int>(std::clamp<std::int64_t>(indent.as_int(), 0, 16));
  } else if (indent.truthy()) {
    spaces = 2;
  }
  std::string out;
  if (!print_json(a[0], out, r.memory_left(), spaces)) {
    return r.fail("a value is too large or nested too deeply to be JSON");
  }
  return r.keep(std::move(out));
}

void percent_encode(std::string_view text, std::string& out) {
  for (char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain && static_cast<unsigned char>(c) < 0x80) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

/// A text, or a map as the query of a URL.
Value urlencode(Rendering& r, const Arguments& a) {
  std::string out;
  if (!a[0].is_map()) {
    percent_encode(r.text_of(a[0]), out);
    return r.step(out.size() / 64) ? r.keep(std::move(out)) : Value();
  }
  for (const auto& [key, value] : a[0].members()) {
    if (value.is_undefined() || value.kind() == Value::Kind::kNone) continue;
    if (!r.step()) return {};
    if (!out.empty()) out += '&';
    percent_encode(key, out);
    out += '=';
    percent_encode(r.text_of(value), out);
  }
  return r.keep(std::move(out));
}

constexpr auto kFilter = Builtin::Kind::kFilter;
constexpr Builtin kTextFilters[] = {
    {"lower", kFilter, 1, 1, lower},
    {"upper", kFilter, 1, 1, upper},
    {"capitalize", kFilter, 1, 1, capitalize},
    {"title", kFilter, 1, 1, title},
    {"trim", kFilter, 1, 2, trim},
    {"replace", kFilter, 3, 3, replace},
    {"escape", kFilter, 1, 1, escape},
    {"e", kFilter, 1, 1, escape},
    {"safe", kFilter, 1, 1, safe},
    {"string", kFilter, 1, 1, string},
    {"split", kFilter, 1, 3, split},
    {"lines", kFilter, 1, 1, lines},
    {"indent", kFilter, 1, 4, indent},
    {"tojson", kFilter, 1, 2, tojson},
    {"urlencode", kFilter, 1, 1, urlencode},
};

}  // namespace

std::span<const Builtin> text_filters() { return kTextFilters; }

}  // namespace tidegate::proxy::templates
