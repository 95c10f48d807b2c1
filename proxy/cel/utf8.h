#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Code points in UTF-8. A byte that belongs to no code point counts as one of its own, so that
/// header values of any bytes have a length.
namespace tidegate::proxy::cel {

bool is_utf8(std::string_view text);
/// Bytes of the code point at `at` (1 to 4).
std::size_t code_point_bytes(std::string_view text, std::size_t at);
std::size_t code_points(std::string_view text);
/// The byte offset of a code point; text.size() for one past the last, npos beyond.
std::size_t offset_of(std::string_view text, std::size_t index);
/// False: a surrogate, or beyond U+10FFFF.
bool append_code_point(std::string& out, std::uint32_t code_point);

}  // namespace tidegate::proxy::cel
