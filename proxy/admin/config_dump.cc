#include <fmt/chrono.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "proxy/admin/envoy_view.h"
#include "proxy/admin/page_parts.h"
#include "proxy/admin/page_server.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

/// Of IP:PORT, which the port listens on.
json::object address_of(const std::string& text) {
  const Result<boost::asio::ip::tcp::endpoint> at = parse_address(text);
  return at ? socket_address(at->address().to_string(), at->port()) : json::object();
}

json::object bootstrap(const AdminContext& context) {
  json::object admin;
  for (const auto& [name, value] : context.options) {
    if (name == "admin-address") admin["address"] = address_of(value);
  }
  json::object inner;
  inner["node"] = node_json(context);
  inner["admin"] = std::move(admin);
  json::object out{{"@type", "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"}};
  out["bootstrap"] = std::move(inner);
  out["last_updated"] = time_text(context.started);
  return out;
}

/// The listeners of our own that scripts look for, by kgateway's names.
json::array static_listeners(const AdminContext& context) {
  json::array out;
  for (const auto& [option, name] : {std::pair{"readiness-address", "readiness_listener"},
                                     std::pair{"metrics-address", "prometheus_listener"}}) {
    for (const auto& [given, value] : context.options) {
      if (given != option) continue;
      json::object listener{{"@type", "type.googleapis.com/envoy.config.listener.v3.Listener"}};
      listener["name"] = name;
      listener["address"] = address_of(value);
      json::object one{{"listener", std::move(listener)}};
      one["last_updated"] = time_text(context.started);
      out.push_back(std::move(one));
    }
  }
  return out;
}

json::object ours(const AdminContext& context, const Snapshot& snapshot,
                  const DumpVersion& version) {
  json::object out{{"@type", "type.googleapis.com/tidegate.admin.v1.SnapshotConfigDump"}};
  out["version_info"] = version.version;
  out["snapshot"] = to_json(snapshot);
  json::array problems;
  if (context.problems) {
    for (const std::string& one : context.problems()) problems.push_back(json::string(one));
  }
  out["problems"] = std::move(problems);
  return out;
}

/// The resource's name, wherever its kind keeps it.
std::string name_of(const json::object& element) {
  for (const char* where : {"cluster", "listener", "route_config", "endpoint_config"}) {
    const json::value* inner = element.if_contains(where);
    if (inner == nullptr) continue;
    for (const char* key : {"name", "cluster_name"}) {
      if (const json::value* name = inner->get_object().if_contains(key))
        return std::string(name->get_string());
    }
  }
  const json::value* name = element.if_contains("name");
  return name == nullptr ? std::string() : std::string(name->get_string());
}

void keep_names(json::array& configs, const re2::RE2& expression) {
  for (json::value& config : configs) {
    std::vector<std::string> emptied;
    for (auto& member : config.get_object()) {
      json::array* list = member.value().if_array();
      if (list == nullptr || member.key() == "problems") continue;
      json::array kept;
      for (json::value& one : *list) {
        if (re2::RE2::FullMatch(name_of(one.get_object()), expression))
          kept.push_back(std::move(one));
      }
      if (kept.empty()) emptied.emplace_back(member.key());
      *list = std::move(kept);
    }
    for (const std::string& name : emptied) config.get_object().erase(name);
  }
}

/// The paths of a field mask as one tree.
struct Mask {
  bool whole = false;  // a path ends here: all below is kept
  std::map<std::string, Mask, std::less<>> fields;

  static Mask of(std::string_view text) {
    constexpr int kDepthMax = 64;  // more than any dump has
    Mask out;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      std::string_view path = text.substr(at, end - at);
      at = end + 1;
      if (path.empty()) continue;
      Mask* mask = &out;
      for (int depth = 0; !path.empty() && depth < kDepthMax; ++depth) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        mask = &mask->fields[std::string(path.substr(0, dot))];
        path.remove_prefix(std::min(dot + 1, path.size()));
      }
      mask->whole = true;
    }
    return out;
  }
};

/// What the mask keeps of `from`; through lists, element by element.
json::object kept_of(const json::object& from, const Mask& mask) {
  json::object out;
  for (const auto& [name, below] : mask.fields) {
    const json::value* found = from.if_contains(name);
    if (found == nullptr) continue;
    if (below.whole) {
      out[name] = *found;
    } else if (const json::object* inner = found->if_object()) {
      json::object part = kept_of(*inner, below);
      if (!part.empty()) out[name] = std::move(part);
    } else if (const json::array* list = found->if_array()) {
      json::array parts;
      for (const json::value& one : *list) {
        json::object part;
        if (one.is_object()) part = kept_of(one.get_object(), below);
        if (!part.empty()) parts.push_back(std::move(part));
      }
      if (!parts.empty()) out[name] = std::move(parts);
    }
  }
  return out;
}

/// False where the mask finds nothing.
bool apply_mask(json::array& configs, const std::string& text) {
  const Mask mask = Mask::of(text);
  bool any = false;
  for (json::value& config : configs) {
    const json::object& whole = config.get_object();
    json::object kept = kept_of(whole, mask);
    any = any || !kept.empty();
    if (const json::value* type = whole.if_contains("@type")) {
      json::object typed{{"@type", *type}};
      for (auto& member : kept) typed[member.key()] = std::move(member.value());
      kept = std::move(typed);
    }
    config = std::move(kept);
  }
  return any;
}

const std::map<std::string, const char*>& resources() {
  static const std::map<std::string, const char*> kNames{
      {"static_clusters", "ClustersConfigDump.StaticCluster"},
      {"dynamic_active_clusters", "ClustersConfigDump.DynamicCluster"},
      {"dynamic_warming_clusters", "ClustersConfigDump.DynamicCluster"},
      {"static_listeners", "ListenersConfigDump.StaticListener"},
      {"dynamic_listeners", "ListenersConfigDump.DynamicListener"},
      {"static_route_configs", "RoutesConfigDump.StaticRouteConfig"},
      {"dynamic_route_configs", "RoutesConfigDump.DynamicRouteConfig"},
      {"static_secrets", "SecretsConfigDump.StaticSecret"},
      {"dynamic_active_secrets", "SecretsConfigDump.DynamicSecret"},
      {"static_endpoint_configs", "EndpointsConfigDump.StaticEndpointConfig"},
      {"dynamic_endpoint_configs", "EndpointsConfigDump.DynamicEndpointConfig"},
  };
  return kNames;
}

/// Only the elements of one list, each with its type.
json::array only(json::array& configs, const std::string& resource) {
  json::array out;
  for (json::value& config : configs) {
    json::value* list = config.get_object().if_contains(resource);
    if (list == nullptr) continue;
    for (json::value& one : list->get_array()) {
      json::object typed{
          {"@type", std::string("type.googleapis.com/envoy.admin.v3.") + resources().at(resource)}};
      for (auto& member : one.get_object()) typed[member.key()] = std::move(member.value());
      out.push_back(std::move(typed));
    }
  }
  return out;
}

PageResponse config_dump(const AdminContext& context, const PageRequest& request) {
  static const Snapshot kNothing;
  SnapshotPtr held = context.server->snapshot();
  const Snapshot& snapshot = held ? *held : kNothing;
  const DumpVersion version{
      std::to_string(context.server->applied().version),
      time_text(context.last_change ? context.last_change() : context.started)};
  const std::string* resource = request.parameter("resource");
  const std::string* mask = request.parameter("mask");
  const std::string* pattern = request.parameter("name_regex");
  json::array configs{bootstrap(context), clusters_dump(snapshot, version)};
  if (request.parameter("include_eds") != nullptr)
    configs.push_back(endpoints_dump(snapshot, context.server->addresses()));
  json::object listeners = listeners_dump(snapshot, version);
  listeners["static_listeners"] = static_listeners(context);
  configs.push_back(std::move(listeners));
  configs.push_back(
      json::object{{"@type", "type.googleapis.com/envoy.admin.v3.ScopedRoutesConfigDump"}});
  configs.push_back(routes_dump(snapshot, version));
  configs.push_back(secrets_dump(snapshot, version));
  if (pattern != nullptr) {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    const re2::RE2 expression(*pattern, quiet);
    if (!expression.ok())
      return as_text(fmt::format("INVALID_ARGUMENT: Error while parsing name_regex from {}: {}\n",
                                 *pattern, expression.error()),
                     400);
    keep_names(configs, expression);
  }
  if (resource != nullptr) {
    if (!resources().contains(*resource))
      return as_text(fmt::format("{} not found in config dump\n", *resource), 404);
    configs = only(configs, *resource);
    if (configs.empty()) return as_json(json::object());
  } else if (pattern == nullptr) {
    configs.push_back(ours(context, snapshot, version));
  }
  if (mask != nullptr && !apply_mask(configs, *mask)) {
    return as_text(
        fmt::format("FieldMask {} could not be successfully applied to any configs.\n", *mask),
        400);
  }
  return as_json(json::object{{"configs", std::move(configs)}});
}

}  // namespace

void add_config_dump(std::vector<Page>& out, const AdminContext& context) {
  Page dump = page("/config_dump", "dump what is served, in Envoy's form (secrets redacted)",
                   [context](const PageRequest& request) { return config_dump(context, request); });
  dump.parameters = {
      {"include_eds", "Add endpoints and their health"},
      {"mask", "Fields to keep: a,b.c"},
      {"name_regex", "Regular expression (Google re2) that the whole name must match"},
      {"resource", "Only this list, e.g. dynamic_active_clusters"}};
  out.push_back(std::move(dump));
  out.push_back(page("/snapshot", "what is served, in Tidegate's own form (secrets redacted)",
                     [context](const PageRequest&) {
                       SnapshotPtr snapshot = context.server->snapshot();
                       if (!snapshot) return as_text("no snapshot is served yet\n", 503);
                       return as_json(to_json(*snapshot));
                     }));
}

}  // namespace tidegate::proxy::admin
