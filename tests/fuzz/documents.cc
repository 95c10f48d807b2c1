#include "config/yaml/document.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace config;

namespace {

std::size_t lines_of(std::string_view bytes) {
  std::size_t out = 1;
  for (const char c : bytes) out += c == '\n' || c == '\r' ? 1 : 0;
  return out;
}

void check_shape(const boost::json::value& value, const yaml::Lines& lines, std::size_t last) {
  must(lines.line >= 0 && static_cast<std::size_t>(lines.line) <= last + 1,
       "a line is in the file");
  if (const auto* object = value.if_object()) {
    must(lines.children.size() == object->size(), "lines have the shape of the value");
    std::size_t at = 0;
    for (const auto& member : *object) check_shape(member.value(), lines.children[at++], last);
  } else if (const auto* list = value.if_array()) {
    must(lines.children.size() == list->size(), "lines have the shape of the value");
    for (std::size_t at = 0; at < list->size(); ++at)
      check_shape((*list)[at], lines.children[at], last);
  }
}

void check(const yaml::Outcome<yaml::Document>& outcome, std::string_view bytes) {
  if (!outcome) {
    must(!outcome.problem.message.empty(), "what does not parse has a reason");
    return;
  }
  check_shape(outcome.value->root, outcome.value->lines, lines_of(bytes));
}

}  // namespace

/// A file of YAML, or of JSON.
void documents(std::string_view bytes) {
  yaml::Budgets budgets;
  budgets.alias_nodes_max = 2000;
  budgets.documents_max = 100;
  const auto parts = yaml::split(bytes, budgets);
  if (parts) {
    must(parts.value->size() <= budgets.documents_max, "documents have a limit");
    for (const yaml::Piece& piece : *parts.value)
      check(yaml::parse_yaml(piece.bytes, budgets), piece.bytes);
  }
  check(yaml::parse_json(bytes, budgets), bytes);
}

}  // namespace tidegate::fuzz
