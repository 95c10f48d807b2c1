#include "proxy/filters/text_matcher.h"

#include <re2/re2.h>

#include "proxy/http/fields.h"

namespace tidegate::proxy::filters {
namespace {

bool equal(std::string_view a, std::string_view b, bool ignore_case) {
  return ignore_case ? http::iequals(a, b) : a == b;
}

}  // namespace

TextMatcher::TextMatcher(const TextMatch& match) : match_(match) {
  if (match.kind != TextMatch::Kind::kRegex) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  regex_ = std::make_shared<const re2::RE2>(match.value, options);
}

bool TextMatcher::matches(std::string_view text) const {
  const std::string_view value = match_.value;
  switch (match_.kind) {
    case TextMatch::Kind::kExact:
      return equal(text, value, match_.ignore_case);
    case TextMatch::Kind::kPrefix:
      return text.size() >= value.size() &&
             equal(text.substr(0, value.size()), value, match_.ignore_case);
    case TextMatch::Kind::kSuffix:
      return text.size() >= value.size() &&
             equal(text.substr(text.size() - value.size()), value, match_.ignore_case);
    case TextMatch::Kind::kContains:
      for (std::size_t at = 0; at + value.size() <= text.size(); ++at) {
        if (equal(text.substr(at, value.size()), value, match_.ignore_case)) return true;
      }
      return false;
    case TextMatch::Kind::kRegex:
      return regex_->ok() &&
             re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex_);
  }
  return false;
}

}  // namespace tidegate::proxy::filters
