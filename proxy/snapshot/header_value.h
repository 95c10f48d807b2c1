#pragma once

#include <boost/describe/class.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace tidegate::proxy {

struct HeaderValue {
  std::string name;  // lower case
  std::string value;
  std::optional<Secret> secret;  // in the place of `value`
  std::string_view text() const { return secret ? secret->reveal() : std::string_view(value); }
  bool operator==(const HeaderValue&) const = default;
};
BOOST_DESCRIBE_STRUCT(HeaderValue, (), (name, value, secret))

}  // namespace tidegate::proxy
