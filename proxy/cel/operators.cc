#include "proxy/cel/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "proxy/cel/time.h"

namespace tidegate::proxy::cel {
namespace {

Value overflow() { return Value::error("integer overflow"); }

/// Beyond 2^53 a double is no exact int: what rounds to the same double is equal.
std::partial_ordering order_int_double(std::int64_t a, double b) {
  return static_cast<double>(a) <=> b;
}

std::partial_ordering order_uint_double(std::uint64_t a, double b) {
  return static_cast<double>(a) <=> b;
}

std::partial_ordering order_int_uint(std::int64_t a, std::uint64_t b) {
  if (a < 0) return std::partial_ordering::less;
  return static_cast<std::uint64_t>(a) <=> b;
}

std::partial_ordering flipped(std::partial_ordering order) { return 0 <=> order; }

std::partial_ordering order_numbers(const Value& a, const Value& b) {
  if (a.kind() > b.kind()) return flipped(order_numbers(b, a));
  if (a.is(Kind::kInt)) {
    if (b.is(Kind::kInt)) return a.integer() <=> b.integer();
    if (b.is(Kind::kUint)) return order_int_uint(a.integer(), b.natural());
    return order_int_double(a.integer(), b.real());
  }
  if (a.is(Kind::kUint)) {
    if (b.is(Kind::kUint)) return a.natural() <=> b.natural();
    return order_uint_double(a.natural(), b.real());
  }
  return a.real() <=> b.real();
}

bool equal_lists(std::span<const Value> a, std::span<const Value> b, Heap& heap) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal(a[i], b[i], heap)) return false;
  }
  return true;
}

bool equal_maps(const Map& a, const Map& b, Heap& heap) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    Value key = a.key(i, heap);
    Value left;
    Value right;
    if (!a.find(key, heap, left) || !b.find(key, heap, right) || !equal(left, right, heap))
      return false;
  }
  return true;
}

Value integers(Node::Op op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  switch (op) {
    case Node::Op::kAdd:
      return __builtin_add_overflow(a, b, &out) ? overflow() : Value::integer(out);
    case Node::Op::kSubtract:
      return __builtin_sub_overflow(a, b, &out) ? overflow() : Value::integer(out);
    case Node::Op::kMultiply:
      return __builtin_mul_overflow(a, b, &out) ? overflow() : Value::integer(out);
    case Node::Op::kDivide:
      if (b == 0) return Value::error("divide by zero");
      if (b == -1) return integers(Node::Op::kSubtract, 0, a);
      return Value::integer(a / b);
    default:
      if (b == 0) return Value::error("modulus by zero");
      if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) return overflow();
      return Value::integer(b == -1 ? 0 : a % b);
  }
}

Value naturals(Node::Op op, std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  switch (op) {
    case Node::Op::kAdd:
      return __builtin_add_overflow(a, b, &out) ? overflow() : Value::natural(out);
    case Node::Op::kSubtract:
      return __builtin_sub_overflow(a, b, &out) ? overflow() : Value::natural(out);
    case Node::Op::kMultiply:
      return __builtin_mul_overflow(a, b, &out) ? overflow() : Value::natural(out);
    case Node::Op::kDivide:
      return b == 0 ? Value::error("divide by zero") : Value::natural(a / b);
    default:
      return b == 0 ? Value::error("modulus by zero") : Value::natural(a % b);
  }
}

Value reals(Node::Op op, double a, double b) {
  switch (op) {
    case Node::Op::kAdd:
      return Value::real(a + b);
    case Node::Op::kSubtract:
      return Value::real(a - b);
    case Node::Op::kMultiply:
      return Value::real(a * b);
    case Node::Op::kDivide:
      return Value::real(a / b);
    default:
      return Value::error(kNoOverload);
  }
}

Value joined(const Value& a, const Value& b, Heap& heap) {
  if (a.is(Kind::kList)) {
    std::size_t size = a.list().size() + b.list().size();
    auto* out = heap.allocate<Value>(size);
    if (out == nullptr || !heap.charge(size)) return Value::error(kLimit);
    std::copy(b.list().begin(), b.list().end(), std::copy(a.list().begin(), a.list().end(), out));
    return Value::list({out, size});
  }
  std::size_t size = a.text().size() + b.text().size();
  char* out = heap.allocate<char>(size);
  if (out == nullptr || !heap.charge_text(size)) return Value::error(kLimit);
  std::copy(b.text().begin(), b.text().end(), std::copy(a.text().begin(), a.text().end(), out));
  return a.is(Kind::kString) ? Value::string({out, size}) : Value::bytes({out, size});
}

Value moved(const Value& time, std::int64_t nanos) {
  auto out = add(Instant{time.seconds(), time.nanos()}, nanos);
  return out ? Value::timestamp(out->seconds, out->nanos) : Value::error(kRange);
}

Value times(Node::Op op, const Value& a, const Value& b) {
  const bool plus = op == Node::Op::kAdd;
  std::int64_t out = 0;
  if (a.is(Kind::kDuration) && b.is(Kind::kDuration)) {
    bool failed = plus ? __builtin_add_overflow(a.duration(), b.duration(), &out)
                       : __builtin_sub_overflow(a.duration(), b.duration(), &out);
    return failed ? Value::error(kRange) : Value::duration(out);
  }
  if (a.is(Kind::kTimestamp) && b.is(Kind::kDuration)) {
    if (plus) return moved(a, b.duration());
    return b.duration() == std::numeric_limits<std::int64_t>::min() ? Value::error(kRange)
                                                                    : moved(a, -b.duration());
  }
  if (plus && a.is(Kind::kDuration) && b.is(Kind::kTimestamp)) return moved(b, a.duration());
  if (!plus && a.is(Kind::kTimestamp) && b.is(Kind::kTimestamp)) {
    auto between = subtract({a.seconds(), a.nanos()}, {b.seconds(), b.nanos()});
    return between ? Value::duration(*between) : Value::error(kRange);
  }
  return Value::error(kNoOverload);
}

/// A map that the expression wrote. Small: it is searched from its start.
class WrittenMap final : public Map {
 public:
  explicit WrittenMap(std::span<const Value> keys_and_values) : all_(keys_and_values) {}
  std::size_t size() const override { return all_.size() / 2; }
  Value key(std::size_t index, Heap&) const override { return all_[index * 2]; }
  bool find(const Value& key, Heap& heap, Value& out) const override {
    for (std::size_t i = 0; i < all_.size(); i += 2) {
      if (!equal(all_[i], key, heap)) continue;
      out = all_[i + 1];
      return true;
    }
    return false;
  }

 private:
  std::span<const Value> all_;
};

}  // namespace

bool equal(const Value& a, const Value& b, Heap& heap) {
  if (!heap.charge(1)) return false;
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.boolean() == b.boolean();
    case Kind::kString:
    case Kind::kBytes:
      return a.text().size() == b.text().size() && heap.charge_text(a.text().size()) &&
             a.text() == b.text();
    case Kind::kList:
      return equal_lists(a.list(), b.list(), heap);
    case Kind::kMap:
      return equal_maps(a.map(), b.map(), heap);
    case Kind::kTimestamp:
      return a.seconds() == b.seconds() && a.nanos() == b.nanos();
    case Kind::kDuration:
      return a.duration() == b.duration();
    case Kind::kType:
      return a.type() == b.type();
    default:
      return false;
  }
}

std::optional<std::partial_ordering> order(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool:
      return a.boolean() <=> b.boolean();
    case Kind::kString:
    case Kind::kBytes:
      return a.text() <=> b.text();
    case Kind::kTimestamp:
      if (a.seconds() != b.seconds()) return a.seconds() <=> b.seconds();
      return a.nanos() <=> b.nanos();
    case Kind::kDuration:
      return a.duration() <=> b.duration();
    default:
      return std::nullopt;
  }
}

Value arithmetic(Node::Op op, const Value& a, const Value& b, Heap& heap) {
  const bool sum = op == Node::Op::kAdd || op == Node::Op::kSubtract;
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kInt:
        return integers(op, a.integer(), b.integer());
      case Kind::kUint:
        return naturals(op, a.natural(), b.natural());
      case Kind::kDouble:
        return reals(op, a.real(), b.real());
      case Kind::kString:
      case Kind::kBytes:
      case Kind::kList:
        return op == Node::Op::kAdd ? joined(a, b, heap) : Value::error(kNoOverload);
      default:
        break;
    }
  }
  return sum ? times(op, a, b) : Value::error(kNoOverload);
}

Value negate(const Value& a) {
  if (a.is(Kind::kInt)) return integers(Node::Op::kSubtract, 0, a.integer());
  if (a.is(Kind::kDouble)) return Value::real(-a.real());
  return Value::error(kNoOverload);
}

Value index(const Value& a, const Value& b, Heap& heap) {
  if (a.is(Kind::kMap)) {
    const bool key = b.is_number() || b.is(Kind::kString) || b.is(Kind::kBool);
    Value out;
    if (!key) return Value::error(kNoOverload);
    return a.map().find(b, heap, out) ? out : Value::error(kNoKey);
  }
  if (!a.is(Kind::kList) || !b.is_number()) return Value::error(kNoOverload);
  // A whole double counts, as numbers of JSON do.
  std::uint64_t at = 0;
  if (b.is(Kind::kInt)) {
    if (b.integer() < 0) return Value::error("invalid_argument: index out of range");
    at = static_cast<std::uint64_t>(b.integer());
  } else if (b.is(Kind::kUint)) {
    at = b.natural();
  } else {
    if (!(b.real() >= 0 && b.real() < 1e15) || b.real() != std::floor(b.real()))
      return Value::error("invalid_argument: no index");
    at = static_cast<std::uint64_t>(b.real());
  }
  if (at >= a.list().size()) return Value::error("invalid_argument: index out of range");
  return a.list()[at];
}

Value contained(const Value& a, const Value& b, Heap& heap) {
  if (b.is(Kind::kList)) {
    for (const Value& one : b.list()) {
      if (equal(a, one, heap)) return Value::boolean(true);
    }
    return Value::boolean(false);
  }
  if (!b.is(Kind::kMap)) return Value::error(kNoOverload);
  Value out;
  return Value::boolean(b.map().find(a, heap, out));
}

Value make_map(std::span<const Value> keys_and_values, Heap& heap) {
  const WrittenMap* map = heap.make<WrittenMap>(keys_and_values);
  if (map == nullptr) return Value::error(kLimit);
  for (std::size_t i = 0; i < keys_and_values.size(); i += 2) {
    const Value& key = keys_and_values[i];
    if (!key.is(Kind::kInt) && !key.is(Kind::kUint) && !key.is(Kind::kBool) &&
        !key.is(Kind::kString))
      return Value::error("unsupported key type");
    for (std::size_t j = 0; j < i; j += 2) {
      if (equal(keys_and_values[j], key, heap)) return Value::error("Failed with repeated key");
    }
  }
  return Value::map(*map);
}

}  // namespace tidegate::proxy::cel
