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

json::value redacted(const Object& object) {
  json::value shown = object.raw ? *object.raw : json::value(json::object());
  if (object.kind == nullptr || object.kind->kind != "Secret" || !shown.is_object()) return shown;
  for (const std::string_view field : {"data", "stringData"}) {
    json::value* values = shown.get_object().if_contains(field);
    if (values == nullptr) continue;
    if (!values->is_object()) {
      *values = json::string(kRedacted);
      continue;
    }
    for (auto& member : values->get_object()) member.value() = json::string(kRedacted);
  }
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
  if (!of_kind.try_emplace(object->meta.key(), object).second) return false;
  if (object->typed) object->kind->file_under(*this, object->typed, object->valid);
  objects_.push_back(std::move(object));
  return true;
}

}  // namespace tidegate::config
