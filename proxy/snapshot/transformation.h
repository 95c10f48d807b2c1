#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/snapshot/header_value.h"

namespace tidegate::proxy {

/// An entry of dynamic metadata, made by a template.
struct MetadataTemplate {
  std::string namespace_;
  std::string key;
  std::string value;
  bool operator==(const MetadataTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(MetadataTemplate, (), (namespace_, key, value))

/// What templates change in one direction. Values are templates (proxy/template) that compile; all
/// see the message as it came. Names in lower case, pseudo headers (":path", ":status") included.
struct MessageTransformation {
  enum class ParseAs { kNone, kString, kJson };  // kNone: the body is neither read nor changed
  std::vector<HeaderValue> set;                  // one that comes out empty is removed
  std::vector<HeaderValue> add;                  // one that comes out empty is not added
  std::vector<std::string> remove;
  ParseAs parse_as = ParseAs::kNone;
  std::string body;  // the new body; empty: it stays
  std::vector<MetadataTemplate> metadata;
  bool operator==(const MessageTransformation&) const = default;
};
BOOST_DESCRIBE_ENUM(MessageTransformation::ParseAs, kNone, kString, kJson)
BOOST_DESCRIBE_STRUCT(MessageTransformation, (), (set, add, remove, parse_as, body, metadata))

/// Source: kgateway TrafficPolicy.spec.transformation.
struct Transformation {
  std::optional<MessageTransformation> request;
  std::optional<MessageTransformation> response;
  std::uint64_t body_bytes_max = 1U << 20U;  // that are gathered; Envoy's buffer of a connection
  bool operator==(const Transformation&) const = default;
};
BOOST_DESCRIBE_STRUCT(Transformation, (), (request, response, body_bytes_max))

}  // namespace tidegate::proxy
