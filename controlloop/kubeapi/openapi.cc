#include "controlloop/kubeapi/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "controlloop/kubeapi/ledger.h"

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;
using config::fields::Effect;
using config::fields::SchemaField;

namespace {

/// A leaf, or the object that members are put into.
json::object schema_of(std::string_view type) {
  if (type == "duration") return {{"type", "string"}, {"format", "duration"}};
  if (type == "int-or-string")
    return {{"x-kubernetes-int-or-string", true},
            {"oneOf", {json::object{{"type", "integer"}}, json::object{{"type", "string"}}}}};
  if (type == "any") return {{"x-kubernetes-preserve-unknown-fields", true}};
  return {{"type", type}};
}

std::string description(const SchemaField& field) {
  std::string out;
  auto add = [&out](const std::string& sentence) {
    if (!sentence.empty()) out += (out.empty() ? "" : " ") + sentence + ".";
  };
  if (field.effect == Effect::kNoEffect)
    add("Accepted without effect" + (field.doc.empty() ? "" : ": " + field.doc));
  else if (field.effect == Effect::kRejected)
    add("Rejected" + (field.doc.empty() ? "" : ": " + field.doc));
  else
    add(field.doc);
  if (!field.limits.empty()) add("Limits: " + field.limits);
  if (!field.default_.empty()) add("Default: " + field.default_);
  return out;
}

/// The schema at a path of rows ("spec.listeners[].port"); objects that have no row of their own
/// are made.
json::object& at(json::object& root, std::string_view path) {
  json::object* here = &root;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(path.size(), end + 1));
    std::string_view suffix;
    if (name.ends_with("[]") || name.ends_with("{}")) {
      suffix = name.substr(name.size() - 2);
      name.remove_suffix(2);
    }
    auto enter = [&here](std::string_view key, const char* type) {
      json::value& member = (*here)[key];
      if (!member.is_object()) member = json::object();
      here = &member.get_object();
      if (type != nullptr && here->empty()) (*here)["type"] = type;
    };
    enter("properties", nullptr);
    enter(name, suffix == "[]" ? "array" : "object");
    if (!suffix.empty()) enter(suffix == "[]" ? "items" : "additionalProperties", "object");
  }
  return *here;
}

void add_field(json::object& root, const SchemaField& field) {
  const std::size_t dot = field.path.rfind('.');
  const bool top = dot == std::string::npos;
  json::object* parent = &at(root, top ? "" : std::string_view(field.path).substr(0, dot));
  const std::string name = top ? field.path : field.path.substr(dot + 1);
  json::object one;
  const std::string_view type(field.type);
  if (type.starts_with("array of ")) {
    one = {{"type", "array"}, {"items", schema_of(type.substr(9))}};
  } else if (type.starts_with("map of ")) {
    one = {{"type", "object"}, {"additionalProperties", schema_of(type.substr(7))}};
  } else {
    one = schema_of(type);
  }
  if (std::string says = description(field); !says.empty()) one["description"] = says;
  if (!parent->contains("properties")) (*parent)["properties"] = json::object();
  (*parent)["properties"].get_object()[name] = std::move(one);
  if (!field.required) return;
  if (!parent->contains("required")) (*parent)["required"] = json::array();
  (*parent)["required"].get_array().push_back(json::string(name));
}

json::object gvk(const config::Kind& kind, const std::string& version) {
  return {{"group", kind.group}, {"version", version}, {"kind", kind.kind}};
}

json::object kind_schema(const config::Kind& kind, const std::string& version) {
  json::object out{{"type", "object"}};
  out["description"] = fmt::format(
      "{} as Tidegate reads it: each field with its limits and what it does here.", kind.kind);
  json::object properties;
  properties["apiVersion"] =
      json::object{{"type", "string"}, {"description", "The group and version of the kind."}};
  properties["kind"] = json::object{{"type", "string"}, {"description", "The kind's name."}};
  properties["metadata"] =
      json::object{{"type", "object"}, {"description", "Name, namespace, labels, annotations."}};
  out["properties"] = std::move(properties);
  if (kind.schema != nullptr) {
    for (const SchemaField& field : kind.schema().fields) add_field(out, field);
  }
  out["properties"].get_object()["status"] = json::object{
      {"type", "object"},
      {"description", "What Tidegate makes of the object: conditions with their reasons."},
      {"x-kubernetes-preserve-unknown-fields", true}};
  out["x-kubernetes-group-version-kind"] = json::array{gvk(kind, version)};
  return out;
}

bool has_version(const config::Kind& kind, const std::string& version) {
  return std::find(kind.versions.begin(), kind.versions.end(), version) != kind.versions.end();
}

std::string prefix_of(const std::string& group, const std::string& version) {
  return group.empty() ? "/api/" + version : fmt::format("/apis/{}/{}", group, version);
}

std::string schema_name(const config::Kind& kind, const std::string& version) {
  return fmt::format("{}.{}.{}", kind.group.empty() ? "core" : kind.group, version, kind.kind);
}

/// The path under which kubectl looks for the kind of a resource.
void add_paths(json::object& paths, const config::Kind& kind, const std::string& version) {
  json::object operation{{"x-kubernetes-action", "list"}};
  operation["x-kubernetes-group-version-kind"] = gvk(kind, version);
  operation["responses"] = json::object{{"200", json::object{{"description", "OK"}}}};
  json::object path{{"get", std::move(operation)}};
  const std::string base = prefix_of(std::string(kind.group), version);
  if (kind.namespaced)
    paths[fmt::format("{}/namespaces/{{namespace}}/{}", base, kind.plural)] = path;
  paths[fmt::format("{}/{}", base, kind.plural)] = std::move(path);
}

json::object info() { return {{"title", "Tidegate, read-only"}, {"version", "v1"}}; }

}  // namespace

json::object openapi_index() {
  json::object paths;
  for (const config::Kind* kind : api_kinds()) {
    for (std::string_view version : kind->versions) {
      const std::string prefix = prefix_of(std::string(kind->group), std::string(version));
      paths[prefix.substr(1)] = json::object{{"serverRelativeURL", "/openapi/v3" + prefix}};
    }
  }
  return {{"paths", std::move(paths)}};
}

json::object openapi_document(const std::string& group, const std::string& version) {
  json::object schemas;
  json::object paths;
  for (const config::Kind* kind : api_kinds()) {
    if (kind->group != group || !has_version(*kind, version)) continue;
    schemas[schema_name(*kind, version)] = kind_schema(*kind, version);
    add_paths(paths, *kind, version);
  }
  json::object out;
  if (schemas.empty()) return out;
  out["openapi"] = "3.0.0";
  out["info"] = info();
  out["paths"] = std::move(paths);
  out["components"] = json::object{{"schemas", std::move(schemas)}};
  return out;
}

json::object openapi_v2() {
  json::object definitions;
  json::object paths;
  for (const config::Kind* kind : api_kinds()) {
    for (std::string_view one : kind->versions) {
      const std::string version(one);
      definitions[schema_name(*kind, version)] = kind_schema(*kind, version);
      add_paths(paths, *kind, version);
    }
  }
  json::object out;
  out["swagger"] = "2.0";
  out["info"] = info();
  out["paths"] = std::move(paths);
  out["definitions"] = std::move(definitions);
  return out;
}

}  // namespace tidegate::controlloop::kubeapi
