#include "proxy/template/parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidegate::proxy::templates {

Parser::Parser(std::string_view text) : lexer_(text) { advance(); }

bool Parser::parse(Block& out) {
  block(out, {}, "");
  return !failed();
}

void Parser::fail(Place place, std::string message) {
  if (!error_) error_ = CompileError{place.line, place.column, std::move(message)};
}

void Parser::advance() {
  token_ = lexer_.next();
  if (token_.kind == Token::Kind::kWrong) fail(token_.place, token_.text);
}

bool Parser::take(std::string_view symbol) {
  if (failed() || !token_.is(symbol)) return false;
  advance();
  return true;
}

bool Parser::take_name(std::string_view name) {
  if (failed() || !token_.is_name(name)) return false;
  advance();
  return true;
}

void Parser::expect(std::string_view symbol) {
  if (!take(symbol)) fail(token_.place, fmt::format("expected \"{}\", {}", symbol, found()));
}

std::string Parser::found() const {
  switch (token_.kind) {
    case Token::Kind::kPrintEnd:
      return "found \"}}\"";
    case Token::Kind::kTagEnd:
      return "found \"%}\"";
    case Token::Kind::kString:
      return "found a string";
    case Token::Kind::kEnd:
      return "found the end";
    case Token::Kind::kText:
      return "found text";
    default:
      return fmt::format("found \"{}\"", token_.text);
  }
}

bool Parser::declared(std::string_view name) const {
  if (name == "connection") return true;
  return std::any_of(scopes_.begin(), scopes_.end(),
                     [&](const auto& scope) { return scope.count(name) > 0; });
}

void Parser::declare(const Target& target) {
  if (!target.member.empty()) return;
  for (const std::string& name : target.names) scopes_.back().insert(name);
}

/// Statements until a tag whose name is one of `ends` (the token after it is current then), or the
/// end of the text where there are none.
void Parser::block(Block& out, std::initializer_list<std::string_view> ends,
                   std::string_view opener) {
  const Place place = token_.place;
  if (++depth_ > kNestingMax) fail(place, "blocks are nested too deeply");
  while (!failed()) {
    Statement statement;
    statement.place = token_.place;
    if (token_.kind == Token::Kind::kEnd) {
      if (ends.size() == 0) break;
      fail(place, fmt::format("the block does not end: \"{{% end{} %}}\" is missing", opener));
    } else if (token_.kind == Token::Kind::kText) {
      statement.text = std::move(token_.text);
      out.push_back(std::move(statement));
      advance();
    } else if (token_.kind == Token::Kind::kPrintBegin) {
      advance();
      statement.kind = Statement::Kind::kPrint;
      statement.value = expression();
      if (token_.kind != Token::Kind::kPrintEnd) {
        fail(token_.place, "expected \"}}\", " + found());
      }
      out.push_back(std::move(statement));
      if (!failed()) advance();
    } else {
      advance();
      if (std::find(ends.begin(), ends.end(), token_.text) != ends.end()) break;
      tag(out);
    }
  }
  --depth_;
}

void Parser::end_tag() {
  if (token_.kind == Token::Kind::kTagEnd) return advance();
  fail(token_.place, "expected \"%}\", " + found());
}

/// At the name of a tag.
void Parser::tag(Block& out) {
  const Token name = token_;
  Statement statement;
  statement.place = name.place;
  if (failed()) return;
  if (name.kind != Token::Kind::kName) return fail(name.place, "expected a statement, " + found());
  advance();
  if (name.text == "if") {
    if_tag(statement);
  } else if (name.text == "for") {
    for_tag(statement);
  } else if (name.text == "set") {
    set_tag(statement);
  } else if (name.text == "with") {
    with_tag(statement);
  } else if (name.text == "filter") {
    filter_tag(statement);
  } else if (name.text == "do") {
    statement.kind = Statement::Kind::kDo;
    statement.value = expression();
    end_tag();
  } else {
    static constexpr std::string_view kOther[] = {"include", "extends", "block", "import", "from"};
    static constexpr std::string_view kEnds[] = {"else",   "elif",      "endif",  "endfor",
                                                 "endset", "endfilter", "endwith"};
    if (std::find(std::begin(kOther), std::end(kOther), name.text) != std::end(kOther)) {
      return fail(
          name.place,
          fmt::format("\"{}\" needs other templates, and there is only this one", name.text));
    }
    if (std::find(std::begin(kEnds), std::end(kEnds), name.text) != std::end(kEnds)) {
      return fail(name.place, fmt::format("\"{}\" without its beginning", name.text));
    }
    return fail(
        name.place,
        fmt::format("there is no statement \"{}\": expected if, for, set, with, filter, do or raw",
                    name.text));
  }
  out.push_back(std::move(statement));
}

void Parser::if_tag(Statement& out) {
  out.kind = Statement::Kind::kIf;
  while (!failed()) {
    Statement::Branch& branch = out.branches.emplace_back();
    branch.condition = expression();
    end_tag();
    block(branch.body, {"elif", "else", "endif"}, "if");
    if (take_name("elif")) continue;
    if (take_name("else")) {
      if (take_name("if")) continue;  // as Inja writes elif
      end_tag();
      block(out.branches.emplace_back().body, {"endif"}, "if");
    }
    break;
  }
  if (failed()) return;
  advance();
  end_tag();
}

bool Parser::target(Target& out, bool member_allowed) {
  const auto one = [&] {
    const bool word = token_.kind == Token::Kind::kName && token_.text != "in";
    if (!word) {
      fail(token_.place, "expected the name of a variable, " + found());
      return;
    }
    out.names.push_back(token_.text);
    advance();
  };
  const bool parenthesis = take("(");
  one();
  if (member_allowed && !parenthesis && take(".")) {
    if (token_.kind != Token::Kind::kName) fail(token_.place, "expected a name, " + found());
    out.member = token_.text;
    advance();
    return !failed();
  }
  while (!failed() && take(",")) one();
  if (parenthesis) expect(")");
  return !failed();
}

void Parser::for_tag(Statement& out) {
  out.kind = Statement::Kind::kFor;
  if (!target(out.target, false)) return;
  if (!take_name("in")) return fail(token_.place, "expected \"in\", " + found());
  out.value = or_expression();  // "if" after it is the loop's
  scopes_.emplace_back();
  declare(out.target);
  if (take_name("if")) out.condition = expression();
  if (token_.is_name("recursive")) fail(token_.place, "recursive loops are not supported");
  end_tag();
  scopes_.back().insert("loop");
  block(out.body, {"else", "endfor"}, "for");
  scopes_.pop_back();
  if (take_name("else")) {
    end_tag();
    block(out.branches.emplace_back().body, {"endfor"}, "for");
  }
  if (failed()) return;
  advance();
  end_tag();
}

void Parser::set_tag(Statement& out) {
  out.kind = Statement::Kind::kSet;
  if (!target(out.target, true)) return;
  if (!out.target.member.empty() && !declared(out.target.names[0])) {
    return fail(out.place, fmt::format("\"{}\" was not set", out.target.names[0]));
  }
  if (take("=")) {
    out.value = expression();
    end_tag();
    declare(out.target);
    return;
  }
  if (out.target.names.size() > 1 || !out.target.member.empty()) return expect("=");
  out.kind = Statement::Kind::kCapture;
  out.value = make(Expression::Kind::kCapture, token_.place);
  out.value = filters(std::move(out.value));
  end_tag();
  scopes_.emplace_back();
  block(out.body, {"endset"}, "set");
  scopes_.pop_back();
  declare(out.target);
  if (failed()) return;
  advance();
  end_tag();
}

void Parser::with_tag(Statement& out) {
  out.kind = Statement::Kind::kScope;
  scopes_.emplace_back();
  while (!failed() && token_.kind != Token::Kind::kTagEnd) {
    auto& [names, value] = out.assignments.emplace_back();
    if (!target(names, false)) return;
    expect("=");
    value = expression();
    declare(names);
    if (!take(",")) break;
  }
  end_tag();
  block(out.body, {"endwith"}, "with");
  scopes_.pop_back();
  if (failed()) return;
  advance();
  end_tag();
}

void Parser::filter_tag(Statement& out) {
  out.kind = Statement::Kind::kCapture;
  out.value = filter(make(Expression::Kind::kCapture, token_.place));
  out.value = filters(std::move(out.value));
  end_tag();
  scopes_.emplace_back();
  block(out.body, {"endfilter"}, "filter");
  scopes_.pop_back();
  if (failed()) return;
  advance();
  end_tag();
}

}  // namespace tidegate::proxy::templates
