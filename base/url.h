#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate {

/// An http or https URL as a request to it needs it.
struct Url {
  std::string scheme;     // "http", "https"
  std::string authority;  // host and port, as written
  std::string path;       // with its query; at least "/"
};

/// Nothing for what is no such URL: another scheme, user information, white space, no host. A
/// fragment is left out. Source: RFC 3986 section 3.
std::optional<Url> parse_url(std::string_view text);

}  // namespace tidegate
