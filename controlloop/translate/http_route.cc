#include "controlloop/translate/http_route.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "controlloop/translate/hostname.h"
#include "controlloop/translate/http_filters.h"
#include "controlloop/translate/matches.h"

namespace tidegate::controlloop::translate {
namespace {

/// Of the names of cookies and fields. Source: RFC 9110 section 5.6.2.
constexpr char kTokenCharacters[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~";

/// A route's rules, made once, and what of their references does not resolve.
struct TranslatedRoute {
  struct OneRule {
    proxy::Rule rule;
    std::vector<RankedMatch> matches;
  };
  std::vector<OneRule> rules;
  RouteFindings findings;
};

/// A GRPCRoute is an HTTPRoute in all but its matches.
template <class To, class From>
To with_filters(const From& from) {
  To out;
  for (const auto& filter : from.filters) {
    config::HttpRouteFilter& to = out.filters.emplace_back();
    switch (filter.type) {
      case config::GrpcFilterType::kRequestHeaderModifier:
        to.type = config::HttpFilterType::kRequestHeaderModifier;
        break;
      case config::GrpcFilterType::kResponseHeaderModifier:
        to.type = config::HttpFilterType::kResponseHeaderModifier;
        break;
      case config::GrpcFilterType::kRequestMirror:
        to.type = config::HttpFilterType::kRequestMirror;
        break;
      case config::GrpcFilterType::kExtensionRef:
        to.type = config::HttpFilterType::kExtensionRef;
        break;
    }
    to.request_header_modifier = filter.request_header_modifier;
    to.response_header_modifier = filter.response_header_modifier;
    to.request_mirror = filter.request_mirror;
    to.extension_ref = filter.extension_ref;
  }
  return out;
}

/// One route of either kind, in the shape of an HTTPRoute, with its matches rule by rule.
struct AnyRoute {
  const char* kind;
  std::shared_ptr<const config::HttpRoute> route;
  std::vector<std::vector<RankedMatch>> matches;
};

AnyRoute any_route(const std::shared_ptr<const config::HttpRoute>& from) {
  AnyRoute out{"HTTPRoute", from, {}};
  for (const config::HttpRouteRule& rule : from->rules) {
    auto& matches = out.matches.emplace_back();
    for (const config::HttpRouteMatch& match : rule.matches) matches.push_back(http_match(match));
  }
  return out;
}

AnyRoute any_route(const std::shared_ptr<const config::GrpcRoute>& from) {
  auto route = std::make_shared<config::HttpRoute>();
  AnyRoute out{"GRPCRoute", nullptr, {}};
  route->meta = from->meta;
  route->parent_refs = from->parent_refs;
  route->hostnames = from->hostnames;
  route->rules.clear();
  for (const config::GrpcRouteRule& rule : from->rules) {
    auto& to = route->rules.emplace_back(with_filters<config::HttpRouteRule>(rule));
    to.name = rule.name;
    to.session_persistence = rule.session_persistence;
    for (const config::GrpcBackendRef& ref : rule.backend_refs) {
      auto& to_ref = to.backend_refs.emplace_back(with_filters<config::HttpBackendRef>(ref));
      static_cast<config::BackendRef&>(to_ref) = ref;
    }
    auto& matches = out.matches.emplace_back();
    for (const config::GrpcRouteMatch& match : rule.matches) matches.push_back(grpc_match(match));
    if (matches.empty()) matches.emplace_back();
  }
  out.route = std::move(route);
  return out;
}

class RouteTranslation {
 public:
  RouteTranslation(const AnyRoute& any, Backends& backends, Report& report)
      : any_(any), route_(*any.route), backends_(backends), report_(report) {}

  TranslatedRoute run() {
    for (std::size_t i = 0; i < route_.rules.size(); ++i) one_rule(i);
    return std::move(out_);
  }

 private:
  void one_rule(std::size_t index) {
    const config::HttpRouteRule& from = route_.rules[index];
    const std::string path = fmt::format("spec.rules[{}]", index);
    TranslatedRoute::OneRule& to = out_.rules.emplace_back();
    to.rule.origin = {any_.kind,        route_.meta.namespace_,
                      route_.meta.name, from.name.empty() ? fmt::format("{}", index) : from.name,
                      route_.meta.file, report_.line(any_.kind, route_.meta, path)};
    to.rule.name = from.name;
    to.matches = any_.matches[index];
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
        translate_filters(any_.kind, route_, from.filters, path + ".filters", backends_, report_);
    out_.findings.add_unresolved(filters.unresolved, filters.message);
    to.rule.filters = std::move(filters.filters);
    std::string unsupported = filters.unsupported;
    if (from.session_persistence) {
      to.rule.session = session(*from.session_persistence, to.rule.origin);
      if (to.rule.session->name.find_first_not_of(kTokenCharacters) != std::string::npos) {
        unsupported = "sessionPersistence.sessionName is not a valid name for a cookie or a header";
        report_.error(any_.kind, route_.meta, path + ".sessionPersistence", unsupported);
      }
    }
    if (!unsupported.empty()) {
      out_.findings.invalid = fmt::format("rule {}: {}", to.rule.origin.section, unsupported);
      to.rule.filters.clear();
      to.rule.session.reset();
      to.rule.action = proxy::DirectResponse{500, ""};
    } else if (filters.redirect) {
      to.rule.action = std::move(*filters.redirect);
    } else {
      to.rule.action = forward(from, path);
    }
  }

  /// A session without a name has one that no other rule's has.
  static proxy::SessionPersistence session(const config::SessionPersistence& from,
                                           const proxy::Origin& origin) {
    proxy::SessionPersistence out;
    const bool header = from.type == config::SessionPersistence::Type::kHeader;
    if (header) out.type = proxy::SessionPersistence::Type::kHeader;
    out.name = from.session_name;
    if (out.name.empty()) {
      std::uint32_t hash = 0x811c9dc5;  // FNV-1a: the same in every process
      for (const std::string& part :
           {origin.kind, origin.namespace_, origin.name, origin.section}) {
        for (const char c : part + "/") hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
      }
      out.name = fmt::format("tidegate-session-{:08x}", hash);
    }
    if (from.absolute_timeout)
      out.absolute_timeout = std::chrono::ceil<std::chrono::seconds>(*from.absolute_timeout);
    out.permanent = from.cookie_config && from.cookie_config->lifetime_type ==
                                              config::SessionPersistence::Lifetime::kPermanent;
    return out;
  }

  proxy::Forward forward(const config::HttpRouteRule& from, const std::string& path) {
    proxy::Forward out;
    for (std::size_t i = 0; i < from.backend_refs.size(); ++i) {
      const config::HttpBackendRef& ref = from.backend_refs[i];
      const std::string here = fmt::format("{}.backendRefs[{}]", path, i);
      config::BackendObjectRef target{ref.group, ref.kind, ref.name, ref.namespace_, ref.port};
      ResolvedBackend backend = backends_.resolve(any_.kind, route_.meta.namespace_, target);
      if (!backend.reason.empty()) {
        report_.error(any_.kind, route_.meta, here, backend.message);
        out_.findings.add_unresolved(backend.reason, backend.message);
      }
      TranslatedFilters filters =
          translate_filters(any_.kind, route_, ref.filters, here + ".filters", backends_, report_);
      out_.findings.add_unresolved(filters.unresolved, filters.message);
      if (!filters.unsupported.empty() || filters.redirect) {
        out_.findings.invalid =
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

  const AnyRoute& any_;
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
    RankedEntries& entries = attachment.listener->hosts[hostname].entries;
    for (std::uint32_t i = 0; i < translated.rules.size(); ++i) {
      for (const RankedMatch& one : translated.rules[i].matches)
        entries.push_back({one.rank, {one.match, first + i}});
    }
  }
}

/// Oldest first, then by namespace and name: who comes first wins between equal matches.
std::vector<AnyRoute> by_age(const config::ObjectSet& objects) {
  std::vector<AnyRoute> out;
  for (const auto& [key, route] : objects.all<config::HttpRoute>()) out.push_back(any_route(route));
  for (const auto& [key, route] : objects.all<config::GrpcRoute>()) out.push_back(any_route(route));
  std::stable_sort(out.begin(), out.end(), [](const AnyRoute& a, const AnyRoute& b) {
    return config::older(a.route->meta, b.route->meta);
  });
  return out;
}

/// Routes of the two kinds must not share a host name on a listener: the older one keeps it. True
/// when this one may have its names. Source: GRPCRoute, on Accepted: False.
bool claim_hosts(const char* kind, const Attachment& attachment) {
  ListenerState& listener = *attachment.listener;
  listener.kinds_attached.insert(kind);
  if (listener.kinds_attached.size() > 1) {
    auto any_name = [](std::string_view name) { return name == "*" ? std::string_view() : name; };
    for (const std::string& name : attachment.hostnames) {
      for (const auto& [other, state] : listener.hosts) {
        if (state.kind != kind && intersect(any_name(name), any_name(other))) return false;
      }
    }
  }
  for (const std::string& name : attachment.hostnames) listener.hosts[name].kind = kind;
  return true;
}

}  // namespace

void translate_http_routes(RouteContext& context, Backends& backends) {
  for (const AnyRoute& any : by_age(context.objects)) {
    const config::HttpRoute& route = *any.route;
    TranslatedRoute translated;
    attach_route(
        context, {any.kind, &route.meta, &route.hostnames}, route.parent_refs,
        [&] {
          translated = RouteTranslation(any, backends, context.report).run();
          return translated.findings;
        },
        [&](const Attachment& attachment) -> std::string {
          if (!claim_hosts(any.kind, attachment))
            return "an older route of the other kind has one of its host names";
          add_to_table(translated, attachment);
          return {};
        });
  }
  for (const auto& state : context.gateways) {
    for (ListenerState& listener : state->listeners) {
      for (auto& [hostname, host] : listener.hosts)
        listener.table.hosts.push_back({hostname, by_precedence(std::move(host.entries))});
    }
  }
}

}  // namespace tidegate::controlloop::translate
