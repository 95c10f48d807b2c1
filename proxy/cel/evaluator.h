#pragma once

#include <array>

#include "proxy/cel/attributes.h"
#include "proxy/cel/node.h"
#include "proxy/cel/parser.h"

namespace tidegate::proxy::cel {

/// One evaluation: walks the tree. Its depth is that of the tree, which the parser bounds.
class Evaluator {
 public:
  Evaluator(const Attributes& attributes, Heap& heap) : attributes_(attributes), heap_(heap) {}
  Value evaluate(const Node& node);

 private:
  Value attribute(const Node& node);
  Value select(const Node& node);
  Value has(const Node& node);
  Value logical(const Node& node, bool decisive);
  Value compare(const Node& node);
  Value call_function(const Node& node);
  Value sequence(const Node& node, bool map);
  Value quantifier(const Node& node, const Value& range);
  Value exists_one(const Node& node, const Value& range);
  Value gather(const Node& node, const Value& range);
  Value macro(const Node& node);

  const Attributes& attributes_;
  Heap& heap_;
  std::array<Value, kLocalsMax> locals_;
};

}  // namespace tidegate::proxy::cel
