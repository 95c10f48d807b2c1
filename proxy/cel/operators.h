#pragma once

#include <compare>
#include <optional>
#include <span>

#include "proxy/cel/node.h"
#include "proxy/cel/value.h"

/// Operators over values that are no errors. Source: cel-spec, langdef.md, "Equality", "Ordering",
/// "Overflow".
namespace tidegate::proxy::cel {

/// Of any types: numbers by their place on the number line, other types only with their own.
bool equal(const Value& a, const Value& b, Heap& heap);
/// nullopt: these types have no order between them. Unordered: a NaN.
std::optional<std::partial_ordering> order(const Value& a, const Value& b);
/// kAdd to kRemainder.
Value arithmetic(Node::Op op, const Value& a, const Value& b, Heap& heap);
Value negate(const Value& a);
/// a[b]
Value index(const Value& a, const Value& b, Heap& heap);
/// a in b
Value contained(const Value& a, const Value& b, Heap& heap);
/// {key: value, ...}; an error where a key is twice there or of a type that is no key's.
Value make_map(std::span<const Value> keys_and_values, Heap& heap);

}  // namespace tidegate::proxy::cel
