#include "proxy/template/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>

namespace tidegate::proxy::templates {

namespace json = boost::json;

Value Value::boolean(bool value) {
  Value out(Kind::kBool);
  out.boolean_ = value;
  return out;
}

Value Value::integer(std::int64_t value) {
  Value out(Kind::kInt);
  out.integer_ = value;
  return out;
}

Value Value::unsigned_integer(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return integer(static_cast<std::int64_t>(value));
  }
  Value out(Kind::kUnsigned);
  out.unsigned_ = value;
  return out;
}

Value Value::number(double value) {
  Value out(Kind::kDouble);
  out.double_ = value;
  return out;
}

Value Value::text(std::string_view value) {
  Value out(Kind::kString);
  out.text_ = value;
  return out;
}

Value Value::list(const List* value) {
  Value out(Kind::kList);
  out.list_ = value;
  return out;
}

Value Value::map(Map* value) {
  Value out(Kind::kMap);
  out.map_ = value;
  return out;
}

Value Value::json(const boost::json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return none();
    case json::kind::bool_:
      return boolean(value.get_bool());
    case json::kind::int64:
      return integer(value.get_int64());
    case json::kind::uint64:
      return unsigned_integer(value.get_uint64());
    case json::kind::double_:
      return number(value.get_double());
    case json::kind::string:
      return text(value.get_string());
    case json::kind::array: {
      Value out(Kind::kJsonList);
      out.json_list_ = &value.get_array();
      return out;
    }
    case json::kind::object: {
      Value out(Kind::kJsonMap);
      out.json_map_ = &value.get_object();
      return out;
    }
  }
  return {};
}

const char* Value::kind_name() const {
  switch (kind_) {
    case Kind::kUndefined:
      return "undefined";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
    case Kind::kUnsigned:
    case Kind::kDouble:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kList:
    case Kind::kJsonList:
      return "sequence";
    case Kind::kMap:
    case Kind::kJsonMap:
      return "map";
  }
  return "";
}

double Value::as_double() const {
  switch (kind_) {
    case Kind::kBool:
      return boolean_ ? 1 : 0;
    case Kind::kInt:
      return static_cast<double>(integer_);
    case Kind::kUnsigned:
      return static_cast<double>(unsigned_);
    case Kind::kDouble:
      return double_;
    default:
      return 0;
  }
}

bool Value::truthy() const {
  switch (kind_) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return boolean_;
    case Kind::kInt:
    case Kind::kUnsigned:
    case Kind::kDouble:
      return as_double() != 0;
    case Kind::kString:
      return !text_.empty();
    default:
      return length() != 0;
  }
}

std::size_t Value::length() const {
  switch (kind_) {
    case Kind::kString:
      return count_characters(text_);
    case Kind::kList:
      return list_->size();
    case Kind::kJsonList:
      return json_list_->size();
    case Kind::kMap:
      return map_->size();
    case Kind::kJsonMap:
      return json_map_->size();
    default:
      return 0;
  }
}

Value Value::element(std::size_t index) const {
  return kind_ == Kind::kList ? (*list_)[index] : json((*json_list_)[index]);
}

Value Value::member(std::string_view key) const {
  if (kind_ == Kind::kJsonMap) {
    const json::value* found = json_map_->if_contains(key);
    return found ? json(*found) : Value();
  }
  if (kind_ != Kind::kMap) return {};
  auto at = std::lower_bound(map_->begin(), map_->end(), key,
                             [](const auto& pair, std::string_view k) { return pair.first < k; });
  return at != map_->end() && at->first == key ? at->second : Value();
}

Map Value::members() const {
  if (kind_ == Kind::kMap) return *map_;
  Map out;
  if (kind_ != Kind::kJsonMap) return out;
  out.reserve(json_map_->size());
  for (const auto& [key, value] : *json_map_) out.emplace_back(key, json(value));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

// --- printing ---------------------------------------------------------------------------------

namespace {

void print_double(double value, std::string& out, bool as_json) {
  if (!std::isfinite(value)) {
    out += as_json ? "null" : std::isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf";
    return;
  }
  const std::size_t from = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  if (out.find_first_of(".e", from) == out.npos) out += ".0";
}

struct Printer {
  std::string& out;
  std::size_t bytes_max;
  int indent;

  void new_line(int depth) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * static_cast<std::size_t>(indent), ' ');
  }

  bool scalar(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::kUndefined:
      case Value::Kind::kNone:
        out += "null";
        break;
      case Value::Kind::kString:
        quote_json(value.as_text(), out);
        break;
      default:
        if (value.kind() == Value::Kind::kDouble) {
          print_double(value.as_double(), out, true);
        } else {
          return print(value, out, bytes_max);
        }
    }
    return out.size() <= bytes_max;
  }

  bool any(const Value& value, int depth) {
    if (depth > kValueDepthMax || out.size() > bytes_max) return false;
    if (value.is_list()) {
      out += '[';
      const std::size_t count = value.length();
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) out += ',';
        new_line(depth + 1);
        if (!any(value.element(i), depth + 1)) return false;
      }
      if (count > 0) new_line(depth);
      out += ']';
    } else if (value.is_map()) {
      out += '{';
      bool first = true;
      for (const auto& [key, member] : value.members()) {
        if (!std::exchange(first, false)) out += ',';
        new_line(depth + 1);
        quote_json(key, out);
        out += indent ? ": " : ":";
        if (!any(member, depth + 1)) return false;
      }
      if (!first) new_line(depth);
      out += '}';
    } else {
      return scalar(value);
    }
    return out.size() <= bytes_max;
  }
};

}  // namespace

bool print(const Value& value, std::string& out, std::size_t bytes_max) {
  switch (value.kind()) {
    case Value::Kind::kUndefined:
      break;
    case Value::Kind::kNone:
      out += "none";
      break;
    case Value::Kind::kBool:
      out += value.as_bool() ? "true" : "false";
      break;
    case Value::Kind::kInt:
      fmt::format_to(std::back_inserter(out), "{}", value.as_int());
      break;
    case Value::Kind::kUnsigned:
      fmt::format_to(std::back_inserter(out), "{}", value.as_unsigned());
      break;
    case Value::Kind::kDouble:
      print_double(value.as_double(), out, false);
      break;
    case Value::Kind::kString:
      if (value.as_text().size() > bytes_max - std::min(bytes_max, out.size())) return false;
      out += value.as_text();
      break;
    default:
      return print_json(value, out, bytes_max);
  }
  return out.size() <= bytes_max;
}

bool print_json(const Value& value, std::string& out, std::size_t bytes_max, int indent) {
  return Printer{out, bytes_max, indent}.any(value, 0);
}

void quote_json(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// --- comparing --------------------------------------------------------------------------------

namespace {

int sign(auto a, auto b) { return a < b ? -1 : b < a ? 1 : 0; }

int rank(const Value& value) {
  if (value.is_number() || value.kind() == Value::Kind::kBool) return 2;
  if (value.is_string()) return 3;
  if (value.is_list()) return 4;
  if (value.is_map()) return 5;
  return value.kind() == Value::Kind::kNone ? 1 : 0;
}

int compare_numbers(const Value& a, const Value& b) {
  const auto whole = [](const Value& v) { return v.kind() == Value::Kind::kInt; };
  if (whole(a) && whole(b)) return sign(a.as_int(), b.as_int());
  if (a.kind() == Value::Kind::kUnsigned && b.kind() == Value::Kind::kUnsigned) {
    return sign(a.as_unsigned(), b.as_unsigned());
  }
  return sign(a.as_double(), b.as_double());
}

}  // namespace

int compare(const Value& a, const Value& b, std::int64_t& budget, int depth) {
  if (--budget < 0 || depth > kValueDepthMax) {
    budget = std::min<std::int64_t>(budget, -1);
    return 0;
  }
  if (int order = sign(rank(a), rank(b))) return order;
  switch (rank(a)) {
    case 2:
      return compare_numbers(a, b);
    case 3:
      budget -= static_cast<std::int64_t>(std::min(a.as_text().size(), b.as_text().size()) / 256);
      return a.as_text().compare(b.as_text());
    case 4: {
      const std::size_t count = std::min(a.length(), b.length());
      for (std::size_t i = 0; i < count && budget >= 0; ++i) {
        if (int order = compare(a.element(i), b.element(i), budget, depth + 1)) return order;
      }
      return sign(a.length(), b.length());
    }
    case 5: {
      if (int order = sign(a.length(), b.length())) return order;
      const Map left = a.members();
      const Map right = b.members();
      budget -= static_cast<std::int64_t>(left.size());
      for (std::size_t i = 0; i < left.size() && budget >= 0; ++i) {
        if (int order = left[i].first.compare(right[i].first)) return order;
        if (int order = compare(left[i].second, right[i].second, budget, depth + 1)) return order;
      }
      return 0;
    }
    default:
      return 0;
  }
}

// --- UTF-8 ------------------------------------------------------------------------------------

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::size_t character_bytes(std::string_view utf8) {
  std::size_t bytes = 1;
  while (bytes < utf8.size() && bytes < 4 &&
         (static_cast<unsigned char>(utf8[bytes]) & 0xc0) == 0x80) {
    ++bytes;
  }
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xc2 ? 4
                             : lead < 0xe0 ? 1
                             : lead < 0xf0 ? 2
                             : lead < 0xf5 ? 3
                                           : 4;
    if (more == 4 || at + more >= bytes.size() + (more == 0 ? 1 : 0)) return false;
    std::uint32_t code = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
      const auto next = static_cast<unsigned char>(bytes[at + i]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6U | (next & 0x3fU);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    }
    at += more + 1;
  }
  return true;
}

// --- memory -----------------------------------------------------------------------------------

bool Scratch::take(std::size_t bytes) {
  if (bytes > left_) {
    exhausted_ = true;
    return false;
  }
  left_ -= bytes;
  return true;
}

Value Scratch::keep(std::string text) {
  if (!take(text.size() + sizeof text)) return {};
  return Value::text(texts_.emplace_front(std::move(text)));
}

Value Scratch::keep(List list) {
  if (!take(list.size() * sizeof(Value) + sizeof list)) return {};
  return Value::list(&lists_.emplace_front(std::move(list)));
}

Value Scratch::keep(Map map) {
  if (!take(map.size() * sizeof(Map::value_type) + sizeof map)) return {};
  std::stable_sort(map.begin(), map.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Map& kept = maps_.emplace_front();
  for (auto& pair : map) {
    if (!kept.empty() && kept.back().first == pair.first) {
      kept.back().second = pair.second;
    } else {
      kept.push_back(pair);
    }
  }
  return Value::map(&kept);
}

}  // namespace tidegate::proxy::templates
