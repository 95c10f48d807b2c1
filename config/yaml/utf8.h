#pragma once

#include <string>
#include <string_view>

namespace tidegate::config::yaml {

/// The offset of the first byte that is not UTF-8 (RFC 3629) or is NUL; npos where there is none.
std::size_t first_bad_byte(std::string_view bytes);

/// The text, or as much of its front as is told of it: whole characters, then "...".
std::string shortened(std::string_view text, std::size_t bytes_max);

/// The line (from 1) of an offset.
int line_of(std::string_view bytes, std::size_t offset);

}  // namespace tidegate::config::yaml
