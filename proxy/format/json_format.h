#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/format/format.h"

namespace tidegate::proxy::format {

/// A JSON value whose strings have operators. A string that is one operator becomes a value of the
/// operator's type, null where it is missing; others stay strings. Keys are sorted bytewise at
/// every level. Immutable. Source: access-log.md, "Missing values".
class JsonFormat {
 public:
  JsonFormat() = default;
  /// `where` is set to the key of the wrong string ("request.id"), with a problem. `omit_empty`
  /// leaves out keys whose value is missing or empty, and objects that become empty.
  static JsonFormat compile(const boost::json::value& format, bool omit_empty, std::string& where,
                            Problem& problem);

  /// Without a line's end.
  void render(const Values& values, std::string& out) const;
  Needs needs() const;

 private:
  struct Member;
  struct Node {
    enum class Kind { kObject, kArray, kConstant, kString };
    Kind kind = Kind::kConstant;
    std::string constant;  // serialized
    Format format;
    std::vector<Member> members;
  };
  struct Member {
    std::string key;  // as it is written, with its colon
    Node value;
  };
  static Node compile_node(const boost::json::value& format, std::string& where, Problem& problem);
  bool render_node(const Node& node, const Values& values, std::string& out) const;
  bool render_string(const Format& format, const Values& values, std::string& out) const;
  static void add_needs(const Node& node, Needs& out);

  Node root_;
  bool omit_empty_ = false;
};

/// Makes what stands in `out` from `begin` on the inside of a JSON string: quotes, backslashes and
/// control characters are escaped; where it is not valid UTF-8, bytes are written as \u00XX.
void escape_json(std::string& out, std::size_t begin);

}  // namespace tidegate::proxy::format
