#pragma once

#include <boost/system/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/cel/attributes.h"
#include "proxy/cel/lexer.h"
#include "proxy/cel/value.h"

namespace tidegate::proxy::cel {

struct Node;

/// The longest expression. Source: kgateway, CELExpression.
inline constexpr std::size_t kExpressionBytesMax = 16'384;

/// A compiled expression of the Common Expression Language. Immutable: all threads may evaluate it.
/// Shape:  the language without messages: no proto literals, enums or wrappers; the standard
///         macros and functions, and string extensions (charAt, indexOf, join, lowerAscii,
///         replace, split, substring, trim, ...). Time zones are UTC and fixed offsets.
///         Patterns of matches() that are constant are compiled with the expression.
/// Errors: compile: syntax, unknown names and functions, wrong patterns; with line and column.
///         evaluate: an error value; && and || and macros absorb them as the language says.
/// Source: cel-spec, langdef.md; Envoy, "Attributes".
class Expression {
 public:
  using Compiled = boost::system::result<std::unique_ptr<const Expression>, CompileError>;
  static Compiled compile(std::string_view text);
  ~Expression();
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  /// What the value points to lives in `arena`, in the attributes or in this.
  Value evaluate(const Attributes& attributes, Arena& arena, const Limits& limits = {}) const;
  /// The value is true: neither false, nor another type, nor an error.
  bool matches(const Attributes& attributes, Arena& arena, const Limits& limits = {}) const {
    return evaluate(attributes, arena, limits).is_true();
  }
  /// The attributes that it names, each once. What it takes out of `request` as a map is not among
  /// them.
  std::vector<Attribute> attributes() const;
  /// Whether one of them begins with `prefix` ("response.").
  bool uses(std::string_view prefix) const;

 private:
  explicit Expression(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace tidegate::proxy::cel
