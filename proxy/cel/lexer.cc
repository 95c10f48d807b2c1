#include "proxy/cel/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/cel/utf8.h"

namespace tidegate::proxy::cel {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_letter(c) || is_digit(c); }
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::string_view, 4> kKeywords = {"true", "false", "null", "in"};
constexpr std::array<std::string_view, 17> kReserved = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
// Two characters before one.
constexpr std::array<std::string_view, 22> kSymbols = {"&&", "||", "==", "!=", "<=", ">=", "<", ">",
                                                       "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
                                                       ".",  ",",  "(",  ")",  "[",  "]"};

}  // namespace

std::string describe(const CompileError& error) {
  return fmt::format("{}:{}: {}", error.line, error.column, error.message);
}

bool is_keyword(std::string_view word) {
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}
bool is_reserved(std::string_view word) {
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool Lexer::fail(std::size_t at, std::string message) {
  if (error_) return false;
  std::string_view before = text_.substr(0, std::min(at, text_.size()));
  CompileError error;
  error.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  std::size_t line_start = before.rfind('\n');
  if (line_start != before.npos) before.remove_prefix(line_start + 1);
  error.column = 1 + static_cast<int>(code_points(before));
  error.message = std::move(message);
  error_ = std::move(error);
  return false;
}

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r') {
      ++at_;
    } else if (c == '/' && peek(1) == '/') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      return;
    }
  }
}

bool Lexer::next(Token& out) {
  skip_blanks();
  out.kind = Token::Kind::kEnd;
  out.at = at_;
  out.text.clear();
  if (at_ >= text_.size()) return true;
  char c = peek();
  char after = c == 'b' || c == 'B' || c == 'r' || c == 'R' ? peek(1) : '\0';
  if ((c == 'b' || c == 'B') && (after == 'r' || after == 'R')) after = peek(2);
  if (c == '"' || c == '\'' || after == '"' || after == '\'') return literal(out);
  if (is_letter(c)) return name(out);
  if (c == '`') return quoted_name(out);
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(out);
  return symbol(out);
}

bool Lexer::name(Token& out) {
  out.kind = Token::Kind::kName;
  while (is_name(peek())) out.text.push_back(text_[at_++]);
  return true;
}

bool Lexer::quoted_name(Token& out) {
  out.kind = Token::Kind::kQuotedName;
  ++at_;
  while (is_name(peek()) || peek() == '-' || peek() == '.' || peek() == '/' || peek() == ' ')
    out.text.push_back(text_[at_++]);
  if (peek() != '`' || out.text.empty())
    return fail(out.at, "a name in backticks has letters, digits and any of _ - . / only");
  ++at_;
  return true;
}

bool Lexer::number(Token& out) {
  out.kind = Token::Kind::kInt;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
    out.text = "0x";
    at_ += 2;
    while (hex_value(peek()) >= 0) out.text.push_back(text_[at_++]);
    if (out.text.size() == 2) return fail(out.at, "0x without a digit");
  } else {
    while (is_digit(peek())) out.text.push_back(text_[at_++]);
    if (peek() == '.' && is_digit(peek(1))) {
      out.kind = Token::Kind::kDouble;
      do out.text.push_back(text_[at_++]);
      while (is_digit(peek()));
    }
    if (peek() == 'e' || peek() == 'E') {
      out.kind = Token::Kind::kDouble;
      out.text.push_back(text_[at_++]);
      if (peek() == '+' || peek() == '-') out.text.push_back(text_[at_++]);
      if (!is_digit(peek())) return fail(out.at, "an exponent without a digit");
      while (is_digit(peek())) out.text.push_back(text_[at_++]);
    }
  }
  if (out.kind == Token::Kind::kInt && (peek() == 'u' || peek() == 'U')) {
    out.kind = Token::Kind::kUint;
    ++at_;
  }
  if (is_name(peek())) return fail(at_, fmt::format("'{}' in a number", peek()));
  return true;
}

bool Lexer::literal(Token& out) {
  bool bytes = false;
  bool raw = false;
  if (peek() == 'b' || peek() == 'B') {
    bytes = true;
    ++at_;
  }
  if (peek() == 'r' || peek() == 'R') {
    raw = true;
    ++at_;
  }
  out.kind = bytes ? Token::Kind::kBytes : Token::Kind::kString;
  char quote = peek();
  bool triple = peek(1) == quote && peek(2) == quote;
  at_ += triple ? 3 : 1;
  for (;;) {
    if (at_ >= text_.size()) return fail(out.at, "a string that does not end");
    char c = peek();
    if (c == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
      at_ += triple ? 3 : 1;
      return true;
    }
    if (!triple && (c == '\n' || c == '\r'))
      return fail(out.at, "a string that does not end on its line");
    if (c == '\\' && !raw) {
      if (!escape(out, bytes)) return false;
      continue;
    }
    out.text.push_back(c);
    ++at_;
    // A raw string keeps its backslashes, and one does not hide the quote of the end.
  }
}

bool Lexer::escape(Token& out, bool bytes) {
  constexpr std::string_view letters = "abfnrtv\\?\"'`";
  constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\?\"'`";
  const std::size_t start = at_;
  char c = peek(1);
  if (auto found = letters.find(c); c != '\0' && found != letters.npos) {
    out.text.push_back(meanings[found]);
    at_ += 2;
    return true;
  }
  std::size_t digits = 0;
  unsigned base = 16;
  std::size_t from = start + 2;
  if (c == 'x' || c == 'X') digits = 2;
  if (c == 'u' && !bytes) digits = 4;
  if (c == 'U' && !bytes) digits = 8;
  if (c >= '0' && c <= '3') {
    digits = 3;
    base = 8;
    from = start + 1;
  }
  if (digits == 0) return fail(start, "no escape sequence begins so");
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    int value = from + i < text_.size() ? hex_value(text_[from + i]) : -1;
    if (value < 0 || value >= static_cast<int>(base))
      return fail(start, fmt::format("an escape sequence of {} digits has fewer", digits));
    code = code * base + static_cast<std::uint32_t>(value);
  }
  at_ = from + digits;
  if (bytes) {
    out.text.push_back(static_cast<char>(code));
    return true;
  }
  if (!append_code_point(out.text, code)) return fail(start, "no Unicode code point");
  return true;
}

bool Lexer::symbol(Token& out) {
  out.kind = Token::Kind::kSymbol;
  std::string_view rest = text_.substr(at_);
  for (std::string_view one : kSymbols) {
    if (!rest.starts_with(one)) continue;
    out.text = one;
    at_ += one.size();
    return true;
  }
  if (rest[0] == '{' || rest[0] == '}') {
    out.text = rest[0];
    ++at_;
    return true;
  }
  if (rest[0] == '=') return fail(at_, "'=' is not an operator: equality is '=='");
  if (rest[0] == '&' || rest[0] == '|')
    return fail(at_, fmt::format("'{0}' is not an operator: write '{0}{0}'", rest[0]));
  std::size_t bytes = code_point_bytes(rest, 0);
  if (bytes == 1 && (static_cast<unsigned char>(rest[0]) < 0x20 || rest[0] == '\x7f'))
    return fail(at_, "a control character");
  return fail(at_, fmt::format("unexpected '{}'", rest.substr(0, bytes)));
}

}  // namespace tidegate::proxy::cel
