#include "proxy/admin/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <numeric>
#include <optional>

#include "proxy/http/normal_path.h"
#include "proxy/router/site_table.h"
#include "proxy/snapshot/json.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t kNearMissesMax = 50;  // of one answer; the rest is counted

std::string place(const Origin& origin) {
  if (origin.file.empty()) return {};
  return origin.line > 0 ? fmt::format("{}:{}", origin.file, origin.line) : origin.file;
}

std::string object_name(const Origin& origin) {
  if (origin.kind.empty()) return {};
  return fmt::format("{} {}{}{}", origin.kind, origin.namespace_,
                     origin.namespace_.empty() ? "" : "/", origin.name);
}

json::object origin_json(const Origin& origin) {
  json::object out;
  out["object"] = object_name(origin);
  if (std::string at = place(origin); !at.empty()) out["at"] = at;
  return out;
}

/// The parts of a URL, as a client would take them.
struct Target {
  std::string scheme, host, authority, path;
  std::uint16_t port = 0;
};

/// Nothing, and `wrong`, where it is no URL that a client could ask for.
std::optional<Target> parse_url(std::string_view url, std::string& wrong) {
  Target out;
  out.scheme = "http";
  if (const std::size_t mark = url.find("://"); mark != url.npos) {
    out.scheme = url.substr(0, mark);
    url.remove_prefix(mark + 3);
  }
  for (char& c : out.scheme) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (out.scheme == "ws") out.scheme = "http";
  if (out.scheme == "wss") out.scheme = "https";
  if (out.scheme != "http" && out.scheme != "https" && out.scheme != "tcp" && out.scheme != "tls") {
    wrong = "the URL must begin with http://, https://, tls:// or tcp://";
    return std::nullopt;
  }
  url = url.substr(0, url.find('#'));
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  out.authority = url.substr(0, end);
  out.path = url.substr(end);
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  Arena arena;
  const std::optional<std::string_view> normal = http::normal_path(out.path, arena);
  if (!normal) {
    wrong = "the path may be read in two ways: it is answered with 400";
    return std::nullopt;
  }
  out.path = std::string(*normal);
  const bool secure = out.scheme == "https" || out.scheme == "tls";
  out.port = secure ? 443 : 80;
  const std::size_t bracket = out.authority.rfind(']');
  const std::size_t colon = out.authority.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    const char* last = out.authority.data() + out.authority.size();
    auto [rest, bad] = std::from_chars(out.authority.data() + colon + 1, last, out.port);
    if (bad != std::errc() || rest != last) {
      wrong = "the URL's port is no number";
      return std::nullopt;
    }
  }
  if (out.authority.empty() || out.authority.size() > 255) {
    wrong = "the URL names no host";
    return std::nullopt;
  }
  std::string buffer(out.authority.size(), '\0');
  out.host = router::host_of(out.authority, buffer.data());
  return out;
}

std::string match_text(const Match& match) {
  constexpr std::string_view kKinds[] = {"=", "", "~ "};
  std::string out =
      fmt::format("path {}{}", kKinds[static_cast<std::size_t>(match.path.kind)], match.path.value);
  if (match.path.kind == PathMatch::Kind::kPrefix) out += match.path.value == "/" ? "*" : "/*";
  if (match.method) out += ", method " + *match.method;
  for (const auto& [what, list] :
       {std::pair{"header", &match.headers}, std::pair{"query parameter", &match.query}}) {
    for (const ValueMatch& one : *list)
      out += fmt::format(", {} {} {} {}", what, one.name, one.regex ? "~" : "=", one.value);
  }
  return out;
}

bool speaks_tls(const Listener& listener) {
  return std::any_of(listener.sites.begin(), listener.sites.end(), [](const Site& site) {
    return site.protocol == SiteProtocol::kHttps || site.protocol == SiteProtocol::kTls;
  });
}

bool is_http(const Site& site) {
  return site.protocol == SiteProtocol::kHttp || site.protocol == SiteProtocol::kHttps;
}

const char* protocol_name(SiteProtocol protocol) {
  constexpr const char* kNames[] = {"HTTP", "HTTPS", "TLS", "TCP", "UDP"};
  return kNames[static_cast<std::size_t>(protocol)];
}

std::string gateway_of(const Site& site) { return site.origin.namespace_ + "/" + site.origin.name; }

/// One explanation in the making.
class Explainer {
 public:
  Explainer(const Snapshot& snapshot, const Question& question, const ExplainContext& context)
      : snapshot_(snapshot), question_(question), context_(context) {}

  json::object run() {
    std::string wrong;
    std::optional<Target> target = parse_url(question_.url, wrong);
    if (!target) return invalid(wrong);
    target_ = std::move(*target);
    if (!read_request(wrong)) return invalid(wrong);
    answer_["result"] = "no_listener";
    answer_["summary"] = "";
    answer_["request"] = request_json();
    const Listener* listener = find_listener();
    if (listener == nullptr) {
      answer_["summary"] = fmt::format("nothing listens on port {} for {}://{}", target_.port,
                                       target_.scheme, target_.host);
    } else {
      meet(*listener);
    }
    finish();
    return std::move(answer_);
  }

 private:
  json::object invalid(const std::string& wrong) {
    json::object out;
    out["result"] = "invalid";
    out["error"] = wrong;
    out["summary"] = wrong;
    return out;
  }

  bool read_request(std::string& wrong) {
    request_.method = question_.method;
    request_.scheme = target_.scheme;
    request_.path = target_.path;
    authority_ = target_.authority;
    names_.reserve(question_.headers.size());
    for (const auto& [name, value] : question_.headers) {
      std::string& lower = names_.emplace_back(name);
      for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      if (lower == "host") {
        authority_ = value;
      } else {
        request_.fields.append(lower, value);
      }
    }
    if (authority_.size() > 255) {
      wrong = "a Host of more than 255 bytes is refused with 400";
      return false;
    }
    request_.authority = authority_;
    std::string buffer(authority_.size(), '\0');
    host_ = router::host_of(authority_, buffer.data());
    return true;
  }

  json::object request_json() const {
    json::object out;
    out["method"] = question_.method;
    out["url"] = question_.url;
    out["host"] = host_;
    out["path"] = target_.path;
    out["port"] = target_.port;
    if (!question_.gateway.empty()) out["gateway"] = question_.gateway;
    return out;
  }

  void miss(json::object entry, std::string reason, bool near) {
    entry["reason"] = std::move(reason);
    (near ? near_ : far_).push_back(std::move(entry));
  }

  static json::object listener_json(const Listener& listener, const Site& site) {
    json::object out = origin_json(site.origin);
    out["listener"] = site.origin.section;
    out["name"] = listener.name;
    out["protocol"] = protocol_name(site.protocol);
    out["port"] = listener.declared_port;
    if (listener.port != listener.declared_port) out["bound_port"] = listener.port;
    out["hostname"] = site.hostname.empty() ? "*" : site.hostname;
    if (site.tls) {
      json::array names;
      for (const std::string& name : site.tls->certificates) names.push_back(json::string(name));
      out["certificates"] = std::move(names);
    }
    return out;
  }

  /// Empty: the listener takes such a connection.
  std::string listener_mismatch(const Listener& listener) const {
    if (listener.udp) return "it takes datagrams";
    if (listener.declared_port != target_.port && listener.port != target_.port)
      return fmt::format("its port is {}, the URL's is {}", listener.declared_port, target_.port);
    if (!question_.gateway.empty() &&
        std::none_of(listener.sites.begin(), listener.sites.end(),
                     [&](const Site& site) { return gateway_of(site) == question_.gateway; }))
      return "it belongs to another Gateway";
    const bool secure = target_.scheme == "https" || target_.scheme == "tls";
    if (secure && !speaks_tls(listener))
      return fmt::format("it speaks no TLS, and the URL begins with {}://", target_.scheme);
    if (!secure && speaks_tls(listener))
      return fmt::format("it speaks TLS, and the URL begins with {}://", target_.scheme);
    return {};
  }

  const Listener* find_listener() {
    const Listener* found = nullptr;
    json::array elsewhere;  // of interest only where nothing listens on the port
    for (const Listener& listener : snapshot_.listeners) {
      std::string why = listener_mismatch(listener);
      if (why.empty() && found != nullptr)
        why = "another listener of that port comes first; name the Gateway to ask about this one";
      if (why.empty()) {
        found = &listener;
        continue;
      }
      for (const Site& site : listener.sites) {
        if (!question_.gateway.empty() && gateway_of(site) != question_.gateway) continue;
        if (listener.declared_port == target_.port) {
          miss(listener_json(listener, site), why, true);
        } else {
          json::object entry = listener_json(listener, site);
          entry["reason"] = why;
          elsewhere.push_back(std::move(entry));
        }
      }
    }
    if (found == nullptr) far_ = std::move(elsewhere);
    return found;
  }

  /// The listener's site, and what is there for the request. As in exchange/exchange.cc and
  /// server/worker.cc.
  void meet(const Listener& listener) {
    const router::SiteTable sites(listener.sites);
    const bool secure = speaks_tls(listener);
    const router::CompiledSite* by_name =
        secure ? sites.by_sni(target_.host) : sites.by_host(host_);
    for (const Site& site : listener.sites) {
      if (by_name != nullptr && &site == by_name->site) continue;
      miss(
          listener_json(listener, site),
          by_name == nullptr
              ? fmt::format("its host name {} does not match {}", site.hostname, host_)
              : fmt::format("host name {} of another listener is nearer to {}",
                            by_name->site->hostname.empty() ? "*" : by_name->site->hostname, host_),
          true);
    }
    if (by_name == nullptr) {
      answer_["result"] = "no_route";
      answer_["status"] = secure ? 0 : 404;
      answer_["summary"] =
          secure ? fmt::format("no listener on port {} is for {}: the TLS handshake fails",
                               target_.port, target_.host)
                 : fmt::format("404: no listener on port {} is for {}", target_.port, host_);
      return;
    }
    answer_["listener"] = listener_json(listener, *by_name->site);
    if (!is_http(*by_name->site)) return meet_stream(*by_name);
    if (sites.by_host(host_) != by_name) {
      answer_["result"] = "misdirected";
      answer_["status"] = 421;
      answer_["summary"] = fmt::format(
          "421: the connection was made for {}, and the request is for {}, which is another "
          "listener's",
          target_.host, host_);
      return;
    }
    meet_rule(*by_name);
  }

  void meet_stream(const router::CompiledSite& site) {
    const StreamRoute* route =
        site.stream(site.site->protocol == SiteProtocol::kTls ? std::string_view(target_.host)
                                                              : std::string_view());
    for (const StreamRoute& other : site.site->streams) {
      if (&other != route)
        miss(origin_json(other.origin), fmt::format("its host names do not match {}", target_.host),
             true);
    }
    if (route == nullptr) {
      answer_["result"] = "no_route";
      answer_["summary"] =
          fmt::format("no route of the listener is for {}: the connection is closed", target_.host);
      return;
    }
    answer_["result"] = "stream";
    answer_["route"] = origin_json(route->origin);
    answer_["backends"] = backends(route->clusters);
    answer_["summary"] = fmt::format("{} carries the connection", object_name(route->origin));
  }

  static json::object entry_json(const RouteTable& table, const VirtualHost& host,
                                 const RouteEntry& entry) {
    const Rule& rule = table.rules[entry.rule];
    json::object out = origin_json(rule.origin);
    out["rule"] = rule.origin.section;
    out["hostname"] = host.hostname;
    out["match"] = match_text(entry.match);
    return out;
  }

  void meet_rule(const router::CompiledSite& site) {
    const RouteTable& table = site.site->routes;
    const RouteEntry* taken = nullptr;
    std::vector<const VirtualHost*> seen;
    for (const router::Router::Tried& tried : site.router.explain(request_, host_)) {
      if (seen.empty() || seen.back() != tried.host) seen.push_back(tried.host);
      json::object entry = entry_json(table, *tried.host, *tried.entry);
      if (tried.mismatch.empty()) {
        taken = tried.entry;
        answer_["route"] = std::move(entry);
      } else {
        miss(std::move(entry), tried.mismatch, tried.path_fits);
      }
    }
    for (const VirtualHost& host : table.hosts) {
      if (std::find(seen.begin(), seen.end(), &host) != seen.end()) continue;
      for (const RouteEntry& entry : host.entries)
        miss(entry_json(table, host, entry),
             taken == nullptr ? fmt::format("its host name is {}, not {}", host.hostname, host_)
                              : fmt::format("its host name is {}", host.hostname),
             false);
    }
    if (taken == nullptr) {
      answer_["result"] = "no_route";
      answer_["status"] = 404;
      answer_["summary"] =
          fmt::format("404: no rule matches {} {}{}", question_.method, host_, target_.path);
      return;
    }
    take(table.rules[taken->rule]);
  }

  void take(const Rule& rule) {
    json::array filters;
    for (const Filter& filter : rule.filters) filters.push_back(filter_json(filter));
    if (!filters.empty()) answer_["filters"] = std::move(filters);
    if (auto held = snapshot_.policies.find(rule.policy); held != snapshot_.policies.end()) {
      json::array policies;
      for (const PolicyField& one : held->second) {
        json::object entry = origin_json(one.policy);
        entry["field"] = one.field;
        policies.push_back(std::move(entry));
      }
      answer_["policies"] = std::move(policies);
    }
    json::object rest = to_json(rule).get_object();
    for (const char* told : {"origin", "name", "policy", "filters", "action"}) rest.erase(told);
    if (!rule.auto_host_rewrite) rest.erase("auto_host_rewrite");
    if (!rest.empty()) answer_["rule"] = std::move(rest);
    const std::string whose =
        fmt::format("{} rule {}", object_name(rule.origin), rule.origin.section);
    if (const auto* elsewhere = std::get_if<Redirect>(&rule.action)) {
      answer_["result"] = "redirect";
      answer_["status"] = elsewhere->status;
      answer_["redirect"] = to_json(rule).get_object()["action"].get_object()["redirect"];
      answer_["summary"] = fmt::format("{}: {} redirects", elsewhere->status, whose);
    } else if (const auto* direct = std::get_if<DirectResponse>(&rule.action)) {
      answer_["result"] = "direct_response";
      answer_["status"] = direct->status;
      answer_["summary"] = fmt::format("{}: {} answers itself", direct->status, whose);
    } else if (const auto* forward = std::get_if<Forward>(&rule.action)) {
      json::array list = backends(forward->clusters);
      answer_["result"] = "forward";
      answer_["summary"] = list.empty() ? fmt::format("500: {} has no backend", whose)
                                        : fmt::format("{} forwards to {}", whose, names_of(list));
      answer_["backends"] = std::move(list);
    }
  }

  /// What a policy made stands once in the snapshot: it is shown where it acts.
  json::value filter_json(const Filter& filter) const {
    const auto* shared = std::get_if<SharedFilter>(&filter);
    if (shared == nullptr) return to_json(filter);
    auto found = snapshot_.shared_filters.find(shared->name);
    if (found == snapshot_.shared_filters.end()) return to_json(filter);
    json::value out = to_json(found->second);
    out.get_object()["from"] = shared->name;
    return out;
  }

  static std::string names_of(const json::array& list) {
    std::string out;
    for (const json::value& one : list) {
      if (!out.empty()) out += ", ";
      const json::object& backend = one.get_object();
      out += std::string_view(backend.at("cluster").get_string());
      if (list.size() > 1)
        out += fmt::format(" ({})", std::string_view(backend.at("share").get_string()));
    }
    return out;
  }

  json::array backends(const std::vector<WeightedCluster>& clusters) const {
    const std::uint64_t total = std::accumulate(
        clusters.begin(), clusters.end(), std::uint64_t{0},
        [](std::uint64_t sum, const WeightedCluster& one) { return sum + one.weight; });
    json::array out;
    for (const WeightedCluster& one : clusters) {
      json::object backend;
      backend["cluster"] = one.cluster;
      backend["weight"] = one.weight;
      backend["share"] = fmt::format(
          "{:.3g} %", total == 0 ? 0.0 : 100.0 * one.weight / static_cast<double>(total));
      json::array filters;
      for (const Filter& filter : one.filters) filters.push_back(filter_json(filter));
      if (!filters.empty()) backend["filters"] = std::move(filters);
      auto found = snapshot_.clusters.find(one.cluster);
      if (found == snapshot_.clusters.end()) {
        backend["cluster"] = one.cluster.empty() ? "(unresolved)" : one.cluster;
        backend["problem"] = "the reference does not resolve: its requests are answered with 500";
      } else {
        add_cluster(backend, found->second);
      }
      out.push_back(std::move(backend));
    }
    return out;
  }

  void add_cluster(json::object& backend, const Cluster& cluster) const {
    for (const auto& member : origin_json(cluster.origin)) backend[member.key()] = member.value();
    json::array endpoints;
    auto known = context_.addresses == nullptr ? decltype(context_.addresses->end()){}
                                               : context_.addresses->find(cluster.name);
    if (context_.addresses != nullptr && known != context_.addresses->end()) {
      for (const upstream::Address& address : known->second)
        endpoints.push_back(json::string(upstream::text_of(address.at) +
                                         (address.healthy() ? "" : " (unhealthy)")));
    } else {
      for (const Endpoint& endpoint : cluster.endpoints)
        endpoints.push_back(json::string(fmt::format("{}:{}", endpoint.host, endpoint.port)));
    }
    const bool asked_for = cluster.ec2 && context_.addresses == nullptr;
    if (endpoints.empty() && !cluster.dynamic && !asked_for)
      backend["problem"] = "it has no endpoints: requests are answered with 503";
    backend["endpoints"] = std::move(endpoints);
    backend["protocol"] = cluster.protocol == UpstreamProtocol::kHttp2 ? "HTTP/2" : "HTTP/1.1";
    if (cluster.tls) backend["tls"] = cluster.tls->sni.empty() ? "on" : cluster.tls->sni;
  }

  void finish() {
    json::array misses;
    std::size_t more = 0;
    for (json::array* list : {&near_, &far_}) {
      for (json::value& one : *list) {
        if (misses.size() < kNearMissesMax) {
          misses.push_back(std::move(one));
        } else {
          ++more;
        }
      }
    }
    if (!misses.empty()) answer_["near_misses"] = std::move(misses);
    if (more > 0) answer_["near_misses_left_out"] = more;
    json::array unserved;
    for (const Unserved& one : context_.unserved) {
      if (!question_.gateway.empty() && !one.gateway.empty() && one.gateway != question_.gateway)
        continue;
      if (unserved.size() >= kNearMissesMax) break;
      json::object entry = origin_json(one.origin);
      entry["parent"] = one.parent;
      entry["reason"] = one.why;
      unserved.push_back(std::move(entry));
    }
    if (!unserved.empty()) answer_["unserved"] = std::move(unserved);
  }

  const Snapshot& snapshot_;
  const Question& question_;
  const ExplainContext& context_;
  Target target_;
  http::RequestHead request_;
  std::vector<std::string> names_;  // of the fields, which are views
  std::string authority_;
  std::string host_;
  json::object answer_;
  json::array near_;  // what nearly fits
  json::array far_;
};

}  // namespace

json::object explain(const Snapshot& snapshot, const Question& question,
                     const ExplainContext& context) {
  return Explainer(snapshot, question, context).run();
}

bool is_served(const json::object& explanation) {
  const std::string_view result(explanation.at("result").get_string());
  return result == "forward" || result == "redirect" || result == "direct_response" ||
         result == "stream";
}

}  // namespace tidegate::proxy::admin
