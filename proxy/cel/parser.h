#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/cel/lexer.h"
#include "proxy/cel/node.h"

namespace tidegate::proxy::cel {

/// Nested parts of an expression, and operators of one kind in a row that are not && or ||.
inline constexpr int kDepthMax = 128;
/// Macros inside macros.
inline constexpr std::size_t kLocalsMax = 16;

/// Makes a tree of an expression and resolves its names: attributes, functions, macro variables.
/// Source: cel-spec, langdef.md, "Syntax", "Name Resolution", "Macros".
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}
  /// False: error() says why.
  bool parse(Node& out);
  const CompileError& error() const { return *lexer_.error(); }

 private:
  using Level = bool (Parser::*)(Node&);
  struct Operator {
    std::string_view symbol;
    Node::Op op;
  };
  bool expression(Node& out);
  bool chain(Node& out, std::string_view symbol, Node::Op op, Level next);
  bool disjunction(Node& out);
  bool conjunction(Node& out);
  bool relation(Node& out);
  bool addition(Node& out);
  bool multiplication(Node& out);
  bool left_to_right(Node& out, const Operator* begin, const Operator* end, Level next);
  bool unary(Node& out);
  bool member(Node& out);
  bool select(Node& out, const std::string& field, std::size_t at);
  bool member_call(Node& out, const std::string& name, std::size_t at);
  bool macro(Node& out, Node::Op op, const std::string& name, std::size_t at);
  bool has_macro(Node& out, std::size_t at);
  bool global_call(Node& out, const std::string& name, std::size_t at);
  bool finish_call(Node& out, const std::string& name, bool member, std::size_t at);
  bool primary(Node& out);
  bool identifier(Node& out, bool root);
  bool number(Node& out, bool negative);
  bool list(Node& out);
  bool map(Node& out);
  bool arguments(std::vector<Node>& out);
  /// A name that stands for a value now: no more of it follows.
  bool settle(Node& node);
  bool grow(Node& node);  // sets its depth
  bool unknown_name(std::string_view name, std::size_t at);

  bool advance() { return lexer_.next(token_); }
  bool expect(std::string_view symbol);
  bool fail(std::size_t at, std::string message) { return lexer_.fail(at, std::move(message)); }
  static Node constant(Value value, std::size_t at);
  static Node make(Node::Op op, std::size_t at);

  Lexer lexer_;
  Token token_;
  std::vector<std::string> locals_;
  int depth_ = 0;
};

}  // namespace tidegate::proxy::cel
