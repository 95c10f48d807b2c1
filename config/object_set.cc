#include "config/object_set.h"

#include <charconv>
#include <iterator>

#include "base/secret.h"
#include "config/kind_table.h"

namespace tidegate::config {
namespace json = boost::json;

namespace {

/// The index of a member of an object, or the size of the object.
std::size_t index_of(const json::object& object, std::string_view key) {
  std::size_t index = 0;
  for (const auto& member : object) {
    if (member.key() == json::string_view(key.data(), key.size())) break;
    ++index;
  }
  return index;
}

struct Cursor {
  const json::value* value;
  const yaml::Lines* lines;

  bool member(std::string_view key) {
    const json::object* object = value->if_object();
    if (object == nullptr) return false;
    const std::size_t index = index_of(*object, key);
    if (index >= object->size() || index >= lines->children.size()) return false;
    value = &std::next(object->begin(), static_cast<std::ptrdiff_t>(index))->value();
    lines = &lines->children[index];
    return true;
  }
  bool element(std::size_t index) {
    const json::array* array = value->if_array();
    if (array == nullptr || index >= array->size() || index >= lines->children.size()) return false;
    value = &(*array)[index];
    lines = &lines->children[index];
    return true;
  }
};

}  // namespace

int Object::line_of(std::string_view path) const {
  if (!raw || !lines) return meta.line;
  Cursor cursor{raw.get(), lines.get()};
  while (!path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    if (!path.empty() && path.front() == '[') {
      std::size_t index = 0;
      const std::size_t close = path.find(']');
      if (close == std::string_view::npos) break;
      const auto [end, failed] = std::from_chars(path.data() + 1, path.data() + close, index);
      if (failed != std::errc() || end != path.data() + close || !cursor.element(index)) break;
      path.remove_prefix(close + 1);
      continue;
    }
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    if (!cursor.member(path.substr(0, end))) break;
    path.remove_prefix(end);
  }
  return lines_before + cursor.lines->line;
}

namespace {

/// What a kind's fields of type Secret are called: "spec.basicAuth.users".
std::vector<std::string> secret_paths(const Kind& kind) {
  std::vector<std::string> out;
  if (kind.schema == nullptr) return out;
  for (const fields::SchemaField& field : kind.schema().fields) {
    if (field.type == "secret") out.push_back(field.path);
    if (field.type == "array of secret") out.push_back(field.path + "[]");
    if (field.type == "map of secret") out.push_back(field.path + "{}");
  }
  return out;
}

const std::vector<std::string>& secrets_of(const Kind& kind) {
  static const std::map<const Kind*, std::vector<std::string>> all = [] {
    std::map<const Kind*, std::vector<std::string>> out;
    for (const Kind& one : kind_table()) out[&one] = secret_paths(one);
    return out;
  }();
  static const std::vector<std::string> none;
  auto found = all.find(&kind);
  return found == all.end() ? none : found->second;
}

/// What is at the path goes, and also what stands in the way there with another type.
void redact(json::value& value, std::string_view path) {
  if (value.is_null()) return;
  if (path.empty()) {
    value = json::string(kRedacted);
  } else if (path.starts_with("[]") || path.starts_with("{}")) {
    const bool list = path.front() == '[';
    path.remove_prefix(2);
    if (list && value.is_array()) {
      for (json::value& one : value.get_array()) redact(one, path);
    } else if (!list && value.is_object()) {
      for (auto& one : value.get_object()) redact(one.value(), path);
    } else {
      value = json::string(kRedacted);
    }
  } else {
    if (path.front() == '.') path.remove_prefix(1);
    const std::size_t end = std::min(path.find_first_of(".[{"), path.size());
    if (!value.is_object()) {
      value = json::string(kRedacted);
    } else if (json::value* found = value.get_object().if_contains(path.substr(0, end))) {
      redact(*found, path.substr(end));
    }
  }
}

/// Members of a Secret that are none.
bool is_about(json::string_view key) {
  return key == "apiVersion" || key == "kind" || key == "metadata" || key == "type" ||
         key == "immutable";
}

}  // namespace

json::value redacted(const Object& object) {
  json::value shown = object.raw ? *object.raw : json::value(json::object());
  if (object.kind == nullptr || !shown.is_object()) return shown;
  const std::vector<std::string>& secrets = secrets_of(*object.kind);
  const bool all = object.kind->kind == "Secret";
  if (secrets.empty() && !all) return shown;
  for (auto& one : shown.get_object()) {  // also under a name that was misspelt
    if (all && !is_about(one.key())) redact(one.value(), one.value().is_object() ? "{}" : "");
  }
  for (const std::string& path : secrets) redact(shown, path);
  // kubectl apply writes the whole object, data included, into this annotation.
  if (json::value* metadata = shown.get_object().if_contains("metadata");
      metadata != nullptr && metadata->is_object()) {
    json::value* annotations = metadata->get_object().if_contains("annotations");
    if (annotations != nullptr && annotations->is_object()) {
      annotations->get_object().erase("kubectl.kubernetes.io/last-applied-configuration");
    }
  }
  return shown;
}

const Object* ObjectSet::object(std::string_view kind, std::string_view namespace_,
                                std::string_view name) const {
  const auto of_kind = by_kind_.find(kind);
  if (of_kind == by_kind_.end()) return nullptr;
  const auto found = of_kind->second.find({std::string(namespace_), std::string(name)});
  return found == of_kind->second.end() ? nullptr : found->second.get();
}

bool ObjectSet::add(std::shared_ptr<const Object> object) {
  auto& of_kind = by_kind_[std::string(object->kind->kind)];
  const std::size_t before = of_kind.size();
  of_kind.try_emplace(of_kind.end(), object->meta.key(), object);  // nearly in order of their names
  if (of_kind.size() == before) return false;
  if (object->typed) object->kind->file_under(*this, object->typed, object->valid);
  objects_.push_back(std::move(object));
  return true;
}

}  // namespace tidegate::config
