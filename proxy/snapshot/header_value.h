#pragma once

#include <boost/describe/class.hpp>
#include <string>

namespace tidegate::proxy {

struct HeaderValue {
  std::string name;  // lower case
  std::string value;
  bool operator==(const HeaderValue&) const = default;
};
BOOST_DESCRIBE_STRUCT(HeaderValue, (), (name, value))

}  // namespace tidegate::proxy
