#include "proxy/template/builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tidegate::proxy::templates {

namespace {

const Builtin* in(std::span<const Builtin> table, std::string_view name, Builtin::Kind kind) {
  for (const Builtin& each : table) {
    if (each.name == name && each.kind == kind) return &each;
  }
  return nullptr;
}

std::array<std::span<const Builtin>, 5> tables() {
  return {message_functions(), text_filters(), list_filters(), number_filters(), tests()};
}

const Builtin* anywhere(std::string_view name, Builtin::Kind kind) {
  for (auto table : tables()) {
    if (const Builtin* found = in(table, name, kind)) return found;
  }
  return nullptr;
}

/// Edits that make one name of the other; at most 3 matter.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

Value Arguments::get(std::size_t index, std::string_view name) const {
  if (index < values.size()) return values[index];
  for (const auto& [key, value] : named) {
    if (key == name) return value;
  }
  return {};
}

const Builtin* find_filter(std::string_view name) { return anywhere(name, Builtin::Kind::kFilter); }

const Builtin* find_test(std::string_view name) { return anywhere(name, Builtin::Kind::kTest); }

const Builtin* find_function(std::string_view name) {
  if (const Builtin* found = anywhere(name, Builtin::Kind::kFunction)) return found;
  if (const Builtin* found = find_filter(name)) return found;
  // Inja's names of what are tests here.
  static constexpr std::pair<std::string_view, std::string_view> kInja[] = {
      {"isString", "string"},         {"isNumber", "number"},  {"isInteger", "integer"},
      {"isFloat", "float"},           {"isArray", "sequence"}, {"isObject", "mapping"},
      {"isBoolean", "boolean"},       {"even", "even"},        {"odd", "odd"},
      {"divisibleBy", "divisibleby"},
  };
  for (const auto& [inja, test] : kInja) {
    if (inja == name) return find_test(test);
  }
  return nullptr;
}

std::string suggest(std::string_view name, Builtin::Kind kind) {
  std::string_view best;
  std::size_t least = std::min<std::size_t>(3, name.size() / 2 + 1);
  if (name.size() > 64) return {};
  for (auto table : tables()) {
    for (const Builtin& each : table) {
      if (each.kind != kind) continue;
      if (const std::size_t edits = distance(name, each.name); edits < least) {
        least = edits;
        best = each.name;
      }
    }
  }
  return best.empty() ? std::string() : fmt::format("; is \"{}\" meant?", best);
}

}  // namespace tidegate::proxy::templates
