#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::fuzz {

/// A thing that happens: what it is, and the bytes that belong to it.
struct Step {
  char kind;
  std::string bytes;
};

/// Reads an input as steps, so that a seed can be written by hand and what is changed in one step
/// leaves the others as they are.
/// Shape:  0xF5 and a letter begin a step of that kind, and its bytes follow; 0xF5 twice is the
///         byte itself. What comes before the first mark is a step of kind `first`.
inline std::vector<Step> steps(std::string_view input, char first) {
  constexpr char kMark = '\xF5';
  std::vector<Step> out;
  if (!input.empty() && input.front() != kMark) out.push_back({first, {}});
  for (std::size_t i = 0; i < input.size(); ++i) {
    const bool mark = input[i] == kMark;
    if (mark && ++i == input.size()) break;
    if (mark && input[i] != kMark) {
      out.push_back({input[i], {}});
    } else {
      if (out.empty()) out.push_back({first, {}});
      out.back().bytes += input[i];
    }
  }
  return out;
}

}  // namespace tidegate::fuzz
