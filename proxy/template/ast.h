#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/template/builtins.h"
#include "proxy/template/value.h"

namespace tidegate::proxy::templates {

/// Where something stands in the text of a template; both count from 1, columns in characters.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct Expression {
  enum class Kind : std::uint8_t {
    kLiteral,    // literal
    kName,       // text
    kAttribute,  // children[0] . text
    kItem,       // children[0] [ children[1] ]
    kSlice,  // children[0] [ children[1] : children[2] : children[3] ], each but the first may be
             // null
    kFunction,  // builtin(children, named); a filter with its value as children[0], too
    kTest,      // children[0] is builtin(the other children)
    kMethod,    // children[0] . text ( the other children )
    kNot,
    kNegate,
    kAnd,
    kOr,
    kBinary,   // children[0] operation children[1]
    kCompare,  // children[0] operations[0] children[1] operations[1] children[2] ...
    kIf,       // children[0] if children[1] else children[2], which may be null
    kList,
    kMap,      // children: key, value, key, value ...
    kCapture,  // what a block has printed: the value of {% set x %} and {% filter %}
  };
  enum class Operation : std::uint8_t {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kFloorDivide,
    kRemainder,
    kPower,
    kConcatenate,
    kEqual,
    kUnequal,
    kLess,
    kLessOrEqual,
    kMore,
    kMoreOrEqual,
    kIn,
    kNotIn,
  };
  using Pointer = std::unique_ptr<Expression>;

  Kind kind = Kind::kLiteral;
  Operation operation = Operation::kAdd;
  Place place;
  int depth = 1;  // of the tree below
  std::string text;
  Value literal;  // a text is a view into `text`
  const Builtin* builtin = nullptr;
  std::vector<Pointer> children;
  std::vector<std::pair<std::string, Pointer>> named;
  std::vector<Operation> operations;
};

struct Statement;
using Block = std::vector<Statement>;

/// The names that a value is unpacked into: one name, or several for a list of as many elements.
struct Target {
  std::vector<std::string> names;
  std::string member;  // {% set names[0].member = ... %}
};

struct Statement {
  enum class Kind : std::uint8_t {
    kText,     // text
    kPrint,    // value
    kIf,       // branches, the last without condition is the else
    kFor,      // target in value if condition: body, else branches[0]
    kSet,      // target = value
    kCapture,  // target = value of what body prints; without target it is printed
    kScope,    // body with names of its own: targets = values
    kDo,       // value, for what it does
  };
  struct Branch {
    Expression::Pointer condition;  // null: always
    Block body;
  };

  Kind kind = Kind::kText;
  Place place;
  std::string text;
  Expression::Pointer value;
  Expression::Pointer condition;
  Target target;
  std::vector<std::pair<Target, Expression::Pointer>> assignments;
  Block body;
  std::vector<Branch> branches;
};

}  // namespace tidegate::proxy::templates
