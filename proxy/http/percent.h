#pragma once

#include <string>
#include <string_view>

namespace tidegate::proxy::http {

/// The value of a hexadecimal digit; -1 for what is none.
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// `%41` becomes `A`; with `plus`, '+' becomes a space. What is no escape stays as it is.
/// Source: RFC 3986 section 2.1; WHATWG URL section 5.1 (forms).
std::string percent_decode(std::string_view text, bool plus);

/// Escapes all but unreserved characters (RFC 3986 section 2.3).
std::string percent_encode(std::string_view text);

}  // namespace tidegate::proxy::http
