#pragma once

#include <memory>
#include <string_view>

#include "proxy/snapshot/auth_filters.h"

namespace re2 {
class RE2;
}

namespace tidegate::proxy::filters {

/// A TextMatch, ready to be used. Immutable, shared by threads.
class TextMatcher {
 public:
  /// An expression that RE2 refuses matches nothing; translation has refused it before.
  explicit TextMatcher(const TextMatch& match);
  bool matches(std::string_view text) const;

 private:
  TextMatch match_;
  std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace tidegate::proxy::filters
