#include "proxy/cel/evaluator.h"

#include "proxy/cel/operators.h"

namespace tidegate::proxy::cel {
namespace {

/// `request` as a map of what there is below "request.".
class GroupMap final : public Map {
 public:
  GroupMap(const Attributes& attributes, std::string_view group)
      : attributes_(attributes), group_(group) {}
  std::size_t size() const override {
    std::size_t count = 0;
    for (std::size_t i = 0; i < kAttributeCount; ++i) count += member(i) ? 1 : 0;
    return count;
  }
  Value key(std::size_t index, Heap&) const override {
    for (std::size_t i = 0; i < kAttributeCount; ++i) {
      if (!member(i) || index-- > 0) continue;
      return Value::string(name(static_cast<Attribute>(i)).substr(group_.size() + 1));
    }
    return {};
  }
  bool find(const Value& key, Heap& heap, Value& out) const override {
    if (!key.is(Kind::kString) || !heap.charge(8)) return false;
    for (std::size_t i = 0; i < kAttributeCount; ++i) {
      if (member(i) && name(static_cast<Attribute>(i)).substr(group_.size() + 1) == key.text())
        return attributes_.get(static_cast<Attribute>(i), heap, out);
    }
    return false;
  }

 private:
  bool member(std::size_t index) const {
    std::string_view full = name(static_cast<Attribute>(index));
    return full.size() > group_.size() && full.starts_with(group_) && full[group_.size()] == '.';
  }
  const Attributes& attributes_;
  std::string_view group_;
};

std::size_t size_of(const Value& range) {
  return range.is(Kind::kList) ? range.list().size() : range.map().size();
}

Value element(const Value& range, std::size_t index, Heap& heap) {
  return range.is(Kind::kList) ? range.list()[index] : range.map().key(index, heap);
}

}  // namespace

Value Evaluator::attribute(const Node& node) {
  Value out;
  if (!attributes_.get(node.attribute, heap_, out)) return Value::error(kNoField);
  return out;
}

Value Evaluator::select(const Node& node) {
  Value of = evaluate(node.args[0]);
  if (of.is_error()) return of;
  if (!of.is(Kind::kMap)) return Value::error(kNoOverload);
  Value out;
  return of.map().find(Value::string(node.text), heap_, out) ? out : Value::error(kNoKey);
}

Value Evaluator::has(const Node& node) {
  Value of = evaluate(node.args[0]);
  if (of.is_error()) return of;
  if (!of.is(Kind::kMap)) return Value::error(kNoOverload);
  Value out;
  return Value::boolean(of.map().find(Value::string(node.text), heap_, out));
}

/// && and ||: an operand that decides outweighs the errors of the others.
Value Evaluator::logical(const Node& node, bool decisive) {
  Value error;
  for (const Node& one : node.args) {
    Value value = evaluate(one);
    if (heap_.exhausted()) return Value::error(kLimit);
    if (value.is(Kind::kBool)) {
      if (value.boolean() == decisive) return value;
    } else if (!error.is_error()) {
      error = value.is_error() ? value : Value::error(kNoOverload);
    }
  }
  return error.is_error() ? error : Value::boolean(!decisive);
}

Value Evaluator::compare(const Node& node) {
  Value a = evaluate(node.args[0]);
  if (a.is_error()) return a;
  Value b = evaluate(node.args[1]);
  if (b.is_error()) return b;
  switch (node.op) {
    case Node::Op::kEqual:
      return Value::boolean(equal(a, b, heap_));
    case Node::Op::kNotEqual:
      return Value::boolean(!equal(a, b, heap_));
    case Node::Op::kIn:
      return contained(a, b, heap_);
    case Node::Op::kIndex:
      return index(a, b, heap_);
    case Node::Op::kLess:
    case Node::Op::kLessEqual:
    case Node::Op::kGreater:
    case Node::Op::kGreaterEqual:
      break;
    default:
      return arithmetic(node.op, a, b, heap_);
  }
  if (a.is(Kind::kString) && !heap_.charge_text(a.text().size())) return Value::error(kLimit);
  auto found = order(a, b);
  if (!found) return Value::error(kNoOverload);
  if (node.op == Node::Op::kLess) return Value::boolean(*found < 0);
  if (node.op == Node::Op::kLessEqual) return Value::boolean(*found <= 0);
  if (node.op == Node::Op::kGreater) return Value::boolean(*found > 0);
  return Value::boolean(*found >= 0);
}

Value Evaluator::call_function(const Node& node) {
  std::array<Value, kArgsMax> args;
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    args[i] = evaluate(node.args[i]);
    if (args[i].is_error()) return args[i];
  }
  return call(node.function, std::span(args).first(node.args.size()), node.regex.get(), heap_);
}

Value Evaluator::sequence(const Node& node, bool map) {
  auto* elements = heap_.allocate<Value>(node.args.size());
  if (elements == nullptr) return Value::error(kLimit);
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    new (elements + i) Value(evaluate(node.args[i]));
    if (elements[i].is_error()) return elements[i];
  }
  std::span<const Value> all(elements, node.args.size());
  return map ? make_map(all, heap_) : Value::list(all);
}

Value Evaluator::quantifier(const Node& node, const Value& range) {
  const bool decisive = node.op == Node::Op::kExists;
  Value error;
  const std::size_t size = size_of(range);
  for (std::size_t i = 0; i < size; ++i) {
    locals_[node.slot] = element(range, i, heap_);
    Value value = evaluate(node.args[1]);
    if (heap_.exhausted()) return Value::error(kLimit);
    if (value.is(Kind::kBool)) {
      if (value.boolean() == decisive) return value;
    } else if (!error.is_error()) {
      error = value.is_error() ? value : Value::error(kNoOverload);
    }
  }
  return error.is_error() ? error : Value::boolean(!decisive);
}

Value Evaluator::exists_one(const Node& node, const Value& range) {
  std::size_t count = 0;
  const std::size_t size = size_of(range);
  for (std::size_t i = 0; i < size; ++i) {
    locals_[node.slot] = element(range, i, heap_);
    Value value = evaluate(node.args[1]);
    if (value.is_error()) return value;
    if (!value.is(Kind::kBool)) return Value::error(kNoOverload);
    count += value.boolean() ? 1 : 0;
  }
  return Value::boolean(count == 1);
}

/// filter() and map().
Value Evaluator::gather(const Node& node, const Value& range) {
  const bool filter = node.op == Node::Op::kFilter;
  const bool chooses = filter || node.args.size() == 3;
  const std::size_t size = size_of(range);
  auto* out = heap_.allocate<Value>(size);
  if (out == nullptr) return Value::error(kLimit);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const Value item = element(range, i, heap_);
    locals_[node.slot] = item;
    if (chooses) {
      Value chosen = evaluate(node.args[1]);
      if (chosen.is_error()) return chosen;
      if (!chosen.is(Kind::kBool)) return Value::error(kNoOverload);
      if (!chosen.boolean()) continue;
    }
    Value made = filter ? item : evaluate(node.args.back());
    if (made.is_error()) return made;
    new (out + count++) Value(made);
  }
  return Value::list({out, count});
}

Value Evaluator::macro(const Node& node) {
  Value range = evaluate(node.args[0]);
  if (range.is_error()) return range;
  if (!range.is(Kind::kList) && !range.is(Kind::kMap)) return Value::error(kNoOverload);
  if (node.op == Node::Op::kExistsOne) return exists_one(node, range);
  if (node.op == Node::Op::kFilter || node.op == Node::Op::kTransform) return gather(node, range);
  return quantifier(node, range);
}

Value Evaluator::evaluate(const Node& node) {
  if (!heap_.charge(1)) return Value::error(kLimit);
  switch (node.op) {
    case Node::Op::kConstant:
      return node.constant;
    case Node::Op::kLocal:
      return locals_[node.slot];
    case Node::Op::kAttribute:
      return attribute(node);
    case Node::Op::kHasAttribute: {
      Value out;
      return Value::boolean(attributes_.get(node.attribute, heap_, out));
    }
    case Node::Op::kGroup: {
      const GroupMap* map = heap_.make<GroupMap>(attributes_, node.text);
      return map == nullptr ? Value::error(kLimit) : Value::map(*map);
    }
    case Node::Op::kList:
      return sequence(node, false);
    case Node::Op::kMap:
      return sequence(node, true);
    case Node::Op::kSelect:
      return select(node);
    case Node::Op::kHas:
      return has(node);
    case Node::Op::kCall:
      return call_function(node);
    case Node::Op::kAnd:
      return logical(node, false);
    case Node::Op::kOr:
      return logical(node, true);
    case Node::Op::kNot: {
      Value value = evaluate(node.args[0]);
      if (value.is_error()) return value;
      return value.is(Kind::kBool) ? Value::boolean(!value.boolean()) : Value::error(kNoOverload);
    }
    case Node::Op::kNegate: {
      Value value = evaluate(node.args[0]);
      return value.is_error() ? value : negate(value);
    }
    case Node::Op::kConditional: {
      Value value = evaluate(node.args[0]);
      if (value.is_error()) return value;
      if (!value.is(Kind::kBool)) return Value::error(kNoOverload);
      return evaluate(node.args[value.boolean() ? 1 : 2]);
    }
    case Node::Op::kAll:
    case Node::Op::kExists:
    case Node::Op::kExistsOne:
    case Node::Op::kFilter:
    case Node::Op::kTransform:
      return macro(node);
    case Node::Op::kName:
      return Value::error(kNoField);
    default:
      return compare(node);
  }
}

}  // namespace tidegate::proxy::cel
