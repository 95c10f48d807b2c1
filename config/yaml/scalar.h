#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::config::yaml {

/// The value of a plain scalar: null, boolean, integer, float, or else a string.
/// Source: YAML 1.2.2 section 10.3.2, and octal "0644" as Go's YAML reads it, which Kubernetes
/// uses. The words yes, no, on and off stay strings. Errors: nothing for .inf and .nan, which JSON
/// does not have.
std::optional<boost::json::value> plain_scalar(std::string_view text);

}  // namespace tidegate::config::yaml
