#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::proxy::admin {

/// `%41` becomes `A`; with `plus`, '+' becomes a space. What is no escape stays as it is.
std::string percent_decode(std::string_view text, bool plus);

/// "a=1&b=2", of a query or a form, decoded. Source: WHATWG URL section 5.1.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text);

}  // namespace tidegate::proxy::admin
