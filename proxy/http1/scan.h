#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proxy/http/characters.h"

/// Where a run of bytes of one class ends, looked at 16 at a time by the compiler's vector types:
/// SSE2 on x86-64, NEON on arm64, plain words elsewhere. What is left of less than 16 bytes is
/// looked at one by one, so that no byte behind `end` is ever read.
namespace tidegate::proxy::http1::scan {

constexpr std::size_t kBlock = 16;
using Block = unsigned char __attribute__((vector_size(kBlock)));
/// 0xFF a byte for which it is true, otherwise 0.
using Mask = decltype(std::declval<Block>() == std::declval<Block>());

inline Block load(const char* at) {
  Block out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

constexpr Block all(unsigned char c) {
  return Block{c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

/// `any`: a byte of the mask is true; `first`: how many come before it. Two questions, as a loop
/// that went on by `first` bytes would wait for each block's answer before it loads the next.
struct Words {
  static bool any(Mask mask) {
    std::uint64_t words[2];
    std::memcpy(words, &mask, sizeof words);
    return (words[0] | words[1]) != 0;
  }
  static std::size_t first(Mask mask) {
    std::uint64_t words[2];
    std::memcpy(words, &mask, sizeof words);
    const std::size_t half = words[0] != 0 ? 0 : 1;
    const int bits = std::endian::native == std::endian::little ? std::countr_zero(words[half])
                                                                : std::countl_zero(words[half]);
    return half * 8 + static_cast<std::size_t>(bits) / 8;
  }
};

#ifdef __SSE2__
struct Sse2 {
  static unsigned bits(Mask mask) {
    return static_cast<unsigned>(_mm_movemask_epi8(reinterpret_cast<__m128i>(mask)));
  }
  static bool any(Mask mask) { return bits(mask) != 0; }
  static std::size_t first(Mask mask) {
    return static_cast<std::size_t>(std::countr_zero(bits(mask)));
  }
};
using Native = Sse2;
#else
using Native = Words;
#endif

inline const char* skip(const char* at, const char* end, http::CharacterClass wanted) {
  while (at != end && (http::kClasses[static_cast<unsigned char>(*at)] & wanted)) ++at;
  return at;
}

/// The first byte that a field's value may not have: CR and LF are such. `end`: there is none.
template <class Machine = Native>
const char* value_end(const char* at, const char* end) {
  while (end - at >= static_cast<std::ptrdiff_t>(kBlock)) {
    const Block bytes = load(at);
    const Mask control = (bytes < all(0x20)) & (bytes != all('\t'));
    const Mask wrong = control | (bytes == all(0x7F));
    if (Machine::any(wrong)) return at + Machine::first(wrong);
    at += kBlock;
  }
  return skip(at, end, http::kValue);
}

/// The first byte that is none of a token. Letters, digits and '-' are taken 16 at a time; from the
/// first other one on, each by itself.
template <class Machine = Native>
const char* token_end(const char* at, const char* end) {
  while (end - at >= static_cast<std::ptrdiff_t>(kBlock)) {
    const Block bytes = load(at);
    const Mask letter = (bytes | all(0x20)) - all('a') < all(26);
    const Mask digit = bytes - all('0') < all(10);
    const Mask other = ~(letter | digit | (bytes == all('-')));
    if (Machine::any(other)) {
      at += Machine::first(other);
      break;
    }
    at += kBlock;
  }
  return skip(at, end, http::kToken);
}

/// The first byte that a request target may not have: the space behind it is such.
template <class Machine = Native>
const char* target_end(const char* at, const char* end) {
  while (end - at >= static_cast<std::ptrdiff_t>(kBlock)) {
    const Block bytes = load(at);
    const Mask visible = bytes - all(0x21) < all(0x7F - 0x21);
    const Mask wrong = ~visible | (bytes == all('#'));
    if (Machine::any(wrong)) return at + Machine::first(wrong);
    at += kBlock;
  }
  return skip(at, end, http::kTarget);
}

/// The first LF from `from` on that another LF, or CR and LF, follow; `bytes.size()`: there is
/// none.
template <class Machine = Native>
std::size_t last_line_end(std::string_view bytes, std::size_t from) {
  while (from + 1 < bytes.size()) {
    if (bytes.size() - from > 2 * kBlock) {  // one more byte than two blocks have
      const char* at = bytes.data() + from;
      // CR, LF, and a few that are looked at for nothing.
      const auto ends = [](const char* here) {
        return (load(here) == all('\n')) & (load(here + 1) < all(14));
      };
      const Mask one = ends(at);
      const Mask two = ends(at + kBlock);
      if (!Machine::any(one | two)) {
        from += 2 * kBlock;
        continue;
      }
      from += Machine::any(one) ? Machine::first(one) : kBlock + Machine::first(two);
    }
    if (bytes[from] == '\n') {
      if (bytes[from + 1] == '\n') return from;
      if (bytes[from + 1] == '\r' && from + 2 < bytes.size() && bytes[from + 2] == '\n')
        return from;
    }
    ++from;
  }
  return bytes.size();
}

}  // namespace tidegate::proxy::http1::scan
