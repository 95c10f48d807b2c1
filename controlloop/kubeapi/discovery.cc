#include "controlloop/kubeapi/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "controlloop/kubeapi/ledger.h"

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

json::object group_json(const std::string& group) {
  std::vector<std::string> versions;  // the preferred one first, as clients try them
  for (const config::Kind* kind : api_kinds()) {
    if (kind->group != group) continue;
    for (std::string_view version : kind->versions) {
      if (std::find(versions.begin(), versions.end(), version) == versions.end())
        versions.emplace_back(version);
    }
  }
  auto entry = [&group](const std::string& version) {
    return json::object{{"groupVersion", group + "/" + version}, {"version", version}};
  };
  json::object out;
  if (versions.empty()) return out;
  json::array list;
  for (const std::string& version : versions) list.push_back(entry(version));
  out["name"] = group;
  out["versions"] = std::move(list);
  out["preferredVersion"] = entry(versions.front());
  return out;
}

}  // namespace

json::object api_versions() {
  return {{"kind", "APIVersions"},
          {"versions", json::array{"v1"}},
          {"serverAddressByClientCIDRs", json::array()}};
}

json::object api_groups() {
  std::set<std::string> names;
  for (const config::Kind* kind : api_kinds()) {
    if (!kind->group.empty()) names.emplace(kind->group);
  }
  json::array list;
  for (const std::string& name : names) list.push_back(group_json(name));
  json::object out{{"kind", "APIGroupList"}, {"apiVersion", "v1"}};
  out["groups"] = std::move(list);
  return out;
}

json::object api_group(const std::string& group) {
  json::object out = group.empty() ? json::object() : group_json(group);
  if (out.empty()) return out;
  out["kind"] = "APIGroup";
  out["apiVersion"] = "v1";
  return out;
}

json::object api_resources(const std::string& group, const std::string& version) {
  json::array list;
  for (const config::Kind* kind : api_kinds()) {
    if (kind->group != group ||
        std::find(kind->versions.begin(), kind->versions.end(), version) == kind->versions.end())
      continue;
    json::object one;
    one["name"] = kind->plural;
    one["singularName"] = kind->singular;
    one["namespaced"] = kind->namespaced;
    one["kind"] = kind->kind;
    one["verbs"] = {"get", "list", "watch"};
    json::array names;
    for (std::string_view name : kind->short_names) names.push_back(json::value(name));
    if (!names.empty()) one["shortNames"] = std::move(names);
    if (!group.empty() && group != "discovery.k8s.io") one["categories"] = {"gateway-api"};
    list.push_back(std::move(one));
  }
  json::object out;
  if (list.empty()) return out;
  out["kind"] = "APIResourceList";
  out["apiVersion"] = "v1";
  out["groupVersion"] = group.empty() ? version : group + "/" + version;
  out["resources"] = std::move(list);
  return out;
}

json::object server_version(const std::string& program_version) {
  // The Kubernetes version whose API this is like, so that clients do not warn of a skew.
  return {{"major", "1"},
          {"minor", "32"},
          {"gitVersion", fmt::format("v1.32.0+tidegate.{}", program_version)},
          {"gitCommit", ""},
          {"gitTreeState", "clean"},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""},
          {"compiler", "g++"},
          {"platform", "linux"}};
}

}  // namespace tidegate::controlloop::kubeapi
