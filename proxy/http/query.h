#pragma once

#include <string>
#include <string_view>

#include "proxy/runtime/arena.h"

namespace tidegate::proxy::http {

/// The first value of a query parameter, percent-decoded ('+' is a space); false where it is not
/// there. Source: Gateway API, HTTPQueryParamMatch; WHATWG URL section 5.1.
bool query_parameter(std::string_view query, std::string_view name, std::string& value);

/// `path` with its query, without any parameter of that name; the others stay as they are written.
/// In the arena where something went.
std::string_view without_parameter(std::string_view path, std::string_view name, Arena& arena);

}  // namespace tidegate::proxy::http
