#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/cel/attributes.h"
#include "proxy/cel/functions.h"
#include "proxy/cel/value.h"

namespace tidegate::proxy::cel {

/// One part of a compiled expression.
struct Node {
  enum class Op : std::uint8_t {
    kName,          // `text`: the beginning of an attribute's name; none is left after parsing
    kConstant,      // `constant`
    kLocal,         // `slot`: the variable of a macro
    kAttribute,     // `attribute`
    kGroup,         // `text`: "request" itself, as a map
    kHasAttribute,  // has(request.id)
    kList,          // args
    kMap,           // args: key, value, key, value
    kSelect,        // args[0] . text
    kHas,           // has(args[0] . text)
    kIndex,         // args[0] [ args[1] ]
    kCall,          // function, args with the receiver first
    kAnd,           // all args
    kOr,
    kNot,
    kNegate,
    kConditional,  // args[0] ? args[1] : args[2]
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kRemainder,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kIn,
    kAll,  // macros: args[0] is the range, args[1] ... see the variable in `slot`
    kExists,
    kExistsOne,
    kFilter,
    kTransform,  // map(); with three args args[1] chooses
  };
  Op op = Op::kConstant;
  Function function = Function::kSize;
  Attribute attribute = Attribute::kRequestPath;
  std::uint8_t slot = 0;
  std::uint16_t depth = 1;  // of the tree from here
  std::uint32_t at = 0;     // byte offset in the text
  Value constant;
  std::string text;  // also what `constant` points to
  std::vector<Node> args;
  std::unique_ptr<re2::RE2> regex;  // of matches() with a constant pattern
};

}  // namespace tidegate::proxy::cel
