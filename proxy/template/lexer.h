#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/template/ast.h"

namespace tidegate::proxy::templates {

struct Token {
  enum class Kind : std::uint8_t {
    kText,        // between tags
    kPrintBegin,  // {{
    kPrintEnd,    // }}
    kTagBegin,    // {%
    kTagEnd,      // %}
    kName,
    kString,
    kInt,
    kDouble,
    kSymbol,  // text: one of ( ) [ ] { } . , : | + - * ** / // % ~ = == != < <= > >=
    kEnd,
    kWrong,  // text: what is wrong
  };
  Kind kind = Kind::kEnd;
  Place place;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;

  bool is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
  bool is_name(std::string_view name) const { return kind == Kind::kName && text == name; }
};

/// Cuts a template into tokens. White space around tags goes where "-" asks for it ({%- -%}); one
/// line end at the end of the text goes always. Comments and {% raw %} are done here.
class Lexer {
 public:
  explicit Lexer(std::string_view text);
  Token next();

 private:
  Token text_token();
  Token after_marker();
  Token inside();
  Token string();
  Token number(bool whole);
  Token wrong(Place place, std::string message);
  bool escape(std::string& out);
  bool unicode_escape(std::string& out);
  bool raw_block(Token& out);
  void advance(std::size_t bytes);
  void skip_space();
  bool at(std::string_view what) const { return left_.starts_with(what); }

  std::string_view left_;
  Place place_;
  enum class Mode { kText, kPrint, kTag } mode_ = Mode::kText;
  bool trim_ = false;       // the tag before ended with "-"
  bool after_dot_ = false;  // list.0.1: not the number 0.1
  int braces_ = 0;          // open in this tag: {{ {"a": {}}}}
};

}  // namespace tidegate::proxy::templates
