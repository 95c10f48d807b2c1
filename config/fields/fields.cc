#include "config/fields/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "base/secret.h"
#include "config/yaml/utf8.h"

namespace tidegate::config::fields {
namespace json = boost::json;

namespace {

constexpr std::size_t kReadMax = 10'000;  // items of a list that is too long
constexpr std::size_t kShownMax = 120;    // characters of a value in a message

/// Of a URL, who it logs in as is not shown.
void hide_user(std::string& text) {
  const std::size_t begin = text.find("://");
  if (begin == text.npos) return;
  const std::size_t at = text.rfind('@');  // what is before it may have any characters in it
  if (at != text.npos && at > begin) text.replace(begin + 3, at - begin - 3, kRedacted);
}

std::string shown(const json::value& value) {
  if (value.is_object()) return "\"object\"";
  if (value.is_array()) return "\"array\"";
  std::string text = json::serialize(value);
  hide_user(text);
  return text.size() > kShownMax ? yaml::shortened(text, kShownMax) + '"' : text;
}

std::string_view type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "integer";
    case json::kind::double_:
      return "number";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
  }
  return "";
}

/// Levenshtein distance; both are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, changed});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

std::string Path::text() const {
  std::string out = parent == nullptr ? std::string() : parent->text();
  if (name.empty()) {
    if (parent == nullptr) return out;
    return fmt::format("{}[{}]", out, index);
  }
  if (!out.empty()) out += '.';
  out += name;
  return out;
}

bool Findings::enough(Severity severity) {
  if (list_.size() <= kToldMax) return false;
  if (severity == Severity::kError) list_.back().severity = severity;
  return true;
}

void Findings::add(Severity severity, const Node& node, std::string_view message) {
  if (enough(severity)) return;
  const bool last = list_.size() == kToldMax;
  list_.push_back({severity, node.line(),
                   last ? fmt::format("more than {} problems: the rest is not told", kToldMax)
                        : yaml::shortened(message, kMessageMax)});
}

void Findings::error(const Node& node, const Path& path, std::string_view message) {
  ++errors_;
  const bool told = enough(Severity::kError);
  // In place of a warning, from the last one on.
  while (told && replace_ > 0 && list_[replace_ - 1].severity == Severity::kError) --replace_;
  if (told && replace_ == 0) return;
  const std::string where = path.text();
  const std::string text =
      where.empty() ? std::string(message) : fmt::format("{}: {}", where, message);
  if (told) {
    list_[--replace_] = {Severity::kError, node.line(), yaml::shortened(text, kMessageMax)};
  } else {
    add(Severity::kError, node, text);
  }
}

void Findings::warning(const Node& node, const Path&, std::string_view message) {
  add(Severity::kWarning, node, message);
}

void Findings::required(const Node& parent, const Path& path) {
  error(parent, path, "Required value");
}

void Findings::invalid(const Node& node, const Path& path, std::string_view message) {
  if (enough(Severity::kError)) return error(node, path, message);
  error(node, path, fmt::format("Invalid value: {}: {}", shown(*node.value), message));
}

void Findings::wrong_type(const Node& node, const Path& path, std::string_view wanted) {
  const std::string_view is = type_of(*node.value);
  if (enough(Severity::kError)) return error(node, path, wanted);
  error(node, path,
        fmt::format("Invalid value: \"{}\": {} in body must be of type {}: \"{}\"", is, path.text(),
                    wanted, is));
}

const FieldDescription* Description::find(std::string_view name) const {
  for (const FieldDescription& field : fields_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

void Description::read(Findings& findings, const Path& path, const Node& node, void* object,
                       std::initializer_list<std::string_view> accepted) const {
  if (!node.value->is_object()) return findings.wrong_type(node, path, "object");
  const std::size_t errors_before = findings.errors();
  const json::object& members = node.value->get_object();
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string_view key = key_of(node, i);
    if (std::find(accepted.begin(), accepted.end(), key) != accepted.end()) continue;
    const Node member = element(node, i);
    if (const FieldDescription* field = find(key)) {
      if (field->read != nullptr && !member.value->is_null()) {
        field->read(findings, Path{&path, key}, member, field->bounds, object);
        if (field->bounds.tell_) {
          findings.warning(member, path,
                           fmt::format("{} is accepted without effect: {}", Path{&path, key}.text(),
                                       field->bounds.doc_));
        }
      }
      continue;
    }
    if (findings.full()) continue;
    const FieldDescription* best = nullptr;
    std::size_t best_distance = std::max<std::size_t>(2, key.size() / 3) + 1;
    for (const FieldDescription& field : fields_) {
      if (key.size() > 2 * field.name.size()) continue;
      const std::size_t d = distance(lower(key), lower(field.name));
      if (d < best_distance && d < field.name.size()) {
        best = &field;
        best_distance = d;
      }
    }
    const std::string where = Path{&path, key}.text();
    findings.warning(member, path,
                     best == nullptr
                         ? fmt::format("unknown field {}", where)
                         : fmt::format("unknown field {}, did you mean {}?", where, best->name));
  }
  for (const FieldDescription& field : fields_) {
    if (!field.required) continue;
    const json::value* value = members.if_contains(field.name);
    if (value == nullptr || value->is_null()) findings.required(node, Path{&path, field.name});
  }
  if (finish_) finish_(object);
  if (findings.errors() != errors_before) return;
  for (const Rule& rule : rules_) {
    if (rule.holds(object)) continue;
    Node at = node;
    if (rule.field.empty()) {
      findings.invalid(at, path, rule.message);
      continue;
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (key_of(node, i) == rule.field) at = element(node, i);
    }
    findings.invalid(at, Path{&path, rule.field}, rule.message);
  }
}

void Description::rows(const std::string& prefix, std::vector<SchemaField>& out) const {
  for (const FieldDescription& field : fields_) {
    SchemaField& row = out.emplace_back();
    const std::string path = prefix.empty() ? field.name : prefix + '.' + field.name;
    row.path = path;
    row.type = field.suffix == "[]" ? "array" : field.suffix == "{}" ? "map" : field.type;
    if (!field.suffix.empty()) row.type += fmt::format(" of {}", field.type);
    row.required = field.required;
    row.default_ = field.default_;
    row.doc = field.bounds.doc_;
    row.effect = field.bounds.effect_;
    std::vector<std::string> limits;
    const Bounds& b = field.bounds;
    if (!b.one_of_.empty()) limits.push_back(fmt::format("one of {}", fmt::join(b.one_of_, ", ")));
    const std::string_view unit = field.type == "duration" ? "ms" : "";
    if (b.minimum && b.maximum) {
      limits.push_back(fmt::format("{}{}..{}{}", *b.minimum, unit, *b.maximum, unit));
    } else if (b.minimum) {
      limits.push_back(fmt::format("at least {}{}", *b.minimum, unit));
    } else if (b.maximum) {
      limits.push_back(fmt::format("at most {}{}", *b.maximum, unit));
    }
    if (b.items_min > 0) limits.push_back(fmt::format("at least {} items", b.items_min));
    if (b.items_max != SIZE_MAX) limits.push_back(fmt::format("at most {} items", b.items_max));
    if (b.length_max != SIZE_MAX) limits.push_back(fmt::format("at most {} bytes", b.length_max));
    if (b.pattern_ != nullptr) limits.push_back(fmt::format("pattern {}", b.pattern_->text));
    row.limits = fmt::format("{}", fmt::join(limits, "; "));
    if (field.nested == nullptr) continue;
    const Effect effect = row.effect;
    const std::size_t first = out.size();  // `row` may move
    field.nested().rows(path + std::string(field.suffix), out);
    for (std::size_t i = first; i < out.size(); ++i) {
      if (effect != Effect::kWorks) out[i].effect = effect;  // like what they are in
    }
  }
}

std::size_t size_of(const Node& node) {
  if (const json::array* array = node.value->if_array()) return array->size();
  if (const json::object* object = node.value->if_object()) return object->size();
  return 0;
}

Node element(const Node& node, std::size_t index) {
  const yaml::Lines* lines = node.lines;
  if (lines != nullptr && index < lines->children.size()) lines = &lines->children[index];
  if (const json::array* array = node.value->if_array()) return {&(*array)[index], lines};
  return {&std::next(node.value->get_object().begin(), static_cast<std::ptrdiff_t>(index))->value(),
          lines};
}

std::string_view key_of(const Node& node, std::size_t index) {
  const json::string_view key =
      std::next(node.value->get_object().begin(), static_cast<std::ptrdiff_t>(index))->key();
  return {key.data(), key.size()};
}

bool check_array(Findings& findings, const Path& path, const Node& node, const Bounds& bounds) {
  const json::array* array = node.value->if_array();
  if (array == nullptr) return findings.wrong_type(node, path, "array"), false;
  if (array->size() > bounds.items_max) {
    findings.error(
        node, path,
        fmt::format("Too many: {}: must have at most {} items", array->size(), bounds.items_max));
    return array->size() <= kReadMax;  // an object that is refused closes what it names
  }
  if (array->size() < bounds.items_min) {
    findings.error(node, path,
                   fmt::format("Invalid value: {}: {} in body should have at least {} items",
                               array->size(), path.text(), bounds.items_min));
  }
  if (bounds.unique_) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (std::find(array->begin(), array->begin() + i, (*array)[i]) != array->begin() + i) {
        findings.error(element(node, i), Path{&path, {}, i},
                       fmt::format("Duplicate value: {}", shown((*array)[i])));
      }
    }
  }
  return true;
}

bool check_map(Findings& findings, const Path& path, const Node& node, const Bounds& bounds) {
  const json::object* object = node.value->if_object();
  if (object == nullptr) return findings.wrong_type(node, path, "object"), false;
  if (object->size() > bounds.items_max) {
    findings.error(
        node, path,
        fmt::format("Too many: {}: must have at most {} items", object->size(), bounds.items_max));
    return false;
  }
  if (bounds.key_pattern_ != nullptr) {
    for (std::size_t i = 0; i < object->size(); ++i) {
      const std::string_view key = key_of(node, i);
      if (!bounds.key_pattern_->matches(key)) {
        findings.error(element(node, i), path,
                       fmt::format("Invalid value: \"{}\": key should match '{}'", key,
                                   bounds.key_pattern_->text));
      }
    }
  }
  return true;
}

std::optional<std::size_t> read_enum(Findings& findings, const Path& path, const Node& node,
                                     const std::vector<std::string_view>& names) {
  const json::string* text = node.value->if_string();
  if (text == nullptr) return findings.wrong_type(node, path, "string"), std::nullopt;
  const auto found =
      std::find(names.begin(), names.end(), std::string_view(text->data(), text->size()));
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  findings.error(node, path,
                 fmt::format("Unsupported value: {}: supported values: \"{}\"", shown(*node.value),
                             fmt::join(names, "\", \"")));
  return std::nullopt;
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                std::string& out) {
  const json::string* text = node.value->if_string();
  if (text == nullptr) return findings.wrong_type(node, path, "string");
  out.assign(text->data(), text->size());
  if (!bounds.one_of_.empty()) {
    read_enum(findings, path, node, bounds.one_of_);
    return;
  }
  if (out.size() > bounds.length_max) {
    return findings.error(
        node, path, fmt::format("Too long: may not be more than {} bytes", bounds.length_max));
  }
  if (out.size() < bounds.length_min) {
    return findings.invalid(
        node, path,
        fmt::format("{} in body should be at least {} chars long", path.text(), bounds.length_min));
  }
  if (bounds.pattern_ != nullptr && !bounds.pattern_->matches(out)) {
    findings.invalid(
        node, path,
        fmt::format("{} in body should match '{}'", path.text(), bounds.pattern_->text));
  }
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds&, bool& out) {
  if (!node.value->is_bool()) return findings.wrong_type(node, path, "boolean");
  out = node.value->get_bool();
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                std::int64_t& out) {
  if (!node.value->is_int64()) return findings.wrong_type(node, path, "integer");
  out = node.value->get_int64();
  if (bounds.minimum && out < *bounds.minimum) {
    return findings.invalid(node, path,
                            fmt::format("{} in body should be greater than or equal to {}",
                                        path.text(), *bounds.minimum));
  }
  if (bounds.maximum && out > *bounds.maximum) {
    findings.invalid(
        node, path,
        fmt::format("{} in body should be less than or equal to {}", path.text(), *bounds.maximum));
  }
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                int& out) {
  std::int64_t wide = out;
  const std::size_t errors_before = findings.errors();
  read_value(findings, path, node, bounds, wide);
  if (findings.errors() != errors_before) return;
  if (wide < INT32_MIN || wide > INT32_MAX) {
    return findings.invalid(node, path,
                            fmt::format("{} in body must be of type int32", path.text()));
  }
  out = static_cast<int>(wide);
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                double& out) {
  if (!node.value->is_number()) return findings.wrong_type(node, path, "number");
  out = node.value->to_number<double>();
  if ((bounds.minimum && out < static_cast<double>(*bounds.minimum)) ||
      (bounds.maximum && out > static_cast<double>(*bounds.maximum))) {
    findings.invalid(node, path, fmt::format("{} in body is out of range", path.text()));
  }
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                std::chrono::milliseconds& out) {
  const json::string* text = node.value->if_string();
  if (text == nullptr) return findings.wrong_type(node, path, "string");
  if (auto parsed = parse_duration({text->data(), text->size()})) {
    out = *parsed;
    if (bounds.minimum && out.count() < *bounds.minimum) {
      findings.invalid(node, path, fmt::format("must be at least {}ms", *bounds.minimum));
    } else if (bounds.maximum && out.count() > *bounds.maximum) {
      findings.invalid(node, path, fmt::format("must not exceed {}ms", *bounds.maximum));
    }
    return;
  }
  findings.invalid(node, path,
                   fmt::format("{} in body should match '{}'", path.text(), kDuration.text));
}

void read_value(Findings&, const Path&, const Node& node, const Bounds&, json::value& out) {
  out = *node.value;
}

void read_value(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                std::variant<int, std::string>& out) {
  if (node.value->is_string()) {
    read_value(findings, path, node, bounds, out.emplace<std::string>());
  } else if (node.value->is_int64()) {
    read_value(findings, path, node, bounds, out.emplace<int>());
  } else {
    findings.wrong_type(node, path, "integer,string");
  }
}

}  // namespace tidegate::config::fields
