#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::proxy::aws {

/// An element of an answer of Amazon's query APIs. Attributes, comments and declarations are left
/// out; what is no XML as those APIs send it, nests too deeply or has too many elements, is
/// refused.
struct XmlElement {
  std::string name;  // without a prefix
  std::string text;  // of itself, entities resolved
  std::vector<XmlElement> children;

  /// The first child of a name, or of a path of names ("Credentials/SessionToken"); null: none.
  const XmlElement* find(std::string_view path) const;
  /// Its text; empty where it is not there.
  std::string_view value(std::string_view path) const;
};
/// Null where it is none.
std::unique_ptr<XmlElement> parse_xml(std::string_view text);

}  // namespace tidegate::proxy::aws
