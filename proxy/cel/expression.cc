#include "proxy/cel/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proxy/cel/evaluator.h"
#include "proxy/cel/node.h"
#include "proxy/cel/parser.h"
#include "proxy/cel/utf8.h"

namespace tidegate::proxy::cel {
namespace {

/// Constants point to the text of their own node, which has its place for good now.
void settle_texts(Node& node) {
  if (node.op == Node::Op::kConstant) {
    if (node.constant.is(Kind::kString)) node.constant = Value::string(node.text);
    if (node.constant.is(Kind::kBytes)) node.constant = Value::bytes(node.text);
  }
  for (Node& one : node.args) settle_texts(one);
}

void collect(const Node& node, std::vector<Attribute>& out) {
  if (node.op == Node::Op::kAttribute || node.op == Node::Op::kHasAttribute) {
    if (std::find(out.begin(), out.end(), node.attribute) == out.end())
      out.push_back(node.attribute);
  }
  for (const Node& one : node.args) collect(one, out);
}

}  // namespace

Expression::Expression(std::unique_ptr<Node> root) : root_(std::move(root)) {
  settle_texts(*root_);
}
Expression::~Expression() = default;

Expression::Compiled Expression::compile(std::string_view text) {
  if (text.size() > kExpressionBytesMax)
    return CompileError{
        1, 1,
        fmt::format("{} bytes: an expression has at most {}", text.size(), kExpressionBytesMax)};
  if (!is_utf8(text)) return CompileError{1, 1, "not UTF-8"};
  auto root = std::make_unique<Node>();
  Parser parser(text);
  if (!parser.parse(*root)) return parser.error();
  return std::unique_ptr<const Expression>(new Expression(std::move(root)));
}

Value Expression::evaluate(const Attributes& attributes, Arena& arena, const Limits& limits) const {
  Heap heap(arena, limits);
  Value out = Evaluator(attributes, heap).evaluate(*root_);
  return heap.exhausted() ? Value::error(kLimit) : out;
}

bool Expression::uses(std::string_view prefix) const {
  for (const Attribute attribute : attributes()) {
    if (name(attribute).starts_with(prefix)) return true;
  }
  return false;
}

std::vector<Attribute> Expression::attributes() const {
  std::vector<Attribute> out;
  collect(*root_, out);
  return out;
}

}  // namespace tidegate::proxy::cel
