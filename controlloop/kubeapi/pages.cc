#include "controlloop/kubeapi/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "config/kind_table.h"

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

std::string text(std::string_view view) { return std::string(view); }

PageResponse as_json(const json::value& value, int status = 200) {
  return {status, "application/json", json::serialize(value) + "\n"};
}

PageResponse failure(int code, const char* reason, const std::string& message) {
  json::object out;
  out["kind"] = "Status";
  out["apiVersion"] = "v1";
  out["metadata"] = json::object();
  out["status"] = "Failure";
  out["message"] = message;
  out["reason"] = reason;
  out["code"] = code;
  return as_json(out, code);
}

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 1; at < path.size();) {
    std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// One object as an API server would give it, in the version that was asked for.
json::object show(const config::Object& object, const std::string& api_version,
                  const Source& source) {
  json::value raw = config::redacted(object);
  json::object out = raw.is_object() ? raw.get_object() : json::object();
  out["apiVersion"] = api_version;
  json::object meta = out["metadata"].is_object() ? out["metadata"].get_object() : json::object();
  const status::Key key{object.meta.kind, object.meta.namespace_, object.meta.name};
  meta["name"] = object.meta.name;
  if (!object.meta.namespace_.empty()) meta["namespace"] = object.meta.namespace_;
  meta["uid"] = object.meta.uid;
  meta["generation"] = object.meta.generation;
  if (!object.meta.creation_timestamp.empty())
    meta["creationTimestamp"] = object.meta.creation_timestamp;
  meta["resourceVersion"] =
      fmt::format("{}", static_cast<std::uint64_t>(object.meta.generation) * 100000 +
                            source.statuses().version(key));
  out["metadata"] = std::move(meta);
  out.erase("status");
  if (const json::object* status = source.statuses().find(key)) out["status"] = *status;
  return out;
}

/// The generated objects of a kind, in one namespace or (empty) in all.
std::vector<const json::object*> generated(const Source& source, const config::Kind& kind,
                                           const std::string& space) {
  std::vector<const json::object*> out;
  for (const json::object& one : source.generated()) {
    const json::object& meta = one.at("metadata").get_object();
    if (one.at("kind").get_string() == kind.kind &&
        (space.empty() || meta.at("namespace").get_string() == space))
      out.push_back(&one);
  }
  return out;
}

const config::Kind* find_plural(std::string_view group, std::string_view plural) {
  for (const config::Kind& kind : config::kind_table()) {
    if (kind.group == group && kind.plural == plural) return &kind;
  }
  return nullptr;
}

PageResponse resources(const std::string& group, const std::string& version) {
  json::array list;
  for (const config::Kind& kind : config::kind_table()) {
    if (kind.group != group ||
        std::find(kind.versions.begin(), kind.versions.end(), version) == kind.versions.end())
      continue;
    json::object one;
    one["name"] = text(kind.plural);
    one["singularName"] = text(kind.singular);
    one["namespaced"] = kind.namespaced;
    one["kind"] = text(kind.kind);
    one["verbs"] = {"get", "list"};
    json::array names;
    for (std::string_view name : kind.short_names) names.push_back(json::string(text(name)));
    if (!names.empty()) one["shortNames"] = std::move(names);
    list.push_back(std::move(one));
  }
  if (list.empty())
    return failure(404, "NotFound", "the server could not find the requested resource");
  json::object out;
  out["kind"] = "APIResourceList";
  out["apiVersion"] = "v1";
  out["groupVersion"] = group.empty() ? version : group + "/" + version;
  out["resources"] = std::move(list);
  return as_json(out);
}

json::object group_json(const std::string& group) {
  std::set<std::string> versions;
  std::string preferred;
  for (const config::Kind& kind : config::kind_table()) {
    if (kind.group != group) continue;
    if (preferred.empty()) preferred = text(kind.versions.front());
    for (std::string_view version : kind.versions) versions.insert(text(version));
  }
  auto entry = [&group](const std::string& version) {
    json::object out;
    out["groupVersion"] = group + "/" + version;
    out["version"] = version;
    return out;
  };
  json::array list;
  for (const std::string& version : versions) list.push_back(entry(version));
  json::object out;
  out["name"] = group;
  out["versions"] = std::move(list);
  out["preferredVersion"] = entry(preferred);
  return out;
}

PageResponse groups() {
  std::set<std::string> names;
  for (const config::Kind& kind : config::kind_table()) {
    if (!kind.group.empty()) names.insert(text(kind.group));
  }
  json::array list;
  for (const std::string& name : names) list.push_back(group_json(name));
  json::object out;
  out["kind"] = "APIGroupList";
  out["apiVersion"] = "v1";
  out["groups"] = std::move(list);
  return as_json(out);
}

/// "a=b,c=d" and "a"; the forms that list requests of clients use.
bool labels_match(const std::string& selector, const std::map<std::string, std::string>& labels) {
  for (std::size_t at = 0; at < selector.size();) {
    std::size_t end = std::min(selector.find(',', at), selector.size());
    std::string term = selector.substr(at, end - at);
    at = end + 1;
    std::size_t equals = term.find('=');
    auto found = labels.find(term.substr(0, equals));
    if (found == labels.end()) return false;
    if (equals == std::string::npos) continue;
    std::string value = term.substr(term.find_first_not_of('=', equals) == std::string::npos
                                        ? term.size()
                                        : term.find_first_not_of('=', equals));
    if (found->second != value) return false;
  }
  return true;
}

/// What follows the version: [namespaces/NS/]PLURAL[/NAME].
PageResponse objects(const Source& source, const std::string& group, const std::string& version,
                     std::vector<std::string> rest, const PageRequest& request) {
  std::string space;
  bool one_namespace = false;
  if (rest.size() >= 3 && rest[0] == "namespaces") {
    space = rest[1];
    one_namespace = true;
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  const config::Kind* kind =
      rest.empty() || rest.size() > 3 ? nullptr : find_plural(group, rest[0]);
  if (kind == nullptr ||
      std::find(kind->versions.begin(), kind->versions.end(), version) == kind->versions.end() ||
      (rest.size() == 3 && rest[2] != "status")) {
    return failure(404, "NotFound", "the server could not find the requested resource");
  }
  const std::string api_version = group.empty() ? version : group + "/" + version;
  if (rest.size() >= 2) {
    for (const json::object* one : generated(source, *kind, space)) {
      if (one->at("metadata").get_object().at("name").get_string() == rest[1]) return as_json(*one);
    }
    const config::Object* object = source.objects().object(kind->kind, space, rest[1]);
    if (object == nullptr || one_namespace != kind->namespaced) {
      return failure(404, "NotFound", fmt::format("{} \"{}\" not found", kind->plural, rest[1]));
    }
    return as_json(show(*object, api_version, source));
  }
  const std::string* selector = request.parameter("labelSelector");
  json::array items;
  for (const auto& object : source.objects().objects()) {
    if (object->kind != kind || (one_namespace && object->meta.namespace_ != space)) continue;
    if (selector != nullptr && !labels_match(*selector, object->meta.labels)) continue;
    items.push_back(show(*object, api_version, source));
  }
  for (const json::object* one : generated(source, *kind, space)) {
    std::map<std::string, std::string> labels;
    for (const auto& label : one->at("metadata").get_object().at("labels").get_object())
      labels[label.key()] = label.value().get_string();
    if (selector == nullptr || labels_match(*selector, labels)) items.push_back(*one);
  }
  json::object out;
  out["kind"] = text(kind->kind) + "List";
  out["apiVersion"] = api_version;
  json::object meta;
  meta["resourceVersion"] = fmt::format("{}", source.resource_version());
  out["metadata"] = std::move(meta);
  out["items"] = std::move(items);
  return as_json(out);
}

}  // namespace

std::vector<Page> pages(Source source) {
  auto core = [source](const PageRequest& request) {
    std::vector<std::string> parts = segments(request.path);
    if (parts.size() == 1) {
      json::object out;
      out["kind"] = "APIVersions";
      out["versions"] = {"v1"};
      return as_json(out);
    }
    if (parts.size() == 2) return resources("", parts[1]);
    return objects(source, "", parts[1], {parts.begin() + 2, parts.end()}, request);
  };
  auto grouped = [source](const PageRequest& request) {
    std::vector<std::string> parts = segments(request.path);
    if (parts.size() == 1) return groups();
    if (parts.size() == 2) {
      json::object group = group_json(parts[1]);
      if (group["versions"].get_array().empty())
        return failure(404, "NotFound", "no such API group");
      group["kind"] = "APIGroup";
      group["apiVersion"] = "v1";
      return as_json(group);
    }
    if (parts.size() == 3) return resources(parts[1], parts[2]);
    return objects(source, parts[1], parts[2], {parts.begin() + 3, parts.end()}, request);
  };
  std::vector<Page> out;
  Page api;
  api.path = "/api";
  api.what = "Kubernetes API of the core kinds, read-only";
  api.prefix = true;
  api.serve = core;
  out.push_back(api);
  Page apis;
  apis.path = "/apis";
  apis.what = "Kubernetes API of the other kinds, read-only, with .status";
  apis.prefix = true;
  apis.serve = grouped;
  out.push_back(apis);
  return out;
}

}  // namespace tidegate::controlloop::kubeapi
