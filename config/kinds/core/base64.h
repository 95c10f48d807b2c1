#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::config {

/// Standard base64 with padding; line breaks are skipped. Nothing where it is not base64. Source:
/// RFC 4648 section 4.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tidegate::config
