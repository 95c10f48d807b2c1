#pragma once

#include <string_view>

namespace tidegate::proxy::http2 {

/// A method: a token of up to 32 characters. Source: RFC 9110 section 9.1.
bool valid_method(std::string_view text);
/// host [ ":" port ], without user information; may be empty. Source: RFC 3986 section 3.2, RFC
/// 9113 section 8.3.1.
bool valid_authority(std::string_view text);
/// origin-form: '/' and what may follow it, visible ASCII without '#'. Source: RFC 9112
/// section 3.2.1.
bool valid_path(std::string_view text);

}  // namespace tidegate::proxy::http2
