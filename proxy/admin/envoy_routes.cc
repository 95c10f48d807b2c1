#include "proxy/admin/envoy_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "proxy/router/virtual_host_name.h"
#include "proxy/snapshot/json.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:g}s", static_cast<double>(time.count()) / 1000);
}

json::object value_match(const ValueMatch& match) {
  json::object text;
  if (match.regex) {
    text["safe_regex"] = json::object{{"regex", match.value}};
  } else {
    text["exact"] = match.value;
  }
  return {{"name", match.name}, {"string_match", std::move(text)}};
}

json::object match_json(const Match& match) {
  json::object out;
  switch (match.path.kind) {
    case PathMatch::Kind::kExact:
      out["path"] = match.path.value;
      break;
    case PathMatch::Kind::kPrefix:
      out[match.path.value == "/" ? "prefix" : "path_separated_prefix"] = match.path.value;
      break;
    case PathMatch::Kind::kRegex:
      out["safe_regex"] = json::object{{"regex", match.path.value}};
      break;
  }
  json::array headers;
  if (match.method) headers.push_back(value_match({":method", *match.method, false}));
  for (const ValueMatch& one : match.headers) headers.push_back(value_match(one));
  if (!headers.empty()) out["headers"] = std::move(headers);
  json::array query;
  for (const ValueMatch& one : match.query) query.push_back(value_match(one));
  if (!query.empty()) out["query_parameters"] = std::move(query);
  return out;
}

/// Header modifiers stand in the route itself.
void add_header_changes(json::object& route, const char* prefix, const HeaderChanges& changes) {
  json::array add;
  for (const auto& [list, action] :
       {std::pair{&changes.set, "OVERWRITE_IF_EXISTS_OR_ADD"}, std::pair{&changes.add, ""}}) {
    for (const HeaderValue& one : *list) {
      const std::string_view value = one.secret ? kRedacted : one.value;
      json::object entry{{"header", json::object{{"key", one.name}, {"value", value}}}};
      if (*action != '\0') entry["append_action"] = action;
      add.push_back(std::move(entry));
    }
  }
  if (!add.empty()) route[fmt::format("{}_headers_to_add", prefix)] = std::move(add);
  json::array remove;
  for (const std::string& name : changes.remove) remove.push_back(json::string(name));
  if (!remove.empty()) route[fmt::format("{}_headers_to_remove", prefix)] = std::move(remove);
}

json::object forward_json(const Rule& rule, const Forward& forward, const Match& match) {
  json::object out;
  add_clusters(out, forward.clusters);
  if (rule.internal_redirect) {
    const InternalRedirect& redirect = *rule.internal_redirect;
    json::object policy{{"max_internal_redirects", redirect.redirects_max}};
    json::array codes;
    for (const int code : redirect.statuses) codes.push_back(code);
    policy["redirect_response_codes"] = std::move(codes);
    if (redirect.cross_scheme) policy["allow_cross_scheme_redirect"] = true;
    json::array copied;
    for (const std::string& name : redirect.copied_fields) copied.push_back(json::string(name));
    if (!copied.empty()) policy["response_headers_to_copy"] = std::move(copied);
    out["internal_redirect_policy"] = std::move(policy);
  }
  if (rule.request_timeout) out["timeout"] = seconds(*rule.request_timeout);
  if (rule.retry || rule.backend_timeout) {
    json::object policy;
    if (rule.retry) {
      policy["num_retries"] = rule.retry->attempts;
      json::array codes;
      for (const int code : rule.retry->on_status) codes.push_back(code);
      if (!codes.empty()) policy["retriable_status_codes"] = std::move(codes);
      policy["retry_back_off"] = json::object{{"base_interval", seconds(rule.retry->backoff)}};
    }
    if (rule.backend_timeout) policy["per_try_timeout"] = seconds(*rule.backend_timeout);
    out["retry_policy"] = std::move(policy);
  }
  json::array mirrors;
  for (const Filter& filter : rule.filters) {
    if (const auto* rewrite = std::get_if<UrlRewrite>(&filter)) {
      if (rewrite->hostname) out["host_rewrite_literal"] = *rewrite->hostname;
      if (rewrite->path && rewrite->path->kind == PathModifier::Kind::kPrefix) {
        out["prefix_rewrite"] = rewrite->path->value;
      } else if (rewrite->path) {
        out["regex_rewrite"] = json::object{
            {"pattern",
             json::object{
                 {"regex", match.path.kind == PathMatch::Kind::kRegex ? match.path.value : ".*"}}},
            {"substitution", rewrite->path->value}};
      }
    } else if (const auto* mirror = std::get_if<RequestMirror>(&filter)) {
      mirrors.push_back(json::object{{"cluster", mirror->cluster}});
    }
  }
  if (!mirrors.empty()) out["request_mirror_policies"] = std::move(mirrors);
  return out;
}

json::object redirect_json(const Redirect& redirect) {
  json::object out;
  if (redirect.scheme) out["scheme_redirect"] = *redirect.scheme;
  if (redirect.hostname) out["host_redirect"] = *redirect.hostname;
  if (redirect.port) out["port_redirect"] = *redirect.port;
  if (redirect.path)
    out[redirect.path->kind == PathModifier::Kind::kFull ? "path_redirect" : "prefix_rewrite"] =
        redirect.path->value;
  const char* code = redirect.status == 302   ? "FOUND"
                     : redirect.status == 303 ? "SEE_OTHER"
                     : redirect.status == 307 ? "TEMPORARY_REDIRECT"
                     : redirect.status == 308 ? "PERMANENT_REDIRECT"
                                              : "";
  if (*code != '\0') out["response_code"] = code;
  return out;
}

json::object route_json(const std::string& host, std::size_t index, const RouteEntry& entry,
                        const Rule& rule) {
  json::object out;
  out["match"] = match_json(entry.match);
  if (const auto* forward = std::get_if<Forward>(&rule.action)) {
    out["route"] = forward_json(rule, *forward, entry.match);
  } else if (const auto* redirect = std::get_if<Redirect>(&rule.action)) {
    out["redirect"] = redirect_json(*redirect);
  } else if (const auto* direct = std::get_if<DirectResponse>(&rule.action)) {
    out["direct_response"] = json::object{{"status", direct->status}};
  }
  out["name"] = fmt::format("{}-route-{}-{}-{}-{}-{}", host, index, lower(rule.origin.kind),
                            rule.origin.name, rule.origin.namespace_, rule.origin.section);
  if (!rule.stat_prefix.empty()) out["stat_prefix"] = rule.stat_prefix;
  json::array filters;
  for (const Filter& filter : rule.filters) {
    if (const auto* request = std::get_if<RequestHeaderModifier>(&filter))
      add_header_changes(out, "request", request->changes);
    if (const auto* response = std::get_if<ResponseHeaderModifier>(&filter))
      add_header_changes(out, "response", response->changes);
    filters.push_back(to_json(filter));
  }
  json::object ours{{"at", fmt::format("{}:{}", rule.origin.file, rule.origin.line)}};
  if (!filters.empty()) ours["filters"] = std::move(filters);
  json::object metadata{{"tidegate", std::move(ours)}};
  out["metadata"] = json::object{{"filter_metadata", std::move(metadata)}};
  return out;
}

void add_hosts(json::array& to, const Listener& listener, const Site& site) {
  for (const VirtualHost& host : site.routes.hosts) {
    const std::string& domain = router::domain_of(site, host);
    const std::string name = router::virtual_host_name(listener, site, host);
    json::array routes;
    for (const RouteEntry& entry : host.entries)
      routes.push_back(route_json(name, routes.size(), entry, site.routes.rules[entry.rule]));
    json::object one{{"name", name}};
    one["domains"] = json::array{json::string(domain)};
    one["routes"] = std::move(routes);
    to.push_back(std::move(one));
  }
}

}  // namespace

std::string route_config_name(const Listener& listener, const Site& site) {
  if (site.protocol == SiteProtocol::kHttp || site.hostname.empty()) return listener.name;
  return fmt::format("{}~{}", listener.name, router::underscored(site.hostname));
}

std::vector<json::object> route_configs(const Listener& listener) {
  std::vector<json::object> out;
  json::array plain;
  bool any_plain = false;
  auto add = [&out](const std::string& name, json::array hosts) {
    json::object config{{"name", name}};
    if (!hosts.empty()) config["virtual_hosts"] = std::move(hosts);
    out.push_back(std::move(config));
  };
  for (const Site& site : listener.sites) {
    if (site.protocol == SiteProtocol::kHttp) {
      add_hosts(plain, listener, site);
      any_plain = true;
    } else if (site.protocol == SiteProtocol::kHttps) {
      json::array hosts;
      add_hosts(hosts, listener, site);
      add(route_config_name(listener, site), std::move(hosts));
    }
  }
  if (any_plain) add(listener.name, std::move(plain));
  return out;
}

void add_clusters(json::object& to, const std::vector<WeightedCluster>& clusters) {
  if (clusters.size() == 1) {
    to["cluster"] = clusters[0].cluster;
    return;
  }
  json::array list;
  for (const WeightedCluster& one : clusters)
    list.push_back(json::object{{"name", one.cluster}, {"weight", one.weight}});
  to["weighted_clusters"] = json::object{{"clusters", std::move(list)}};
}

std::string envoy_filter_name(const Filter& filter, const Snapshot& snapshot) {
  json::value printed = to_json(filter);
  if (const auto* shared = std::get_if<SharedFilter>(&filter)) {
    auto found = snapshot.shared_filters.find(shared->name);
    if (found == snapshot.shared_filters.end()) return {};
    printed = to_json(found->second);
  }
  const std::string name(printed.get_object().begin()->key());
  for (const char* in_route :
       {"request_header_modifier", "response_header_modifier", "url_rewrite", "request_mirror"}) {
    if (name == in_route) return {};
  }
  return "envoy.filters.http." + (name == "external_auth" ? "ext_authz" : name);
}

}  // namespace tidegate::proxy::admin
