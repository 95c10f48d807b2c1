#pragma once

#include <boost/describe/class.hpp>
#include <string>

namespace tidegate::proxy {

/// How the body of a reply of our own is made. Source: kgateway, BodyFormat.
struct BodyFormat {
  std::string text;          // with Envoy's operators
  std::string json;          // an object, serialized; empty: `text` is the format
  std::string content_type;  // empty: of text or JSON
  bool operator==(const BodyFormat&) const = default;
};
BOOST_DESCRIBE_STRUCT(BodyFormat, (), (text, json, content_type))

}  // namespace tidegate::proxy
