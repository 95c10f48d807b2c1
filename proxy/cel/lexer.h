#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::proxy::cel {

/// What is wrong with the text of an expression, and where.
struct CompileError {
  int line = 1;    // from 1
  int column = 1;  // from 1, in code points
  std::string message;
  bool operator==(const CompileError&) const = default;
};
/// "3:14: message"
std::string describe(const CompileError& error);

struct Token {
  enum class Kind : std::uint8_t {
    kEnd,
    kName,        // identifiers and words that are reserved
    kQuotedName,  // `x-user`, after a dot only
    kInt,         // digits in `text`, sign not included
    kUint,
    kDouble,
    kString,  // `text` is what it stands for
    kBytes,
    kSymbol,  // `text` is "&&", "<=", "("
  };
  Kind kind = Kind::kEnd;
  std::size_t at = 0;  // byte offset
  std::string text;

  bool is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
  bool is_word(std::string_view word) const { return kind == Kind::kName && text == word; }
};

/// Cuts an expression into tokens, one at a time. Source: cel-spec, langdef.md, "Syntax".
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// False: error() says why.
  bool next(Token& out);
  const std::optional<CompileError>& error() const { return error_; }
  /// The first error stays. Always false.
  bool fail(std::size_t at, std::string message);

 private:
  void skip_blanks();
  bool name(Token& out);
  bool quoted_name(Token& out);
  bool number(Token& out);
  bool literal(Token& out);
  bool escape(Token& out, bool bytes);
  bool symbol(Token& out);
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<CompileError> error_;
};

/// Words that the language keeps for itself.
bool is_keyword(std::string_view word);   // true, false, null, in
bool is_reserved(std::string_view word);  // as, break, const, ...

}  // namespace tidegate::proxy::cel
