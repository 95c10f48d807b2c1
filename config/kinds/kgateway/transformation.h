#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// What is changed in a head and body by templates (Inja). Source: TransformationPolicy.
struct Transformation {
  struct Header {
    std::string name;   // a header, or :path, :method, :status ...
    std::string value;  // a template; may be empty
    bool operator==(const Header&) const = default;
  };
  struct Body {
    enum class ParseAs { kAsString, kAsJson, kNone };
    ParseAs parse_as = ParseAs::kAsString;
    std::optional<std::string> value;  // a template; absent: the body stays
    bool operator==(const Body&) const = default;
  };
  struct MetadataValue {
    std::optional<std::string> string_value;  // a template
    bool operator==(const MetadataValue&) const = default;
  };
  struct Metadata {
    std::string namespace_;
    std::string key;
    MetadataValue value;
    bool operator==(const Metadata&) const = default;
  };
  /// Of one direction.
  struct Changes {
    std::vector<Header> set;
    std::vector<Header> add;
    std::vector<std::string> remove;
    std::optional<Body> body;  // absent: the body is not gathered
    std::vector<Metadata> dynamic_metadata;
    bool operator==(const Changes&) const = default;
  };
  std::optional<Changes> request;
  std::optional<Changes> response;
  bool operator==(const Transformation&) const = default;
};

}  // namespace tidegate::config::kgateway
