#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::proxy::admin {

/// "a=1&b=2", of a query or a form, decoded. Source: WHATWG URL section 5.1.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text);

}  // namespace tidegate::proxy::admin
