#include "proxy/cel/parser.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <limits>
#include <utility>

namespace tidegate::proxy::cel {
namespace {

std::optional<Value> type_named(std::string_view name) {
  for (Kind kind :
       {Kind::kNull, Kind::kBool, Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kString,
        Kind::kBytes, Kind::kList, Kind::kMap, Kind::kTimestamp, Kind::kDuration, Kind::kType}) {
    if (cel::name(kind) == name) return Value::type(kind);
  }
  return std::nullopt;
}

bool begins_name(std::string_view name) {
  return is_attribute_group(name) || name == "google" || name == "google.protobuf";
}

std::optional<Node::Op> macro_named(std::string_view name) {
  if (name == "all") return Node::Op::kAll;
  if (name == "exists") return Node::Op::kExists;
  if (name == "exists_one" || name == "existsOne") return Node::Op::kExistsOne;
  if (name == "filter") return Node::Op::kFilter;
  if (name == "map") return Node::Op::kTransform;
  return std::nullopt;
}

std::string shown(const Token& token) {
  if (token.kind == Token::Kind::kEnd) return "the end";
  if (token.kind == Token::Kind::kString || token.kind == Token::Kind::kBytes) return "a string";
  return fmt::format("'{}'", token.text);
}

}  // namespace

Node Parser::make(Node::Op op, std::size_t at) {
  Node node;
  node.op = op;
  node.at = static_cast<std::uint32_t>(at);
  return node;
}

Node Parser::constant(Value value, std::size_t at) {
  Node node = make(Node::Op::kConstant, at);
  node.constant = value;
  return node;
}

bool Parser::grow(Node& node) {
  std::uint16_t deepest = 0;
  for (const Node& one : node.args) deepest = std::max(deepest, one.depth);
  node.depth = static_cast<std::uint16_t>(deepest + 1);
  return node.depth <= kDepthMax ||
         fail(node.at, fmt::format("nested deeper than {} levels", kDepthMax));
}

bool Parser::expect(std::string_view symbol) {
  if (!token_.is(symbol))
    return fail(token_.at, fmt::format("'{}' expected before {}", symbol, shown(token_)));
  return advance();
}

bool Parser::parse(Node& out) {
  if (!advance() || !expression(out)) return false;
  if (token_.kind == Token::Kind::kEnd) return true;
  return fail(token_.at, fmt::format("unexpected {}", shown(token_)));
}

bool Parser::expression(Node& out) {
  if (depth_ >= kDepthMax)
    return fail(token_.at, fmt::format("nested deeper than {} levels", kDepthMax));
  ++depth_;
  bool ok = disjunction(out);
  if (ok && token_.is("?")) {
    Node node = make(Node::Op::kConditional, token_.at);
    node.args.resize(3);
    node.args[0] = std::move(out);
    ok = advance() && disjunction(node.args[1]) && expect(":") && expression(node.args[2]) &&
         grow(node);
    out = std::move(node);
  }
  --depth_;
  return ok;
}

/// `a && b && c` is one node, so that a long row is not a deep tree.
bool Parser::chain(Node& out, std::string_view symbol, Node::Op op, Level next) {
  if (!(this->*next)(out)) return false;
  if (!token_.is(symbol)) return true;
  Node node = make(op, token_.at);
  node.args.push_back(std::move(out));
  while (token_.is(symbol)) {
    if (!advance() || !(this->*next)(node.args.emplace_back())) return false;
  }
  out = std::move(node);
  return grow(out);
}

bool Parser::disjunction(Node& out) {
  return chain(out, "||", Node::Op::kOr, &Parser::conjunction);
}
bool Parser::conjunction(Node& out) { return chain(out, "&&", Node::Op::kAnd, &Parser::relation); }

bool Parser::left_to_right(Node& out, const Operator* begin, const Operator* end, Level next) {
  if (!(this->*next)(out)) return false;
  for (;;) {
    const Operator* found = begin;
    while (found != end && !token_.is(found->symbol) && !token_.is_word(found->symbol)) ++found;
    if (found == end) return true;
    Node node = make(found->op, token_.at);
    node.args.resize(2);
    node.args[0] = std::move(out);
    if (!advance() || !(this->*next)(node.args[1])) return false;
    out = std::move(node);
    if (!grow(out)) return false;
  }
}

bool Parser::relation(Node& out) {
  static constexpr Operator operators[] = {
      {"==", Node::Op::kEqual},     {"!=", Node::Op::kNotEqual}, {"<", Node::Op::kLess},
      {"<=", Node::Op::kLessEqual}, {">", Node::Op::kGreater},   {">=", Node::Op::kGreaterEqual},
      {"in", Node::Op::kIn}};
  return left_to_right(out, std::begin(operators), std::end(operators), &Parser::addition);
}

bool Parser::addition(Node& out) {
  static constexpr Operator operators[] = {{"+", Node::Op::kAdd}, {"-", Node::Op::kSubtract}};
  return left_to_right(out, std::begin(operators), std::end(operators), &Parser::multiplication);
}

bool Parser::multiplication(Node& out) {
  static constexpr Operator operators[] = {
      {"*", Node::Op::kMultiply}, {"/", Node::Op::kDivide}, {"%", Node::Op::kRemainder}};
  return left_to_right(out, std::begin(operators), std::end(operators), &Parser::unary);
}

/// A sign right before a number is the number's, so that the smallest int can be written.
bool Parser::unary(Node& out) {
  if (!token_.is("!") && !token_.is("-")) return member(out);
  const bool minus = token_.is("-");
  const std::size_t at = token_.at;
  if (!advance()) return false;
  if (minus && (token_.kind == Token::Kind::kInt || token_.kind == Token::Kind::kDouble)) {
    return number(out, true);
  }
  if (token_.is(minus ? "!" : "-")) return fail(token_.at, "'!' and '-' do not stand together");
  // A row of signs is a deep tree: each level counts.
  if (depth_ >= kDepthMax) return fail(at, fmt::format("nested deeper than {} levels", kDepthMax));
  ++depth_;
  Node node = make(minus ? Node::Op::kNegate : Node::Op::kNot, at);
  bool ok = unary(node.args.emplace_back()) && grow(node);
  out = std::move(node);
  --depth_;
  return ok;
}

bool Parser::number(Node& out, bool negative) {
  const Token token = token_;
  std::string_view digits = token.text;
  if (token.kind == Token::Kind::kDouble) {
    std::string text = token.text.front() == '.' ? "0" + token.text : token.text;
    double value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool tiny = failed == std::errc::result_out_of_range && text.find('-') != text.npos;
    if (tiny) value = 0;
    if ((failed != std::errc() && !tiny) || end != text.data() + text.size())
      return fail(token.at, "a number that no double holds");
    out = constant(Value::real(negative ? -value : value), token.at);
    return advance();
  }
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  std::uint64_t value = 0;
  auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool is_uint = token.kind == Token::Kind::kUint;
  if (failed != std::errc() || end != digits.data() + digits.size() ||
      (!is_uint && value > largest + (negative ? 1 : 0)))
    return fail(token.at, is_uint ? "a number that no uint holds" : "a number that no int holds");
  out = constant(is_uint ? Value::natural(value)
                         : Value::integer(static_cast<std::int64_t>(negative ? 0 - value : value)),
                 token.at);
  return advance();
}

bool Parser::member(Node& out) {
  if (!primary(out)) return false;
  for (;;) {
    if (token_.is(".")) {
      if (!advance()) return false;
      const Token name = token_;
      if (name.kind != Token::Kind::kName && name.kind != Token::Kind::kQuotedName)
        return fail(name.at, fmt::format("a field's name expected before {}", shown(name)));
      if (name.kind == Token::Kind::kName && is_keyword(name.text))
        return fail(name.at, fmt::format("'{}' is a keyword, not a field", name.text));
      if (!advance()) return false;
      bool called = token_.is("(") && name.kind == Token::Kind::kName;
      if (!(called ? member_call(out, name.text, name.at) : select(out, name.text, name.at)))
        return false;
    } else if (token_.is("[")) {
      if (!settle(out)) return false;
      Node node = make(Node::Op::kIndex, token_.at);
      node.args.resize(2);
      node.args[0] = std::move(out);
      if (!advance() || !expression(node.args[1]) || !expect("]")) return false;
      out = std::move(node);
      if (!grow(out)) return false;
    } else if (token_.is("{")) {
      return fail(token_.at, "messages cannot be built here");
    } else {
      return settle(out);
    }
  }
}

bool Parser::select(Node& out, const std::string& field, std::size_t at) {
  if (out.op == Node::Op::kName) {
    std::string name = out.text + "." + field;
    if (auto attribute = attribute_from(name)) {
      out = make(Node::Op::kAttribute, out.at);
      out.attribute = *attribute;
      out.text = std::move(name);
      return true;
    }
    if (auto type = type_named(name)) {
      out = constant(*type, out.at);
      return true;
    }
    if (!begins_name(name)) return unknown_name(name, out.at);
    out.text = std::move(name);
    return true;
  }
  Node node = make(Node::Op::kSelect, at);
  node.text = field;
  node.args.push_back(std::move(out));
  out = std::move(node);
  return grow(out);
}

bool Parser::unknown_name(std::string_view name, std::size_t at) {
  std::string message = fmt::format("there is no '{}'", name);
  if (std::string_view near = nearest_attribute(name); !near.empty())
    message += fmt::format(": did you mean '{}'?", near);
  return fail(at, std::move(message));
}

bool Parser::settle(Node& node) {
  if (node.op != Node::Op::kName) return true;
  if (!is_attribute_group(node.text)) return unknown_name(node.text, node.at);
  node.op = Node::Op::kGroup;
  return true;
}

bool Parser::arguments(std::vector<Node>& out) {
  if (!expect("(")) return false;
  if (token_.is(")")) return advance();
  for (;;) {
    if (!expression(out.emplace_back())) return false;
    if (token_.is(")")) return advance();
    if (!expect(",")) return false;
  }
}

bool Parser::member_call(Node& out, const std::string& name, std::size_t at) {
  if (!settle(out)) return false;
  if (auto op = macro_named(name)) return macro(out, *op, name, at);
  Node node = make(Node::Op::kCall, at);
  node.args.push_back(std::move(out));
  if (!arguments(node.args)) return false;
  out = std::move(node);
  return finish_call(out, name, true, at);
}

bool Parser::macro(Node& out, Node::Op op, const std::string& name, std::size_t at) {
  Node node = make(op, at);
  node.args.push_back(std::move(out));
  if (!expect("(")) return false;
  const Token variable = token_;
  if (variable.kind != Token::Kind::kName || is_keyword(variable.text) ||
      is_reserved(variable.text))
    return fail(variable.at, fmt::format("{}() needs the name of its variable first", name));
  if (locals_.size() >= kLocalsMax)
    return fail(at, fmt::format("more than {} macros inside each other", kLocalsMax));
  if (!advance() || !expect(",")) return false;
  node.slot = static_cast<std::uint8_t>(locals_.size());
  locals_.push_back(variable.text);
  bool ok = expression(node.args.emplace_back());
  if (ok && op == Node::Op::kTransform && token_.is(","))
    ok = advance() && expression(node.args.emplace_back());
  locals_.pop_back();
  if (!ok || !expect(")")) return false;
  out = std::move(node);
  return grow(out);
}

bool Parser::has_macro(Node& out, std::size_t at) {
  std::vector<Node> args;
  if (!arguments(args)) return false;
  if (args.size() != 1 || (args[0].op != Node::Op::kSelect && args[0].op != Node::Op::kAttribute))
    return fail(at, "has() needs the selection of a field, as in has(request.headers.cookie)");
  out = std::move(args[0]);
  out.op = out.op == Node::Op::kSelect ? Node::Op::kHas : Node::Op::kHasAttribute;
  return true;
}

bool Parser::global_call(Node& out, const std::string& name, std::size_t at) {
  if (name == "has") return has_macro(out, at);
  out = make(Node::Op::kCall, at);
  return arguments(out.args) && finish_call(out, name, false, at);
}

bool Parser::finish_call(Node& out, const std::string& name, bool member, std::size_t at) {
  const Signature* signature = signature_of(name);
  if (signature == nullptr) return fail(at, fmt::format("there is no function '{}'", name));
  if (member ? !signature->member : !signature->global)
    return fail(at, member ? fmt::format("'{0}' is called as {0}(x)", name)
                           : fmt::format("'{0}' is called as x.{0}()", name));
  if (out.args.size() < signature->args_min || out.args.size() > signature->args_max)
    return fail(at, fmt::format("'{}' does not take {} arguments", name,
                                out.args.size() - (member ? 1 : 0)));
  out.function = signature->function;
  if (out.function == Function::kMatches) {
    const Node& pattern = out.args[1];
    if (pattern.op == Node::Op::kConstant && pattern.constant.is(Kind::kString)) {
      std::string error;
      out.regex = compile_pattern(pattern.text, error);
      if (!out.regex) return fail(pattern.at, fmt::format("no regular expression: {}", error));
    }
  }
  return grow(out);
}

bool Parser::primary(Node& out) {
  const Token token = token_;
  switch (token.kind) {
    case Token::Kind::kInt:
    case Token::Kind::kUint:
    case Token::Kind::kDouble:
      return number(out, false);
    case Token::Kind::kString:
    case Token::Kind::kBytes:
      out = make(Node::Op::kConstant, token.at);
      out.text = token.text;
      // The view is set when the tree stands still: Expression::compile.
      out.constant = token.kind == Token::Kind::kString ? Value::string({}) : Value::bytes({});
      return advance();
    case Token::Kind::kName:
      return identifier(out, false);
    case Token::Kind::kQuotedName:
      return fail(token.at, "a name in backticks stands after a dot only");
    case Token::Kind::kEnd:
      return fail(token.at, "the expression ends too early");
    case Token::Kind::kSymbol:
      break;
  }
  if (token.is("(")) return advance() && expression(out) && expect(")");
  if (token.is("[")) return list(out);
  if (token.is("{")) return map(out);
  if (token.is(".")) return advance() && identifier(out, true);
  return fail(token.at, fmt::format("unexpected {}", shown(token)));
}

bool Parser::identifier(Node& out, bool root) {
  const Token token = token_;
  if (token.kind != Token::Kind::kName)
    return fail(token.at, fmt::format("a name expected before {}", shown(token)));
  if (!advance()) return false;
  if (token.text == "true" || token.text == "false") {
    out = constant(Value::boolean(token.text == "true"), token.at);
    return !root || fail(token.at, "a keyword, not a name");
  }
  if (token.text == "null") {
    out = constant(Value(), token.at);
    return !root || fail(token.at, "a keyword, not a name");
  }
  if (is_keyword(token.text) || is_reserved(token.text))
    return fail(token.at, fmt::format("'{}' is a reserved word", token.text));
  if (token_.is("(")) return global_call(out, token.text, token.at);
  if (!root) {
    for (std::size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i] != token.text) continue;
      out = make(Node::Op::kLocal, token.at);
      out.slot = static_cast<std::uint8_t>(i);
      return true;
    }
  }
  if (auto type = type_named(token.text)) {
    out = constant(*type, token.at);
    return true;
  }
  if (auto attribute = attribute_from(token.text)) {  // filter_state
    out = make(Node::Op::kAttribute, token.at);
    out.attribute = *attribute;
    return true;
  }
  if (!begins_name(token.text)) return unknown_name(token.text, token.at);
  out = make(Node::Op::kName, token.at);
  out.text = token.text;
  return true;
}

bool Parser::list(Node& out) {
  Node node = make(Node::Op::kList, token_.at);
  if (!advance()) return false;
  while (!token_.is("]")) {
    if (!expression(node.args.emplace_back())) return false;
    if (token_.is("]")) break;
    if (!expect(",")) return false;
  }
  out = std::move(node);
  return advance() && grow(out);
}

bool Parser::map(Node& out) {
  Node node = make(Node::Op::kMap, token_.at);
  if (!advance()) return false;
  while (!token_.is("}")) {
    if (!expression(node.args.emplace_back()) || !expect(":") ||
        !expression(node.args.emplace_back()))
      return false;
    if (token_.is("}")) break;
    if (!expect(",")) return false;
  }
  out = std::move(node);
  return advance() && grow(out);
}

}  // namespace tidegate::proxy::cel
