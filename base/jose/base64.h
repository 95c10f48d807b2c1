#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Base64 in both alphabets, for tokens, keys and cookies. Source: RFC 4648 sections 4 and 5.
namespace tidegate::jose {

/// "-" and "_", without padding. Nothing where another character stands, where the length is
/// impossible, or where unused bits are set: a token has one spelling only.
std::optional<std::string> decode_base64url(std::string_view text);
std::string encode_base64url(std::string_view bytes);

/// "+" and "/". Padding may be left out, as browsers' and tools' credentials sometimes do.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace tidegate::jose
