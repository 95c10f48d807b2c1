#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/template/lexer.h"
#include "proxy/template/template.h"

namespace tidegate::proxy::templates {

/// Text to statements, by recursive descent; binds names of functions, filters and tests, and finds
/// the names that the body must give. After the first error everything returns at once.
class Parser {
 public:
  explicit Parser(std::string_view text);

  bool parse(Block& out);
  const CompileError& error() const { return *error_; }
  std::vector<std::string> variables() const { return {free_.begin(), free_.end()}; }
  bool reads_body() const { return reads_body_; }
  bool reads_request() const { return reads_request_; }

 private:
  using Pointer = Expression::Pointer;

  // parser.cc: statements
  void block(Block& out, std::initializer_list<std::string_view> ends, std::string_view opener);
  void tag(Block& out);
  void if_tag(Statement& out);
  void for_tag(Statement& out);
  void set_tag(Statement& out);
  void with_tag(Statement& out);
  void filter_tag(Statement& out);
  void end_tag();
  bool target(Target& out, bool member_allowed);

  // expressions.cc
  Pointer expression();
  Pointer or_expression();
  Pointer and_expression();
  Pointer not_expression();
  Pointer comparison();
  Pointer sum();
  Pointer concatenation();
  Pointer product();
  Pointer power();
  Pointer unary();
  Pointer postfix(Pointer value);
  Pointer filters(Pointer value);
  Pointer filter(Pointer value);
  Pointer test(Pointer value);
  Pointer primary();
  Pointer name();
  Pointer list(std::string_view end);
  Pointer map();
  Pointer subscript(Pointer value);
  void arguments(Expression& call);
  void bind(Expression& call, Builtin::Kind kind, std::string_view name);

  Pointer make(Expression::Kind kind, Place place);
  Pointer adopt(Pointer parent, Pointer child);
  Pointer binary(Expression::Operation operation, Place place, Pointer left, Pointer right);
  void advance();
  bool take(std::string_view symbol);
  bool take_name(std::string_view name);
  void expect(std::string_view symbol);
  void fail(Place place, std::string message);
  bool failed() const { return error_.has_value(); }
  std::string found() const;  // "found ...", for messages
  bool declared(std::string_view name) const;
  void declare(const Target& target);

  Lexer lexer_;
  Token token_;
  std::optional<CompileError> error_;
  std::vector<std::set<std::string, std::less<>>> scopes_{1};
  std::set<std::string> free_;
  bool reads_body_ = false;
  bool reads_request_ = false;
  int depth_ = 0;
};

}  // namespace tidegate::proxy::templates
