#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

/// What the fuzz targets share. A target is a function of its file's name that takes any bytes, and
/// dies by must() where a promise is broken; the sanitizers see to the rest.
namespace tidegate::fuzz {

/// Aborts where it is not so: libFuzzer then keeps the input, and Catch2 names the file.
inline void must(bool so, const char* promise) {
  if (so) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Cuts bytes into pieces whose sizes, mostly small, depend on the bytes alone: the same input
/// always takes the same way.
inline std::vector<std::string_view> pieces(std::string_view bytes) {
  std::uint32_t state = 2166136261U;
  for (const char c : bytes.substr(0, 64))
    state = (state ^ static_cast<std::uint8_t>(c)) * 16777619U;
  std::vector<std::string_view> out;
  while (!bytes.empty()) {
    state = state * 1664525U + 1013904223U;
    const std::string_view piece = bytes.substr(0, 1 + (state >> 24U) % 16 * ((state >> 16U) % 3));
    out.push_back(piece);
    bytes.remove_prefix(piece.size());
  }
  return out;
}

}  // namespace tidegate::fuzz
