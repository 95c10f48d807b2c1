#include <fmt/format.h>

#include <boost/container/small_vector.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "proxy/template/rendering.h"

namespace tidegate::proxy::templates {

using Kind = Expression::Kind;
using Operation = Expression::Operation;

Value Rendering::evaluate(const Expression& expression) {
  if (!step()) return {};
  place_ = expression.place;
  const auto child = [&](std::size_t i) { return evaluate(*expression.children[i]); };
  switch (expression.kind) {
    case Kind::kLiteral:
      return expression.literal;
    case Kind::kName:
      return name(expression);
    case Kind::kAttribute: {
      const Expression& of = *expression.children[0];
      if (of.kind == Kind::kName) {
        if (const Variable* found = find(of.text); found && found->loop) {
          return loop_member(*found->loop, expression.text);
        }
      }
      const Value value = child(0);
      place_ = expression.place;
      return item(value, Value::text(expression.text));
    }
    case Kind::kItem: {
      const Value of = child(0);
      const Value key = child(1);
      place_ = expression.place;
      return item(of, key);
    }
    case Kind::kSlice:
      return slice(expression);
    case Kind::kFunction:
    case Kind::kTest:
      return call(expression);
    case Kind::kMethod:
      return loop_method(expression);
    case Kind::kNot:
      return Value::boolean(!child(0).truthy());
    case Kind::kNegate: {
      const Value value = child(0);
      place_ = expression.place;
      if (value.kind() == Value::Kind::kDouble) return Value::number(-value.as_double());
      return arithmetic(Operation::kSubtract, Value::integer(0), value);
    }
    case Kind::kAnd: {
      const Value left = child(0);
      return left.truthy() ? child(1) : left;
    }
    case Kind::kOr: {
      const Value left = child(0);
      return left.truthy() ? left : child(1);
    }
    case Kind::kBinary:
      return binary(expression);
    case Kind::kCompare:
      return comparison(expression);
    case Kind::kIf:
      if (child(1).truthy()) return child(0);
      return expression.children[2] ? child(2) : Value();
    case Kind::kList: {
      List list;
      list.reserve(expression.children.size());
      for (const auto& each : expression.children) list.push_back(evaluate(*each));
      return keep(std::move(list));
    }
    case Kind::kMap: {
      Map map;
      for (std::size_t i = 0; i + 1 < expression.children.size(); i += 2) {
        const std::string_view key = text_of(child(i));
        map.emplace_back(key, child(i + 1));
      }
      return keep(std::move(map));
    }
    case Kind::kCapture:
      return captured_;
  }
  return {};
}

Value Rendering::name(const Expression& expression) {
  const std::string_view wanted = expression.text;
  if (const Variable* found = find(wanted)) {
    if (!found->loop) return found->value;
    Map all;
    for (std::string_view member : {"depth", "depth0", "first", "index", "index0", "last", "length",
                                    "nextitem", "previtem", "revindex", "revindex0"}) {
      all.emplace_back(member, loop_member(*found->loop, member));
    }
    return keep(std::move(all));
  }
  if (const auto* body = values_.json(); body && body->is_object()) {
    if (const auto* member = body->get_object().if_contains(wanted)) return Value::json(*member);
  }
  if (wanted == "connection") {
    Map members;
    if (const auto* connection = values_.connection()) {
      for (const auto& [key, value] : *connection) members.emplace_back(key, Value::json(value));
    }
    return keep(std::move(members));
  }
  return {};
}

Value Rendering::item(const Value& of, const Value& key) {
  if (failed_) return {};
  if (of.is_undefined() || of.kind() == Value::Kind::kNone) {
    return fail(fmt::format("\"{}\" of a value that is not there", text_of(key)));
  }
  if (of.is_map()) return of.member(text_of(key));
  if (key.kind() != Value::Kind::kInt) return {};
  std::int64_t index = key.as_int();
  if (of.is_list()) {
    const auto count = static_cast<std::int64_t>(of.length());
    if (index < 0) index += count;
    return index >= 0 && index < count ? of.element(static_cast<std::size_t>(index)) : Value();
  }
  if (of.is_string()) {
    List characters;
    if (!elements(of, characters)) return {};
    const auto count = static_cast<std::int64_t>(characters.size());
    if (index < 0) index += count;
    return index >= 0 && index < count ? characters[static_cast<std::size_t>(index)] : Value();
  }
  return {};
}

Value Rendering::attribute(Value of, const Value& path) {
  if (path.kind() == Value::Kind::kInt) return item(of, path);
  std::string_view left = text_of(path);
  while (true) {
    const std::string_view part = left.substr(0, left.find('.'));
    std::int64_t index = 0;
    const char* end = part.data() + part.size();
    const bool number = !part.empty() && std::from_chars(part.data(), end, index).ptr == end;
    if (of.is_undefined() || of.kind() == Value::Kind::kNone) return {};
    of = item(of, number && of.is_list() ? Value::integer(index) : Value::text(part));
    if (part.size() == left.size() || !step()) return of;
    left.remove_prefix(part.size() + 1);
  }
}

bool Rendering::exists(std::string_view path) {
  const std::string_view first = path.substr(0, path.find('.'));
  Value value;
  if (const Value* found = lookup(first)) {
    value = *found;
  } else if (const auto* body = values_.json(); body && body->is_object()) {
    if (const auto* member = body->get_object().if_contains(first)) value = Value::json(*member);
  }
  if (first.size() == path.size()) return !value.is_undefined();
  return !attribute(value, Value::text(path.substr(first.size() + 1))).is_undefined();
}

Value Rendering::slice(const Expression& expression) {
  const Value of = evaluate(*expression.children[0]);
  std::int64_t bounds[3] = {0, 0, 1};
  bool given[3] = {false, false, false};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!expression.children[i + 1]) continue;
    const Value bound = evaluate(*expression.children[i + 1]);
    if (bound.kind() == Value::Kind::kNone) continue;
    if (bound.kind() != Value::Kind::kInt) return fail("a slice needs whole numbers");
    bounds[i] = bound.as_int();
    given[i] = true;
  }
  place_ = expression.place;
  if (bounds[2] == 0) return fail("a slice with a step of 0");
  if (of.is_map() || of.is_number() || of.kind() == Value::Kind::kBool) {
    return fail(fmt::format("a {} cannot be sliced", of.kind_name()));
  }
  List all;
  if (of.kind() != Value::Kind::kNone && !elements(of, all)) return {};
  const auto count = static_cast<std::int64_t>(all.size());
  const auto clamp = [count](std::int64_t bound, std::int64_t low, std::int64_t high) {
    return std::clamp(bound < 0 ? bound + count : bound, low, high);
  };
  const std::int64_t by = std::clamp(bounds[2], -count - 1, count + 1);
  List out;
  if (by > 0) {
    const std::int64_t end = given[1] ? clamp(bounds[1], 0, count) : count;
    for (std::int64_t i = given[0] ? clamp(bounds[0], 0, count) : 0; i < end; i += by) {
      out.push_back(all[static_cast<std::size_t>(i)]);
    }
  } else {
    const std::int64_t end = given[1] ? clamp(bounds[1], -1, count - 1) : -1;
    for (std::int64_t i = given[0] ? clamp(bounds[0], -1, count - 1) : count - 1; i > end;
         i += by) {
      out.push_back(all[static_cast<std::size_t>(i)]);
    }
  }
  if (!of.is_string()) return keep(std::move(out));
  std::string text;
  for (const Value& character : out) text += character.as_text();
  return keep(std::move(text));
}

Value Rendering::call(const Expression& expression) {
  boost::container::small_vector<Value, 4> values;
  for (const auto& each : expression.children) values.push_back(evaluate(*each));
  boost::container::small_vector<std::pair<std::string_view, Value>, 2> named;
  for (const auto& [key, each] : expression.named) named.emplace_back(key, evaluate(*each));
  if (failed_) return {};
  place_ = expression.place;
  return expression.builtin->call(*this,
                                  {{values.data(), values.size()}, {named.data(), named.size()}});
}

Value Rendering::loop_member(const Loop& loop, std::string_view name) {
  const auto number = [](std::size_t value) {
    return Value::integer(static_cast<std::int64_t>(value));
  };
  std::size_t depth = 0;
  for (const Loop* parent = loop.parent; parent; parent = parent->parent) ++depth;
  if (name == "index" || name == "index1") return number(loop.index + 1);
  if (name == "index0") return number(loop.index);
  if (name == "revindex") return number(loop.length - loop.index);
  if (name == "revindex0") return number(loop.length - loop.index - 1);
  if (name == "first" || name == "is_first") return Value::boolean(loop.index == 0);
  if (name == "last" || name == "is_last") return Value::boolean(loop.index + 1 == loop.length);
  if (name == "length") return number(loop.length);
  if (name == "previtem") return loop.previous;
  if (name == "nextitem") return loop.next;
  if (name == "depth") return number(depth + 1);
  if (name == "depth0") return number(depth);
  return {};
}

Value Rendering::loop_method(const Expression& expression) {
  Variable* found = find("loop");
  if (!found || !found->loop) return fail("\"loop\" is known inside of a loop only");
  Loop& loop = *found->loop;
  List values;
  for (std::size_t i = 1; i < expression.children.size(); ++i) {
    values.push_back(evaluate(*expression.children[i]));
  }
  if (failed_ || values.empty()) return {};
  if (expression.text == "cycle") return values[loop.index % values.size()];
  const Value given = keep(std::move(values));
  const bool changed = loop.changed.is_undefined() || !equal(loop.changed, given);
  loop.changed = given;
  return Value::boolean(changed);
}

// --- operators --------------------------------------------------------------------------------

bool Rendering::contains(const Value& container, const Value& value) {
  if (failed_ || container.is_undefined()) return false;
  if (container.is_string()) {
    const std::string_view text = container.as_text();
    const std::string_view part = text_of(value);
    // memmem() is linear; std::string_view::find() is not, and both texts may be a stranger's.
    // An empty one may have no bytes to point to.
    return part.empty() ||
           (!text.empty() && memmem(text.data(), text.size(), part.data(), part.size()) != nullptr);
  }
  if (container.is_map()) return !container.member(text_of(value)).is_undefined();
  if (!container.is_list()) {
    fail(fmt::format("a {} contains nothing", container.kind_name()));
    return false;
  }
  const std::size_t count = container.length();
  for (std::size_t i = 0; i < count && !failed_; ++i) {
    if (equal(container.element(i), value)) return !failed_;
  }
  return false;
}

Value Rendering::comparison(const Expression& expression) {
  Value left = evaluate(*expression.children[0]);
  for (std::size_t i = 0; i < expression.operations.size(); ++i) {
    const Value right = evaluate(*expression.children[i + 1]);
    if (failed_) return {};
    place_ = expression.place;
    bool holds = false;
    switch (expression.operations[i]) {
      case Operation::kIn:
        holds = contains(right, left);
        break;
      case Operation::kNotIn:
        holds = !contains(right, left);
        break;
      case Operation::kEqual:
        holds = equal(left, right);
        break;
      case Operation::kUnequal:
        holds = !equal(left, right);
        break;
      case Operation::kLess:
        holds = compare(left, right) < 0;
        break;
      case Operation::kLessOrEqual:
        holds = compare(left, right) <= 0;
        break;
      case Operation::kMore:
        holds = compare(left, right) > 0;
        break;
      default:
        holds = compare(left, right) >= 0;
    }
    if (!holds) return Value::boolean(false);
    left = right;
  }
  return Value::boolean(true);
}

Value Rendering::binary(const Expression& expression) {
  const Value a = evaluate(*expression.children[0]);
  const Value b = evaluate(*expression.children[1]);
  if (failed_) return {};
  place_ = expression.place;
  const auto joined = [&](std::string_view left, std::string_view right) {
    if (left.size() + right.size() > memory_left()) {
      scratch_.take(memory_left() + 1);
      return kept({});
    }
    return keep(std::string(left).append(right));
  };
  if (expression.operation == Operation::kConcatenate) return joined(text_of(a), text_of(b));
  if (expression.operation == Operation::kAdd) {
    if (a.is_string() && b.is_string()) return joined(a.as_text(), b.as_text());
    if (a.is_list() && b.is_list()) {
      List list;
      if (!elements(a, list)) return {};
      if (List more; elements(b, more)) list.insert(list.end(), more.begin(), more.end());
      return keep(std::move(list));
    }
  }
  if (expression.operation == Operation::kMultiply) {
    if (a.is_string() || a.is_list()) return repeated(a, b);
    if (b.is_string() || b.is_list()) return repeated(b, a);
  }
  return arithmetic(expression.operation, a, b);
}

Value Rendering::repeated(const Value& value, const Value& count) {
  if (count.kind() != Value::Kind::kInt || count.as_int() < 0) {
    return fail("what is repeated needs a whole number");
  }
  const std::size_t one =
      value.is_string() ? value.as_text().size() : value.length() * sizeof(Value);
  const auto times = static_cast<std::size_t>(count.as_int());
  if (one > 0 && times > memory_left() / one) {
    scratch_.take(memory_left() + 1);
    return kept({});
  }
  if (value.is_string()) {
    std::string text;
    text.reserve(one * times);
    for (std::size_t i = 0; one > 0 && i < times; ++i) text += value.as_text();
    return keep(std::move(text));
  }
  List once;
  if (!elements(value, once) || !step(once.size() * times)) return {};
  List list;
  for (std::size_t i = 0; !once.empty() && i < times; ++i) {
    list.insert(list.end(), once.begin(), once.end());
  }
  return keep(std::move(list));
}

namespace {

std::string_view symbol(Operation operation) {
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<int>(operation)];
}

double floored(double a, double b) {  // the quotient of a Euclidean division
  const double quotient = std::trunc(a / b);
  return std::fmod(a, b) < 0 ? quotient + (b > 0 ? -1 : 1) : quotient;
}

double remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest < 0 ? rest + std::abs(b) : rest;
}

}  // namespace

Value Rendering::arithmetic(Operation operation, const Value& a, const Value& b) {
  if (failed_) return {};
  const auto number = [](const Value& v) {
    return v.is_number() || v.kind() == Value::Kind::kBool;
  };
  if (!number(a) || !number(b)) {
    return fail(fmt::format("\"{}\" is not for {} and {}", symbol(operation), a.kind_name(),
                            b.kind_name()));
  }
  const auto is_whole = [](const Value& v) {
    return v.kind() == Value::Kind::kInt || v.kind() == Value::Kind::kBool;
  };
  if (is_whole(a) && is_whole(b) && operation != Operation::kDivide) {
    const auto of = [](const Value& v) {
      return v.kind() == Value::Kind::kInt ? v.as_int() : std::int64_t{v.as_bool()};
    };
    return whole(operation, of(a), of(b));
  }
  const double x = a.as_double();
  const double y = b.as_double();
  switch (operation) {
    case Operation::kAdd:
      return Value::number(x + y);
    case Operation::kSubtract:
      return Value::number(x - y);
    case Operation::kMultiply:
      return Value::number(x * y);
    case Operation::kDivide:
      return Value::number(x / y);
    case Operation::kFloorDivide:
      return Value::number(floored(x, y));
    case Operation::kRemainder:
      return Value::number(remainder(x, y));
    default:
      return Value::number(std::pow(x, y));
  }
}

Value Rendering::whole(Operation operation, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  switch (operation) {
    case Operation::kAdd:
      overflow = __builtin_add_overflow(a, b, &out);
      break;
    case Operation::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &out);
      break;
    case Operation::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &out);
      break;
    case Operation::kFloorDivide:
    case Operation::kRemainder: {
      overflow = b == 0 || (a == INT64_MIN && b == -1);
      if (overflow) break;
      std::int64_t rest = a % b;
      out = a / b;
      if (rest < 0) {  // Euclidean: the rest is never negative
        rest += b > 0 ? b : -b;
        out += b > 0 ? -1 : 1;
      }
      if (operation == Operation::kRemainder) out = rest;
      break;
    }
    default: {  // power
      overflow = b < 0;
      out = 1;
      for (; !overflow && b > 0; b >>= 1) {
        if ((b & 1) != 0) overflow = __builtin_mul_overflow(out, a, &out);
        if (b > 1) overflow = overflow || __builtin_mul_overflow(a, a, &a);
      }
    }
  }
  if (overflow)
    return fail(fmt::format("\"{}\" has no result in whole numbers", symbol(operation)));
  return Value::integer(out);
}

}  // namespace tidegate::proxy::templates
