#pragma once

#include <boost/describe/class.hpp>
#include <string>

namespace tidegate::proxy {

/// The object that a piece of the snapshot came from, so that every message and every admin page
/// can name it.
struct Origin {
  std::string kind;        // "HTTPRoute"
  std::string namespace_;  // "default"
  std::string name;
  std::string section;  // listener name, rule name or rule index; may be empty
  std::string file;     // as the user gave the directory
  int line = 0;
  bool operator==(const Origin&) const = default;
};
BOOST_DESCRIBE_STRUCT(Origin, (), (kind, namespace_, name, section, file, line))

/// A field of a policy that holds, and the policy that it is from; its line is the field's.
struct PolicyField {
  std::string field;
  Origin policy;
  bool operator==(const PolicyField&) const = default;
};
BOOST_DESCRIBE_STRUCT(PolicyField, (), (field, policy))

}  // namespace tidegate::proxy
