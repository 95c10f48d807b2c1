#include "controlloop/translate/http_route.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/gateway/http_route.h"
#include "controlloop/translate/attach.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/http_filters.h"
#include "controlloop/translate/parents.h"
#include "controlloop/translate/precedence.h"

namespace tidegate::controlloop::translate {
namespace {

using Value = status::Condition::Value;

/// A route's rules, made once, and what of their references does not resolve.
struct TranslatedRoute {
  struct OneRule {
    proxy::Rule rule;
    std::vector<proxy::Match> matches;
  };
  std::vector<OneRule> rules;
  std::string unresolved;  // reason of ResolvedRefs: False
  std::string unresolved_message;
  std::string invalid;  // message of PartiallyInvalid: True
};

std::vector<proxy::ValueMatch> value_matches(const std::vector<config::HttpValueMatch>& from,
                                             bool fold) {
  std::vector<proxy::ValueMatch> out;
  for (const config::HttpValueMatch& one : from) {
    proxy::ValueMatch match{one.name, one.value,
                            one.type == config::ValueMatchType::kRegularExpression};
    if (fold) {
      for (char& c : match.name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    // Of several with one name only the first counts (HTTPHeaderMatch, HTTPQueryParamMatch).
    const bool known = std::any_of(
        out.begin(), out.end(), [&match](const auto& other) { return other.name == match.name; });
    if (!known) out.push_back(std::move(match));
  }
  return out;
}

proxy::Match translate_match(const config::HttpRouteMatch& from) {
  proxy::Match out;
  out.path.value = from.path.value;
  switch (from.path.type) {
    case config::PathMatchType::kExact:
      out.path.kind = proxy::PathMatch::Kind::kExact;
      break;
    case config::PathMatchType::kRegularExpression:
      out.path.kind = proxy::PathMatch::Kind::kRegex;
      break;
    case config::PathMatchType::kPathPrefix:
      out.path.kind = proxy::PathMatch::Kind::kPrefix;
      while (out.path.value.size() > 1 && out.path.value.back() == '/') out.path.value.pop_back();
      break;
  }
  if (!from.method.empty()) out.method = from.method;
  out.headers = value_matches(from.headers, true);
  out.query = value_matches(from.query_params, false);
  return out;
}

class RouteTranslation {
 public:
  RouteTranslation(const config::ObjectSet& objects, const config::HttpRoute& route,
                   Backends& backends, Report& report)
      : objects_(objects), route_(route), backends_(backends), report_(report) {}

  TranslatedRoute run() {
    for (std::size_t i = 0; i < route_.rules.size(); ++i) one_rule(i);
    return std::move(out_);
  }

 private:
  void unresolved(const std::string& reason, const std::string& message) {
    if (reason.empty() || !out_.unresolved.empty()) return;
    out_.unresolved = reason;
    out_.unresolved_message = message;
  }

  void one_rule(std::size_t index) {
    const config::HttpRouteRule& from = route_.rules[index];
    const std::string path = fmt::format("spec.rules[{}]", index);
    TranslatedRoute::OneRule& to = out_.rules.emplace_back();
    to.rule.origin = {"HTTPRoute",      route_.meta.namespace_,
                      route_.meta.name, from.name.empty() ? fmt::format("{}", index) : from.name,
                      route_.meta.file, report_.line("HTTPRoute", route_.meta, path)};
    to.rule.name = from.name;
    for (const config::HttpRouteMatch& match : from.matches)
      to.matches.push_back(translate_match(match));
    to.rule.request_timeout = from.timeouts.request;
    to.rule.backend_timeout = from.timeouts.backend_request;
    if (from.retry) {
      proxy::Retry retry;
      retry.attempts = from.retry->attempts.value_or(2);
      if (from.retry->backoff) retry.backoff = *from.retry->backoff;
      retry.on_status = from.retry->codes;
      to.rule.retry = std::move(retry);
    }
    TranslatedFilters filters =
        translate_filters(route_, from.filters, path + ".filters", backends_, report_);
    unresolved(filters.unresolved, filters.message);
    to.rule.filters = std::move(filters.filters);
    std::string unsupported = filters.unsupported;
    if (from.session_persistence) {
      unsupported = "sessionPersistence is not supported";
      report_.error("HTTPRoute", route_.meta, path + ".sessionPersistence", unsupported);
    }
    if (!unsupported.empty()) {
      out_.invalid = fmt::format("rule {}: {}", to.rule.origin.section, unsupported);
      to.rule.filters.clear();
      to.rule.action = proxy::DirectResponse{500, ""};
    } else if (filters.redirect) {
      to.rule.action = std::move(*filters.redirect);
    } else {
      to.rule.action = forward(from, path);
    }
  }

  proxy::Forward forward(const config::HttpRouteRule& from, const std::string& path) {
    proxy::Forward out;
    for (std::size_t i = 0; i < from.backend_refs.size(); ++i) {
      const config::HttpBackendRef& ref = from.backend_refs[i];
      const std::string here = fmt::format("{}.backendRefs[{}]", path, i);
      config::BackendObjectRef target{ref.group, ref.kind, ref.name, ref.namespace_, ref.port};
      ResolvedBackend backend = backends_.resolve("HTTPRoute", route_.meta.namespace_, target);
      if (!backend.reason.empty()) {
        report_.error("HTTPRoute", route_.meta, here, backend.message);
        unresolved(backend.reason, backend.message);
      }
      TranslatedFilters filters =
          translate_filters(route_, ref.filters, here + ".filters", backends_, report_);
      unresolved(filters.unresolved, filters.message);
      if (!filters.unsupported.empty() || filters.redirect) {
        out_.invalid =
            fmt::format("{}: {}", here,
                        filters.redirect ? "a redirect belongs to the rule" : filters.unsupported);
        backend.cluster.clear();
      }
      if (ref.weight <= 0) continue;
      out.clusters.push_back(
          {backend.cluster, static_cast<std::uint32_t>(ref.weight), std::move(filters.filters)});
    }
    return out;
  }

  const config::ObjectSet& objects_;
  const config::HttpRoute& route_;
  Backends& backends_;
  Report& report_;
  TranslatedRoute out_;
};

void add_to_table(const TranslatedRoute& translated, const Attachment& attachment) {
  proxy::RouteTable& table = attachment.listener->table;
  const auto first = static_cast<std::uint32_t>(table.rules.size());
  for (const TranslatedRoute::OneRule& one : translated.rules) {
    table.rules.push_back(one.rule);
    if (auto* redirect = std::get_if<proxy::Redirect>(&table.rules.back().action)) {
      redirect->listener_port = static_cast<std::uint16_t>(attachment.listener->spec->port);
    }
  }
  for (const std::string& hostname : attachment.hostnames) {
    auto [index, added] = attachment.listener->hosts.try_emplace(hostname, table.hosts.size());
    if (added) table.hosts.push_back({hostname, {}});
    std::vector<proxy::RouteEntry>& entries = table.hosts[index->second].entries;
    for (std::uint32_t i = 0; i < translated.rules.size(); ++i) {
      for (const proxy::Match& match : translated.rules[i].matches)
        entries.push_back({match, first + i});
    }
  }
}

/// Oldest first, then by namespace and name: who comes first wins between equal matches.
std::vector<const config::HttpRoute*> by_age(const config::ObjectSet& objects) {
  std::vector<const config::HttpRoute*> out;
  for (const auto& [key, route] : objects.all<config::HttpRoute>()) out.push_back(route.get());
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  });
  return out;
}

}  // namespace

void translate_http_routes(const config::ObjectSet& objects, const Options& options,
                           const std::vector<std::shared_ptr<GatewayState>>& gateways,
                           proxy::Snapshot& snapshot, status::Statuses& statuses, Report& report) {
  Backends backends(objects, snapshot);
  for (const config::HttpRoute* route : by_age(objects)) {
    std::vector<std::pair<const config::ParentRef*, AttachResult>> parents;
    for (const config::ParentRef& ref : route->parent_refs) {
      AttachResult result =
          attach(objects, gateways, {"HTTPRoute", &route->meta, &route->hostnames}, ref);
      if (result.gateway != nullptr) parents.emplace_back(&ref, std::move(result));
    }
    if (parents.empty()) continue;
    TranslatedRoute translated = RouteTranslation(objects, *route, backends, report).run();
    ParentStatuses out(options.controller_name, route->meta.generation);
    for (auto& [ref, result] : parents) {
      for (Attachment& attachment : result.attachments) {
        if (!attachment.listener->routes.insert(route->meta.key()).second)
          continue;  // two parentRefs, one listener
        add_to_table(translated, attachment);
      }
      const bool accepted = !result.attachments.empty();
      std::vector<status::Condition> conditions;
      status::set(conditions, "Accepted", accepted ? Value::kTrue : Value::kFalse,
                  accepted ? "Accepted" : result.reason, result.message);
      const bool resolved = translated.unresolved.empty();
      status::set(conditions, "ResolvedRefs", resolved ? Value::kTrue : Value::kFalse,
                  resolved ? "ResolvedRefs" : translated.unresolved, translated.unresolved_message);
      if (!translated.invalid.empty()) {
        status::set(conditions, "PartiallyInvalid", Value::kTrue, "UnsupportedValue",
                    translated.invalid);
      }
      if (!accepted) {
        const auto index = static_cast<std::size_t>(ref - route->parent_refs.data());
        report.error("HTTPRoute", route->meta, fmt::format("spec.parentRefs[{}]", index),
                     result.message);
      }
      out.add(*ref, conditions);
    }
    statuses[{"HTTPRoute", route->meta.namespace_, route->meta.name}] = out.take();
  }
  for (const auto& state : gateways) {
    for (ListenerState& listener : state->listeners) {
      for (proxy::VirtualHost& host : listener.table.hosts) sort_by_precedence(host.entries);
    }
  }
}

}  // namespace tidegate::controlloop::translate
