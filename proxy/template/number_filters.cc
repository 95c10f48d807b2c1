#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "proxy/template/rendering.h"

namespace tidegate::proxy::templates {

namespace {

/// Nearest whole number; fails where it does not fit.
Value from_double(Rendering& r, double value) {
  if (!(value > -9.2e18 && value < 9.2e18)) return r.fail("the number does not fit an integer");
  return Value::integer(static_cast<std::int64_t>(value));
}

bool parse_double(std::string_view text, double& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end && !text.empty();
}

Value to_int(Rendering& r, const Arguments& a) {
  const Value& value = a[0];
  switch (value.kind()) {
    case Value::Kind::kUndefined:
    case Value::Kind::kNone:
      return Value::integer(0);
    case Value::Kind::kBool:
      return Value::integer(value.as_bool() ? 1 : 0);
    case Value::Kind::kInt:
    case Value::Kind::kUnsigned:
      return value;
    case Value::Kind::kDouble:
      return from_double(r, value.as_double());
    case Value::Kind::kString: {
      const std::string_view text = value.as_text();
      std::int64_t whole = 0;
      const char* end = text.data() + text.size();
      const auto result = std::from_chars(text.data(), end, whole);
      if (result.ec == std::errc() && result.ptr == end) return Value::integer(whole);
      double number = 0;
      if (parse_double(text, number)) return from_double(r, number);
      return r.fail("the text is no number");
    }
    default:
      return r.fail(fmt::format("a {} is no number", value.kind_name()));
  }
}

Value to_float(Rendering& r, const Arguments& a) {
  const Value& value = a[0];
  if (value.is_undefined() || value.kind() == Value::Kind::kNone) return Value::number(0);
  if (value.is_number() || value.kind() == Value::Kind::kBool) {
    return Value::number(value.as_double());
  }
  double number = 0;
  if (value.is_string() && parse_double(value.as_text(), number)) return Value::number(number);
  return r.fail(fmt::format("a {} is no number", value.kind_name()));
}

Value to_bool(Rendering&, const Arguments& a) { return Value::boolean(a[0].truthy()); }

Value absolute(Rendering& r, const Arguments& a) {
  const Value& value = a[0];
  if (value.kind() == Value::Kind::kInt) {
    if (value.as_int() == INT64_MIN) return r.fail("the number has no absolute value");
    return Value::integer(std::abs(value.as_int()));
  }
  if (value.kind() == Value::Kind::kUnsigned) return value;
  if (value.kind() == Value::Kind::kDouble) return Value::number(std::abs(value.as_double()));
  return r.fail(fmt::format("a {} has no absolute value", value.kind_name()));
}

Value round(Rendering& r, const Arguments& a) {
  const Value places = a.get(1, "precision");
  if (!places.is_undefined() && places.kind() != Value::Kind::kInt) {
    return r.fail("round() takes a number of places");
  }
  if (a[0].kind() == Value::Kind::kInt || a[0].kind() == Value::Kind::kUnsigned) return a[0];
  if (a[0].kind() != Value::Kind::kDouble) {
    return r.fail(fmt::format("a {} cannot be rounded", a[0].kind_name()));
  }
  const double by =
      std::pow(10.0, places.is_undefined() ? 0.0 : static_cast<double>(places.as_int()));
  const double scaled = std::round(a[0].as_double() * by) / by;
  return Value::number(std::isfinite(scaled) ? scaled : a[0].as_double());
}

Value sum(Rendering& r, const Arguments& a) {
  List values;
  if (!r.elements(a[0], values)) return {};
  Value total = Value::integer(0);
  for (const Value& value : values) total = r.add(total, value);
  return total;
}

constexpr auto kFilter = Builtin::Kind::kFilter;
constexpr Builtin kNumberFilters[] = {
    {"int", kFilter, 1, 1, to_int},   {"float", kFilter, 1, 1, to_float},
    {"bool", kFilter, 1, 1, to_bool}, {"abs", kFilter, 1, 1, absolute},
    {"round", kFilter, 1, 2, round},  {"sum", kFilter, 1, 1, sum},
};

// --- tests ------------------------------------------------------------------------------------

Value yes(bool value) { return Value::boolean(value); }

bool ascii_case(std::string_view text, char low, char high) {
  for (char c : text) {
    if (c >= low && c <= high) return false;
  }
  return true;
}

template <int Rest>
Value has_rest(Rendering& r, const Arguments& a) {
  if (a[0].kind() != Value::Kind::kInt) return yes(false);
  return r.failed() ? Value() : yes((a[0].as_int() % 2 != 0) == (Rest == 1));
}

Value divisible_by(Rendering&, const Arguments& a) {
  if (a[0].kind() != Value::Kind::kInt || a[1].kind() != Value::Kind::kInt) return yes(false);
  const std::int64_t by = a[1].as_int();
  return yes(by == -1 || (by != 0 && a[0].as_int() % by == 0));
}

Value is_in(Rendering& r, const Arguments& a) { return yes(r.contains(a[1], a[0])); }

Value starts_with(Rendering& r, const Arguments& a) {
  return yes(r.text_of(a[0]).starts_with(r.text_of(a[1])));
}
Value ends_with(Rendering& r, const Arguments& a) {
  return yes(r.text_of(a[0]).ends_with(r.text_of(a[1])));
}

template <bool (*Holds)(const Value&)>
Value of_value(Rendering&, const Arguments& a) {
  return yes(Holds(a[0]));
}
bool undefined(const Value& v) { return v.is_undefined(); }
bool defined(const Value& v) { return !v.is_undefined(); }
bool none(const Value& v) { return v.kind() == Value::Kind::kNone; }
bool boolean(const Value& v) { return v.kind() == Value::Kind::kBool; }
bool is_true(const Value& v) { return boolean(v) && v.as_bool(); }
bool is_false(const Value& v) { return boolean(v) && !v.as_bool(); }
bool number(const Value& v) { return v.is_number(); }
bool floating(const Value& v) { return v.kind() == Value::Kind::kDouble; }
bool integer(const Value& v) { return v.is_number() && !floating(v); }
bool string(const Value& v) { return v.is_string(); }
bool sequence(const Value& v) { return v.is_list(); }
bool mapping(const Value& v) { return v.is_map(); }
bool iterable(const Value& v) { return v.is_list() || v.is_map() || v.is_string(); }
bool safe(const Value&) { return false; }
bool lower(const Value& v) { return v.is_string() && ascii_case(v.as_text(), 'A', 'Z'); }
bool upper(const Value& v) { return v.is_string() && ascii_case(v.as_text(), 'a', 'z'); }

template <bool (*Holds)(int)>
Value of_order(Rendering& r, const Arguments& a) {
  return yes(Holds(r.compare(a[0], a[1])));
}
bool same(int order) { return order == 0; }
bool other(int order) { return order != 0; }
bool less(int order) { return order < 0; }
bool at_most(int order) { return order <= 0; }
bool more(int order) { return order > 0; }
bool at_least(int order) { return order >= 0; }

Value same_as(Rendering& r, const Arguments& a) {
  return yes(a[0].kind() == a[1].kind() && r.equal(a[0], a[1]));
}

constexpr auto kTest = Builtin::Kind::kTest;
constexpr Builtin kTests[] = {
    {"undefined", kTest, 1, 1, of_value<undefined>},
    {"defined", kTest, 1, 1, of_value<defined>},
    {"none", kTest, 1, 1, of_value<none>},
    {"boolean", kTest, 1, 1, of_value<boolean>},
    {"true", kTest, 1, 1, of_value<is_true>},
    {"false", kTest, 1, 1, of_value<is_false>},
    {"number", kTest, 1, 1, of_value<number>},
    {"integer", kTest, 1, 1, of_value<integer>},
    {"int", kTest, 1, 1, of_value<integer>},
    {"float", kTest, 1, 1, of_value<floating>},
    {"string", kTest, 1, 1, of_value<string>},
    {"sequence", kTest, 1, 1, of_value<sequence>},
    {"mapping", kTest, 1, 1, of_value<mapping>},
    {"iterable", kTest, 1, 1, of_value<iterable>},
    {"safe", kTest, 1, 1, of_value<safe>},
    {"escaped", kTest, 1, 1, of_value<safe>},
    {"lower", kTest, 1, 1, of_value<lower>},
    {"upper", kTest, 1, 1, of_value<upper>},
    {"odd", kTest, 1, 1, has_rest<1>},
    {"even", kTest, 1, 1, has_rest<0>},
    {"divisibleby", kTest, 2, 2, divisible_by},
    {"startingwith", kTest, 2, 2, starts_with},
    {"endingwith", kTest, 2, 2, ends_with},
    {"in", kTest, 2, 2, is_in},
    {"sameas", kTest, 2, 2, same_as},
    {"eq", kTest, 2, 2, of_order<same>},
    {"equalto", kTest, 2, 2, of_order<same>},
    {"ne", kTest, 2, 2, of_order<other>},
    {"lt", kTest, 2, 2, of_order<less>},
    {"lessthan", kTest, 2, 2, of_order<less>},
    {"le", kTest, 2, 2, of_order<at_most>},
    {"gt", kTest, 2, 2, of_order<more>},
    {"greaterthan", kTest, 2, 2, of_order<more>},
    {"ge", kTest, 2, 2, of_order<at_least>},
};

}  // namespace

std::span<const Builtin> number_filters() { return kNumberFilters; }
std::span<const Builtin> tests() { return kTests; }

}  // namespace tidegate::proxy::templates
