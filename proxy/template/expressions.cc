#include <fmt/format.h>

#include "proxy/template/parser.h"

namespace tidegate::proxy::templates {

using Kind = Expression::Kind;
using Operation = Expression::Operation;
using Pointer = Expression::Pointer;

namespace {

/// Counts how deep the descent is, so that no text can exhaust the stack.
struct Descent {
  explicit Descent(int& depth) : depth_(depth) { ++depth_; }
  ~Descent() { --depth_; }
  Descent(const Descent&) = delete;
  Descent& operator=(const Descent&) = delete;
  int& depth_;
};

}  // namespace

Pointer Parser::make(Kind kind, Place place) {
  auto out = std::make_unique<Expression>();
  out->kind = kind;
  out->place = place;
  return out;
}

/// Makes `child` a child. Trees grow to the left in a loop, so their depth is counted here too.
Pointer Parser::adopt(Pointer parent, Pointer child) {
  if (child) {
    parent->depth = std::max(parent->depth, child->depth + 1);
    if (parent->depth > kNestingMax) fail(parent->place, "the expression is nested too deeply");
  }
  parent->children.push_back(std::move(child));
  return parent;
}

Pointer Parser::binary(Operation operation, Place place, Pointer left, Pointer right) {
  Pointer out = make(Kind::kBinary, place);
  out->operation = operation;
  out = adopt(std::move(out), std::move(left));
  return adopt(std::move(out), std::move(right));
}

Pointer Parser::expression() {
  const Descent descent(depth_);
  if (depth_ > kNestingMax) fail(token_.place, "the expression is nested too deeply");
  if (failed()) return make(Kind::kLiteral, token_.place);
  Pointer value = or_expression();
  while (!failed() && token_.is_name("if")) {
    Pointer choice = make(Kind::kIf, token_.place);
    advance();
    choice = adopt(std::move(choice), std::move(value));
    choice = adopt(std::move(choice), or_expression());
    value = adopt(std::move(choice), take_name("else") ? expression() : nullptr);
  }
  return value;
}

Pointer Parser::or_expression() {
  Pointer left = and_expression();
  while (!failed() && token_.is_name("or")) {
    Pointer out = make(Kind::kOr, token_.place);
    advance();
    out = adopt(std::move(out), std::move(left));
    left = adopt(std::move(out), and_expression());
  }
  return left;
}

Pointer Parser::and_expression() {
  Pointer left = not_expression();
  while (!failed() && token_.is_name("and")) {
    Pointer out = make(Kind::kAnd, token_.place);
    advance();
    out = adopt(std::move(out), std::move(left));
    left = adopt(std::move(out), not_expression());
  }
  return left;
}

Pointer Parser::not_expression() {
  const Descent descent(depth_);
  if (depth_ > kNestingMax) fail(token_.place, "the expression is nested too deeply");
  if (failed() || !token_.is_name("not")) return comparison();
  Pointer out = make(Kind::kNot, token_.place);
  advance();
  return adopt(std::move(out), not_expression());
}

Pointer Parser::comparison() {
  static constexpr std::pair<std::string_view, Operation> kSymbols[] = {
      {"==", Operation::kEqual},       {"!=", Operation::kUnequal}, {"<", Operation::kLess},
      {"<=", Operation::kLessOrEqual}, {">", Operation::kMore},     {">=", Operation::kMoreOrEqual},
  };
  Pointer left = sum();
  Pointer out;
  while (!failed()) {
    std::optional<Operation> operation;
    for (const auto& [symbol, meaning] : kSymbols) {
      if (token_.is(symbol)) operation = meaning;
    }
    if (token_.is_name("in")) operation = Operation::kIn;
    if (token_.is_name("not")) operation = Operation::kNotIn;
    if (!operation) break;
    if (!out) out = adopt(make(Kind::kCompare, token_.place), std::move(left));
    advance();
    if (operation == Operation::kNotIn && !take_name("in")) {
      fail(token_.place, "expected \"in\" after \"not\", " + found());
    }
    out->operations.push_back(*operation);
    out = adopt(std::move(out), sum());
  }
  return out ? std::move(out) : std::move(left);
}

Pointer Parser::sum() {
  Pointer left = concatenation();
  while (!failed() && (token_.is("+") || token_.is("-"))) {
    const Place place = token_.place;
    const auto operation = token_.is("+") ? Operation::kAdd : Operation::kSubtract;
    advance();
    left = binary(operation, place, std::move(left), concatenation());
  }
  return left;
}

Pointer Parser::concatenation() {
  Pointer left = product();
  while (!failed() && token_.is("~")) {
    const Place place = token_.place;
    advance();
    left = binary(Operation::kConcatenate, place, std::move(left), product());
  }
  return left;
}

Pointer Parser::product() {
  static constexpr std::pair<std::string_view, Operation> kSymbols[] = {
      {"*", Operation::kMultiply},
      {"/", Operation::kDivide},
      {"//", Operation::kFloorDivide},
      {"%", Operation::kRemainder},
  };
  Pointer left = power();
  while (!failed()) {
    std::optional<Operation> operation;
    for (const auto& [symbol, meaning] : kSymbols) {
      if (token_.is(symbol)) operation = meaning;
    }
    if (!operation) break;
    const Place place = token_.place;
    advance();
    left = binary(*operation, place, std::move(left), power());
  }
  return left;
}

Pointer Parser::power() {
  Pointer left = unary();
  while (!failed() && token_.is("**")) {
    const Place place = token_.place;
    advance();
    left = binary(Operation::kPower, place, std::move(left), unary());
  }
  return left;
}

Pointer Parser::unary() {
  const Descent descent(depth_);
  if (depth_ > kNestingMax) fail(token_.place, "the expression is nested too deeply");
  if (failed()) return make(Kind::kLiteral, token_.place);
  if (token_.is("-") || token_.is("+")) {
    const bool negative = token_.is("-");
    const Place place = token_.place;
    advance();
    Pointer value = token_.is("-") || token_.is("+") ? unary() : postfix(primary());
    if (negative) value = adopt(make(Kind::kNegate, place), std::move(value));
    return filters(std::move(value));
  }
  return filters(postfix(primary()));
}

Pointer Parser::filters(Pointer value) {
  while (!failed()) {
    if (take("|")) {
      value = filter(std::move(value));
    } else if (take_name("is")) {
      value = test(std::move(value));
    } else {
      break;
    }
  }
  return value;
}

Pointer Parser::filter(Pointer value) {
  const Token name = token_;
  Pointer out = make(Kind::kFunction, name.place);
  if (name.kind != Token::Kind::kName) {
    fail(name.place, "expected the name of a filter after \"|\", " + found());
    return out;
  }
  advance();
  out = adopt(std::move(out), std::move(value));
  if (take("(")) arguments(*out);
  bind(*out, Builtin::Kind::kFilter, name.text);
  return out;
}

Pointer Parser::test(Pointer value) {
  const bool negated = take_name("not");
  const Token name = token_;
  Pointer out = make(Kind::kTest, name.place);
  if (name.kind != Token::Kind::kName) {
    fail(name.place, "expected the name of a test after \"is\", " + found());
    return out;
  }
  advance();
  out = adopt(std::move(out), std::move(value));
  const bool operand = token_.kind == Token::Kind::kString || token_.kind == Token::Kind::kInt ||
                       token_.kind == Token::Kind::kDouble || token_.is("[") || token_.is("{") ||
                       (token_.kind == Token::Kind::kName && !token_.is_name("and") &&
                        !token_.is_name("or") && !token_.is_name("else") && !token_.is_name("is") &&
                        !token_.is_name("if") && !token_.is_name("in") && !token_.is_name("not"));
  if (take("(")) {
    arguments(*out);
  } else if (operand) {
    out = adopt(std::move(out), postfix(primary()));
  }
  bind(*out, Builtin::Kind::kTest, name.text);
  return negated ? adopt(make(Kind::kNot, name.place), std::move(out)) : std::move(out);
}

Pointer Parser::postfix(Pointer value) {
  while (!failed()) {
    const Place place = token_.place;
    if (take(".")) {
      const Token key = token_;
      if (key.kind != Token::Kind::kName && key.kind != Token::Kind::kInt) {
        fail(key.place, "expected a name after \".\", " + found());
        return value;
      }
      advance();
      if (key.kind == Token::Kind::kInt) {  // as Inja writes list[0]
        Pointer index = make(Kind::kLiteral, key.place);
        index->literal = Value::integer(key.integer);
        value = adopt(adopt(make(Kind::kItem, place), std::move(value)), std::move(index));
        continue;
      }
      const bool call = token_.is("(");
      Pointer out = make(call ? Kind::kMethod : Kind::kAttribute, place);
      out->text = key.text;
      if (call && (value->kind != Kind::kName || value->text != "loop" ||
                   (key.text != "cycle" && key.text != "changed"))) {
        fail(key.place,
             fmt::format("there is no method {}(): values have filters instead", key.text));
        return value;
      }
      value = adopt(std::move(out), std::move(value));
      if (take("(")) arguments(*value);
    } else if (take("[")) {
      value = subscript(std::move(value));
    } else if (token_.is("(")) {
      fail(place, "only a name can be called");
    } else {
      break;
    }
  }
  return value;
}

/// After "[": an index, or start:stop:step.
Pointer Parser::subscript(Pointer value) {
  const Place place = token_.place;
  Pointer parts[3];
  int count = 0;
  if (!token_.is(":")) parts[0] = expression();
  while (count < 2 && take(":")) {
    ++count;
    if (!token_.is(":") && !token_.is("]")) parts[count] = expression();
  }
  expect("]");
  Pointer out = adopt(make(count == 0 ? Kind::kItem : Kind::kSlice, place), std::move(value));
  for (int i = 0; i < (count == 0 ? 1 : 3); ++i) out = adopt(std::move(out), std::move(parts[i]));
  return out;
}

/// After "(", until ")".
void Parser::arguments(Expression& call) {
  while (!failed() && !token_.is(")")) {
    const bool known = free_.count(token_.text) > 0;
    Pointer value = expression();
    if (value->kind == Kind::kName && take("=")) {
      if (!known) free_.erase(value->text);  // it names the argument
      std::string key = std::move(value->text);
      value = expression();
      call.depth = std::max(call.depth, value->depth + 1);
      call.named.emplace_back(std::move(key), std::move(value));
    } else if (!call.named.empty()) {
      fail(value->place, "an argument without name after one with name");
    } else {
      call.depth = std::max(call.depth, value->depth + 1);
      call.children.push_back(std::move(value));
    }
    if (!take(",")) break;
  }
  if (call.depth > kNestingMax) fail(call.place, "the expression is nested too deeply");
  if (call.children.size() > kAnyNumber) fail(call.place, "too many arguments");
  expect(")");
}

void Parser::bind(Expression& call, Builtin::Kind kind, std::string_view name) {
  if (failed()) return;
  call.builtin = kind == Builtin::Kind::kFilter ? find_filter(name)
                 : kind == Builtin::Kind::kTest ? find_test(name)
                                                : find_function(name);
  static constexpr std::string_view kWords[] = {"function", "filter", "test"};
  const std::string_view word = kWords[static_cast<int>(kind)];
  if (!call.builtin) {
    fail(call.place, fmt::format("there is no {} \"{}\"{}", word, name, suggest(name, kind)));
    return;
  }
  // A filter's own value is not one of its arguments, for who wrote it.
  const std::size_t own = kind == Builtin::Kind::kFunction ? 0 : 1;
  const std::size_t given = call.children.size();
  // What a filter is called on has no name.
  const bool headless = call.builtin->kind != Builtin::Kind::kFunction && given == 0;
  if (headless || given > call.builtin->most || given + call.named.size() < call.builtin->least) {
    const std::size_t least = headless ? std::max<std::size_t>(call.builtin->least, 1)
                                       : call.builtin->least - std::min(own, call.builtin->least);
    const std::size_t most = call.builtin->most - own;
    fail(call.place,
         fmt::format("{} \"{}\" takes {} arguments, not {}", word, name,
                     least == most                      ? fmt::format("{}", least)
                     : call.builtin->most >= kAnyNumber ? fmt::format("{} or more", least)
                                                        : fmt::format("{} to {}", least, most),
                     headless ? given : given + call.named.size() - own));
  }
  if (call.builtin->reads == Builtin::Reads::kBody) reads_body_ = true;
  if (call.builtin->reads == Builtin::Reads::kRequest) reads_request_ = true;
}

Pointer Parser::primary() {
  const Token token = token_;
  Pointer out = make(Kind::kLiteral, token.place);
  switch (token.kind) {
    case Token::Kind::kString:
      out->text = token.text;
      advance();
      out->literal = Value::text(out->text);
      return out;
    case Token::Kind::kInt:
      advance();
      out->literal = Value::integer(token.integer);
      return out;
    case Token::Kind::kDouble:
      advance();
      out->literal = Value::number(token.number);
      return out;
    case Token::Kind::kName:
      return name();
    default:
      break;
  }
  if (take("[")) return list("]");
  if (take("{")) return map();
  if (take("(")) {
    Pointer value = token_.is(")") ? make(Kind::kList, token.place) : expression();
    if (token_.is(",")) {  // a tuple: a list, as everything else with several elements
      advance();
      Pointer rest = list(")");
      Pointer tuple = adopt(make(Kind::kList, token.place), std::move(value));
      for (Pointer& child : rest->children) tuple = adopt(std::move(tuple), std::move(child));
      return tuple;
    }
    expect(")");
    return value;
  }
  fail(token.place, "expected a value, " + found());
  return out;
}

Pointer Parser::name() {
  const Token token = token_;
  advance();
  Pointer out = make(Kind::kLiteral, token.place);
  const auto& text = token.text;
  if (text == "true" || text == "True") {
    out->literal = Value::boolean(true);
  } else if (text == "false" || text == "False") {
    out->literal = Value::boolean(false);
  } else if (text == "none" || text == "None" || text == "null") {
    out->literal = Value::none();
  } else if (text == "if" || text == "else" || text == "in" || text == "is" || text == "and" ||
             text == "or") {
    fail(token.place, fmt::format("expected a value, found \"{}\"", text));
  } else if (token_.is("(")) {
    out->kind = Kind::kFunction;
    advance();
    arguments(*out);
    bind(*out, Builtin::Kind::kFunction, text);
  } else {
    out->kind = Kind::kName;
    out->text = text;
    if (!declared(text)) free_.insert(text);
  }
  return out;
}

Pointer Parser::list(std::string_view end) {
  Pointer out = make(Kind::kList, token_.place);
  while (!failed() && !token_.is(end)) {
    out = adopt(std::move(out), expression());
    if (!take(",")) break;
  }
  expect(end);
  return out;
}

Pointer Parser::map() {
  Pointer out = make(Kind::kMap, token_.place);
  while (!failed() && !token_.is("}")) {
    out = adopt(std::move(out), expression());
    expect(":");
    out = adopt(std::move(out), expression());
    if (!take(",")) break;
  }
  expect("}");
  return out;
}

}  // namespace tidegate::proxy::templates
