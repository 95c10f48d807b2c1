#pragma once

#include <string>
#include <string_view>

namespace tidegate::proxy::router {

/// The first value of a query parameter, percent-decoded ('+' is a space); false where it is not
/// there. Source: Gateway API, HTTPQueryParamMatch; WHATWG URL section 5.1.
bool query_parameter(std::string_view query, std::string_view name, std::string& value);

}  // namespace tidegate::proxy::router
