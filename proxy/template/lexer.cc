#include "proxy/template/lexer.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace tidegate::proxy::templates {

namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

bool is_space(char c) { return kSpace.find(c) != kSpace.npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trim_end(std::string_view text) {
  const auto last = text.find_last_not_of(kSpace);
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else {
    out += static_cast<char>(0xf0U | code >> 18U);
    out += static_cast<char>(0x80U | (code >> 12U & 0x3fU));
    out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  }
}

}  // namespace

Lexer::Lexer(std::string_view text) : left_(text) {
  if (left_.ends_with('\n')) left_.remove_suffix(1);
  if (left_.size() < text.size() && left_.ends_with('\r')) left_.remove_suffix(1);
}

void Lexer::advance(std::size_t bytes) {
  for (char c : left_.substr(0, bytes)) {
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      ++place_.column;
    }
  }
  left_.remove_prefix(bytes);
}

void Lexer::skip_space() {
  const auto first = left_.find_first_not_of(kSpace);
  advance(first == left_.npos ? left_.size() : first);
}

Token Lexer::wrong(Place place, std::string message) {
  left_ = {};
  mode_ = Mode::kText;
  return {Token::Kind::kWrong, place, std::move(message)};
}

Token Lexer::next() { return mode_ == Mode::kText ? text_token() : inside(); }

Token Lexer::text_token() {
  while (true) {
    if (trim_) skip_space();
    trim_ = false;
    if (left_.empty()) return {Token::Kind::kEnd, place_};
    std::size_t mark = 0;
    do {
      mark = left_.find('{', mark);
      if (mark == left_.npos || mark + 1 >= left_.size()) {
        mark = left_.size();
        break;
      }
      const char second = left_[mark + 1];
      if (second == '{' || second == '%' || second == '#') break;
      ++mark;
    } while (true);
    if (mark == 0) {
      Token token = after_marker();
      if (token.kind != Token::Kind::kText || !token.text.empty()) return token;
      continue;  // a comment
    }
    std::string_view text = left_.substr(0, mark);
    if (mark + 2 < left_.size() && left_[mark + 2] == '-') text = trim_end(text);
    Token token{Token::Kind::kText, place_, std::string(text)};
    advance(mark);
    if (!token.text.empty()) return token;
  }
}

/// At "{{", "{%" or "{#". A comment gives an empty text.
Token Lexer::after_marker() {
  const Place place = place_;
  const char kind = left_[1];
  if (kind == '#') {
    const auto end = left_.find("#}", 2);
    if (end == left_.npos) return wrong(place, "the comment does not end: \"#}\" is missing");
    trim_ = end > 2 && left_[end - 1] == '-';
    advance(end + 2);
    return {Token::Kind::kText, place};
  }
  Token raw;
  if (kind == '%' && raw_block(raw)) return raw;
  advance(2);
  if (at("-") || at("+")) advance(1);
  mode_ = kind == '{' ? Mode::kPrint : Mode::kTag;
  braces_ = 0;
  after_dot_ = false;
  return {kind == '{' ? Token::Kind::kPrintBegin : Token::Kind::kTagBegin, place};
}

/// {% raw %} ... {% endraw %}: text in which nothing is special. False: it is another tag.
bool Lexer::raw_block(Token& out) {
  const auto tag = [](std::string_view from, std::string_view name, bool& trim_before,
                      bool& trim_after) -> std::size_t {  // its bytes; 0: not that tag
    std::size_t at = 2;
    trim_before = at < from.size() && from[at] == '-';
    if (at < from.size() && (from[at] == '-' || from[at] == '+')) ++at;
    while (at < from.size() && is_space(from[at])) ++at;
    if (!from.substr(at).starts_with(name)) return 0;
    at += name.size();
    while (at < from.size() && is_space(from[at])) ++at;
    trim_after = at < from.size() && from[at] == '-';
    if (at < from.size() && (from[at] == '-' || from[at] == '+')) ++at;
    return from.substr(at).starts_with("%}") ? at + 2 : 0;
  };
  bool trim_before = false;
  bool trim_after = false;
  const std::size_t opening = tag(left_, "raw", trim_before, trim_after);
  if (opening == 0) return false;
  const Place place = place_;
  advance(opening);
  for (std::size_t mark = left_.find("{%"); mark != left_.npos; mark = left_.find("{%", mark + 1)) {
    bool end_trim_before = false;
    bool end_trim_after = false;
    const std::size_t closing = tag(left_.substr(mark), "endraw", end_trim_before, end_trim_after);
    if (closing == 0) continue;
    std::string_view text = left_.substr(0, mark);
    if (trim_after) {
      const auto first = text.find_first_not_of(kSpace);
      text.remove_prefix(first == text.npos ? text.size() : first);
    }
    if (end_trim_before) text = trim_end(text);
    out = {Token::Kind::kText, place, std::string(text)};
    advance(mark + closing);
    trim_ = end_trim_after;
    return true;
  }
  out = wrong(place, "the block does not end: \"{% endraw %}\" is missing");
  return true;
}

Token Lexer::inside() {
  skip_space();
  const Place place = place_;
  const std::string_view end = mode_ == Mode::kPrint ? "}}" : "%}";
  if (left_.empty()) {
    return wrong(place, fmt::format("the tag does not end: \"{}\" is missing", end));
  }
  const bool sign = left_[0] == '-' || left_[0] == '+';
  const bool after_dot = std::exchange(after_dot_, false);
  if (braces_ == 0 && left_.substr(sign ? 1 : 0).starts_with(end)) {
    trim_ = left_[0] == '-';
    advance(sign ? 3 : 2);
    const auto kind = mode_ == Mode::kPrint ? Token::Kind::kPrintEnd : Token::Kind::kTagEnd;
    mode_ = Mode::kText;
    return {kind, place};
  }
  const char c = left_[0];
  if (begins_name(c)) {
    std::size_t bytes = 1;
    while (bytes < left_.size() && (begins_name(left_[bytes]) || is_digit(left_[bytes]))) ++bytes;
    Token token{Token::Kind::kName, place, std::string(left_.substr(0, bytes))};
    advance(bytes);
    return token;
  }
  if (is_digit(c)) return number(after_dot);
  if (c == '"' || c == '\'') return string();
  for (std::string_view symbol : {"**", "//", "==", "!=", "<=", ">="}) {
    if (!at(symbol)) continue;
    advance(2);
    return {Token::Kind::kSymbol, place, std::string(symbol)};
  }
  if (std::string_view("()[]{}.,:|+-*/%~=<>").find(c) == std::string_view::npos) {
    const auto shown = left_.substr(0, character_bytes(left_));
    return wrong(place, fmt::format("\"{}\" has no meaning in an expression", shown));
  }
  advance(1);
  if (c == '{') ++braces_;
  if (c == '}' && braces_ > 0) --braces_;
  after_dot_ = c == '.';
  return {Token::Kind::kSymbol, place, std::string(1, c)};
}

Token Lexer::number(bool whole) {
  const Place place = place_;
  int base = 10;
  if (at("0x") || at("0X")) base = 16;
  if (at("0o") || at("0O")) base = 8;
  if (at("0b") || at("0B")) base = 2;
  std::size_t bytes = base == 10 ? 0 : 2;
  std::string digits;
  bool real = false;
  for (; bytes < left_.size(); ++bytes) {
    const char c = left_[bytes];
    if (c == '_') continue;
    if (base == 16 ? std::isxdigit(static_cast<unsigned char>(c)) != 0 : is_digit(c)) {
      digits += c;
    } else if (base == 10 && c == '.' && !real && !whole && bytes + 1 < left_.size() &&
               is_digit(left_[bytes + 1])) {
      real = true;
      digits += c;
    } else if (base == 10 && (c == 'e' || c == 'E') && bytes + 1 < left_.size() &&
               (is_digit(left_[bytes + 1]) ||
                ((left_[bytes + 1] == '-' || left_[bytes + 1] == '+') && bytes + 2 < left_.size() &&
                 is_digit(left_[bytes + 2])))) {
      real = true;
      digits += c;
      if (!is_digit(left_[bytes + 1])) digits += left_[++bytes];
    } else {
      break;
    }
  }
  if (bytes < left_.size() && begins_name(left_[bytes])) {
    return wrong(place, fmt::format("\"{}\" is no number", left_.substr(0, bytes + 1)));
  }
  Token token{real ? Token::Kind::kDouble : Token::Kind::kInt, place, digits};
  const char* end = digits.data() + digits.size();
  const auto result = real ? std::from_chars(digits.data(), end, token.number)
                           : std::from_chars(digits.data(), end, token.integer, base);
  if (result.ec != std::errc() || result.ptr != end) {
    return wrong(place, fmt::format("\"{}\" is no number, or too large", left_.substr(0, bytes)));
  }
  advance(bytes);
  return token;
}

Token Lexer::string() {
  const Place place = place_;
  const char quote = left_[0];
  advance(1);
  Token token{Token::Kind::kString, place};
  while (!left_.empty()) {
    const char c = left_[0];
    if (c == quote) {
      advance(1);
      return token;
    }
    if (c != '\\') {
      token.text += c;
      advance(1);
      continue;
    }
    const Place at_escape = place_;
    if (!escape(token.text)) return wrong(at_escape, "an unknown escape in a string");
  }
  return wrong(place, fmt::format("the string does not end: {} is missing", quote));
}

bool Lexer::escape(std::string& out) {
  if (left_.size() < 2) return false;
  const char c = left_[1];
  if (c == 'u') return unicode_escape(out);
  static constexpr std::string_view kLetters = "\"'\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"'\\/\b\f\n\r\t";
  const auto index = kLetters.find(c);
  if (index == kLetters.npos) return false;
  out += kMeanings[index];
  advance(2);
  return true;
}

bool Lexer::unicode_escape(std::string& out) {
  const auto unit = [this](std::uint32_t& code) {
    if (left_.size() < 6 || left_[0] != '\\' || left_[1] != 'u') return false;
    const char* from = left_.data() + 2;
    return std::from_chars(from, from + 4, code, 16).ptr == from + 4;
  };
  std::uint32_t code = 0;
  if (!unit(code)) return false;
  advance(6);
  if (code >= 0xd800 && code < 0xe000) {
    std::uint32_t low = 0;
    if (code >= 0xdc00 || !unit(low) || low < 0xdc00 || low > 0xdfff) return false;
    advance(6);
    code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
  }
  append_utf8(code, out);
  return true;
}

}  // namespace tidegate::proxy::templates
