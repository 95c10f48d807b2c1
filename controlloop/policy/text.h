#pragma once

#include <string>
#include <string_view>

#include "config/kinds/kgateway/shared.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {

std::string lower(std::string text);

/// A matcher as the proxy has it. `problem` says why its expression is none; else it stays empty.
proxy::TextMatch text_match(const config::kgateway::StringMatcher& from, std::string& problem);

/// Why RE2 does not take the expression; empty: it does.
std::string regex_problem(const std::string& expression);

/// What is wrong with a CEL expression, as far as its text tells; empty: nothing. `when` is the end
/// of "'response.code' is not known ...": it may name only what is known of a request.
std::string cel_problem(const std::string& expression, std::string_view when);

}  // namespace tidegate::controlloop::policy
