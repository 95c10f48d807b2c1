#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidegate::proxy::format {

/// What is wrong with a format, and where.
struct Problem {
  std::size_t position = 0;  // byte in the format, from 0
  std::string message;       // empty: nothing is wrong
  std::string suggestion;    // "%UPSTREAM_HOST%"; may be empty

  explicit operator bool() const { return !message.empty(); }
  /// One line: "position 3: Not supported field in StreamInfo: NOPE; did you mean %X%?".
  std::string text() const;
  /// Two lines: the format's surroundings of the place, and a caret under it.
  std::string caret(std::string_view format) const;
};

}  // namespace tidegate::proxy::format
