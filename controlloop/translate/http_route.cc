#include "controlloop/translate/http_route.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "controlloop/policy/priority.h"
#include "controlloop/translate/delegation.h"
#include "controlloop/translate/hostname.h"
#include "controlloop/translate/http_filters.h"
#include "controlloop/translate/matches.h"

namespace tidegate::controlloop::translate {

using policy::prefers_parent;

namespace {

constexpr const char* kWeight = "kgateway.dev/route-weight";
/// kgateway's words for a rule that cannot be served as it is written.
constexpr const char* kReplacedBody =
    "invalid route configuration detected and replaced with a direct response.";

/// Of the names of cookies and fields. Source: RFC 9110 section 5.6.2.
constexpr char kTokenCharacters[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~";

/// The rules that a route leads to, made once.
struct TranslatedRoute {
  struct OneRule {
    ServedRule source;
    proxy::Rule rule;
  };
  std::vector<OneRule> rules;
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

/// Only HTTPRoutes delegate.
bool delegates(std::string_view kind) { return kind == "HTTPRoute"; }

/// Of the routes that a rule came through, whose word counts first: the child's, unless its parent
/// says otherwise for what it hands down. Source: kgateway guide about/policies/merging.
std::vector<const RuleStep*> by_priority(const std::vector<RuleStep>& steps) {
  std::vector<const RuleStep*> out;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    out.insert(
        prefers_parent(step->route->meta) && step != steps.rbegin() ? out.begin() : out.end(),
        &*step);
  }
  return out;
}

/// Translates the rules that one attached route leads to.
class RouteTranslation {
 public:
  RouteTranslation(const char* kind, Backends& backends, Report& report, FindingsByRoute& findings)
      : kind_(kind), backends_(backends), report_(report), findings_(findings) {}

  TranslatedRoute run(std::vector<ServedRule> rules) {
    TranslatedRoute out;
    out.rules.reserve(rules.size());
    for (ServedRule& source : rules) {
      TranslatedRoute::OneRule& to = out.rules.emplace_back();
      to.source = std::move(source);
      to.rule = one_rule(to.source);
    }
    return out;
  }

 private:
  static std::string path_of(const RuleStep& step) {
    return fmt::format("spec.rules[{}]", step.rule);
  }

  /// What goes to a function is signed with our credentials, and is not for anybody else.
  static std::string mirrored_function(const proxy::Rule& rule) {
    auto has = [](const std::vector<proxy::Filter>& filters, auto is) {
      return std::any_of(filters.begin(), filters.end(), is);
    };
    auto mirror = [](const auto& one) { return std::holds_alternative<proxy::RequestMirror>(one); };
    auto shared = [](const auto& one) { return std::holds_alternative<proxy::SharedFilter>(one); };
    for (const proxy::WeightedCluster& one : std::get<proxy::Forward>(rule.action).clusters) {
      if (has(one.filters, shared) && (has(one.filters, mirror) || has(rule.filters, mirror)))
        return "requests for a function are not mirrored";
    }
    return {};
  }

  proxy::Rule one_rule(const ServedRule& source) {
    const RuleStep& own = source.own();
    const config::Meta& meta = own.route->meta;
    const config::HttpRouteRule& from = own.spec();
    proxy::Rule to;
    to.origin = {kind_,     meta.namespace_,
                 meta.name, from.name.empty() ? fmt::format("{}", own.rule) : from.name,
                 meta.file, report_.line(kind_, meta, path_of(own))};
    to.name = from.name;
    for (const RankedMatch& match : source.matches) {
      const std::string wrong = wrong_expressions(match.match);
      if (wrong.empty()) continue;
      report_.error(kind_, meta, path_of(own) + ".matches", wrong + "; nothing matches it");
      findings_[meta.key()].invalid = fmt::format("rule {}: {}", to.origin.section, wrong);
    }
    if (!source.replaced.empty()) {
      findings_[meta.key()].invalid =
          fmt::format("rule {}: {}", to.origin.section, source.replaced);
      to.action = proxy::DirectResponse{500, kReplacedBody};
      return to;
    }
    std::optional<proxy::Redirect> redirect;
    std::optional<proxy::DirectResponse> direct;
    std::string unsupported;
    FilterTypes taken;
    for (const RuleStep* step : by_priority(source.steps))
      inherit(*step, to, redirect, direct, unsupported, taken);
    if (direct && unsupported.empty() && (redirect || !from.backend_refs.empty())) {
      unsupported = "a DirectResponse stands alone, without backendRefs and redirects";
      report_.error(kind_, meta, path_of(own), unsupported + ": the rule answers 500");
    }
    if (source.steps.size() > 1) order_filters(to.filters);
    if (!unsupported.empty()) {
      findings_[meta.key()].invalid = fmt::format("rule {}: {}", to.origin.section, unsupported);
      to.filters.clear();
      to.session.reset();
      to.action = proxy::DirectResponse{500, kReplacedBody};
    } else if (redirect) {
      to.action = std::move(*redirect);
    } else if (direct) {
      to.action = std::move(*direct);
    } else {
      to.action = forward(own);
      const std::string wrong = mirrored_function(to);
      if (!wrong.empty()) {
        report_.error(kind_, meta, path_of(own), wrong + ": the rule answers 500");
        findings_[meta.key()].invalid = fmt::format("rule {}: {}", to.origin.section, wrong);
        to.filters.clear();
        to.action = proxy::DirectResponse{500, kReplacedBody};
      }
    }
    return to;
  }

  /// Adds what a step says and none before it has said.
  void inherit(const RuleStep& step, proxy::Rule& to, std::optional<proxy::Redirect>& redirect,
               std::optional<proxy::DirectResponse>& direct, std::string& unsupported,
               FilterTypes& taken) {
    const config::HttpRouteRule& from = step.spec();
    const config::Meta& meta = step.route->meta;
    const std::string path = path_of(step);
    if (!to.request_timeout && !to.backend_timeout) {
      to.request_timeout = from.timeouts.request;
      to.backend_timeout = from.timeouts.backend_request;
    }
    if (from.retry && !to.retry) {
      proxy::Retry retry;
      retry.attempts = from.retry->attempts.value_or(2);
      if (from.retry->backoff) retry.backoff = *from.retry->backoff;
      retry.on_status = from.retry->codes;
      to.retry = std::move(retry);
    }
    TranslatedFilters filters = translate_filters(kind_, *step.route, from.filters,
                                                  path + ".filters", backends_, report_, taken);
    findings_[meta.key()].add_unresolved(filters.unresolved, filters.message);
    std::move(filters.filters.begin(), filters.filters.end(), std::back_inserter(to.filters));
    if (filters.redirect && !redirect) redirect = std::move(filters.redirect);
    if (filters.direct && !direct) direct = std::move(filters.direct);
    if (unsupported.empty()) unsupported = std::move(filters.unsupported);
    for (const config::HttpRouteFilter& one : from.filters) taken.insert(one.type);
    if (!from.session_persistence || to.session) return;
    to.session = session(*from.session_persistence, to.origin);
    if (to.session->name.find_first_not_of(kTokenCharacters) != std::string::npos) {
      unsupported = "sessionPersistence.sessionName is not a valid name for a cookie or a header";
      report_.error(kind_, meta, path + ".sessionPersistence", unsupported);
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

  proxy::Forward forward(const RuleStep& step) {
    const config::HttpRouteRule& from = step.spec();
    const config::Meta& meta = step.route->meta;
    const std::string path = path_of(step);
    RouteFindings& findings = findings_[meta.key()];
    proxy::Forward out;
    for (std::size_t i = 0; i < from.backend_refs.size(); ++i) {
      const config::HttpBackendRef& ref = from.backend_refs[i];
      if (delegates(kind_) && Delegation::is_delegate(ref)) continue;
      const std::string here = fmt::format("{}.backendRefs[{}]", path, i);
      config::BackendObjectRef target{ref.group, ref.kind, ref.name, ref.namespace_, ref.port};
      ResolvedBackend backend = backends_.resolve_for_rule(kind_, meta.namespace_, target);
      if (!backend.reason.empty()) {
        report_.error(kind_, meta, here, backend.message);
        findings.add_unresolved(backend.reason, backend.message);
      }
      TranslatedFilters filters =
          translate_filters(kind_, *step.route, ref.filters, here + ".filters", backends_, report_);
      findings.add_unresolved(filters.unresolved, filters.message);
      if (std::any_of(ref.filters.begin(), ref.filters.end(), [](const auto& one) {
            return one.extension_ref && names_policy(*one.extension_ref);
          })) {
        filters.unsupported = "a TrafficPolicy holds for rules, not for one of their backends";
        report_.error(kind_, meta, here + ".filters", filters.unsupported);
      }
      if (filters.direct) {
        report_.warning(kind_, meta, here + ".filters",
                        "a DirectResponse belongs to the rule: that of a backend is ignored");
      }
      if (!filters.unsupported.empty() || filters.redirect) {
        findings.invalid =
            fmt::format("{}: {}", here,
                        filters.redirect ? "a redirect belongs to the rule" : filters.unsupported);
        backend.cluster.clear();
      }
      if (!backend.filter.empty()) filters.filters.push_back(proxy::SharedFilter{backend.filter});
      if (ref.weight <= 0) continue;
      out.clusters.push_back(
          {backend.cluster, static_cast<std::uint32_t>(ref.weight), std::move(filters.filters)});
    }
    return out;
  }

  const char* kind_;
  Backends& backends_;
  Report& report_;
  FindingsByRoute& findings_;
};

template <class Object>
void warn_of_priorities(const char* kind, RouteContext& context) {
  for (const auto& [key, object] : context.objects.all<Object>()) {
    if (policy::priority_known(object->meta)) continue;
    context.report.warning(
        kind, object->meta, "metadata.annotations",
        fmt::format("{} is not known: children's policies go first", policy::kInheritedPriority));
  }
}

/// A child has its own weight, not its parent's. Source: kgateway.dev/route-weight.
void weigh_matches(std::vector<ServedRule>& rules, Report& report) {
  for (ServedRule& rule : rules) {
    const config::Meta& meta = rule.own().route->meta;
    auto found = meta.annotations.find(kWeight);
    if (found == meta.annotations.end()) continue;
    const std::string& text = found->second;
    std::int32_t weight = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
      report.warning(
          "HTTPRoute", meta, "metadata.annotations",
          fmt::format("{} is {}, not a number of 32 bits: it counts as 0", kWeight, text));
      continue;
    }
    for (RankedMatch& match : rule.matches) match.rank = weigh(match.rank, weight);
  }
}

/// Where policies may be attached that hold for a served rule.
std::vector<policy::RulePlace> places(const char* kind, const std::vector<RuleStep>& steps) {
  std::vector<policy::RulePlace> out;
  for (const RuleStep& step : steps) {
    policy::RulePlace& to = out.emplace_back();
    to.kind = kind;
    to.route = &step.route->meta;
    to.section = step.spec().name;
    for (const config::HttpRouteFilter& filter : step.spec().filters) {
      if (filter.extension_ref && names_policy(*filter.extension_ref))
        to.extensions.push_back(filter.extension_ref->name);
    }
  }
  return out;
}

/// A rule for which a policy holds that is not valid is not served without it.
void apply_policies(const char* kind, const ServedRule& source, const Attachment& attachment,
                    policy::TrafficPolicies& policies, proxy::Rule& rule, Report& report,
                    FindingsByRoute& findings) {
  if (!source.replaced.empty()) return;
  const ListenerState& listener = *attachment.listener;
  policy::ListenerPlace place{&attachment.gateway->gateway->meta, nullptr, listener.spec->name};
  if (listener.owner.meta != place.gateway) place.listener_set = listener.owner.meta;
  const std::string wrong = policies.apply(place, places(kind, source.steps), rule);
  if (wrong.empty()) return;
  const config::Meta& meta = source.own().route->meta;
  report.error(kind, meta, fmt::format("spec.rules[{}]", source.own().rule),
               wrong + ": requests for this rule are answered with 500");
  findings[meta.key()].invalid = fmt::format("rule {}: {}", rule.origin.section, wrong);
  rule.filters.clear();
  rule.session.reset();
  rule.action = proxy::DirectResponse{500, kReplacedBody};
}

/// `last`: nobody needs the rules after this.
void add_to_table(const char* kind, TranslatedRoute& translated, const Attachment& attachment,
                  policy::TrafficPolicies& policies, Report& report, FindingsByRoute& findings,
                  bool last) {
  proxy::RouteTable& table = attachment.listener->table;
  const auto first = static_cast<std::uint32_t>(table.rules.size());
  for (TranslatedRoute::OneRule& one : translated.rules) {
    if (last) {
      table.rules.push_back(std::move(one.rule));
    } else {
      table.rules.push_back(one.rule);
    }
    apply_policies(kind, one.source, attachment, policies, table.rules.back(), report, findings);
    if (auto* redirect = std::get_if<proxy::Redirect>(&table.rules.back().action)) {
      redirect->listener_port = static_cast<std::uint16_t>(attachment.listener->spec->port);
    }
  }
  for (const std::string& hostname : attachment.hostnames) {
    RankedEntries& entries = attachment.listener->hosts[hostname].entries;
    for (std::uint32_t i = 0; i < translated.rules.size(); ++i) {
      for (const RankedMatch& one : translated.rules[i].source.matches)
        entries.push_back({one.rank, {one.match, first + i}});
    }
  }
}

/// Oldest first, then by namespace and name: who comes first wins between equal matches.
std::vector<AnyRoute> by_age(const config::ObjectSet& objects) {
  std::vector<AnyRoute> out;
  out.reserve(objects.all<config::HttpRoute>().size() + objects.all<config::GrpcRoute>().size());
  for (const auto& [key, route] : objects.all<config::HttpRoute>()) out.push_back(any_route(route));
  for (const auto& [key, route] : objects.all<config::GrpcRoute>()) out.push_back(any_route(route));
  auto older = [](const AnyRoute& a, const AnyRoute& b) {
    return config::older(a.route->meta, b.route->meta);
  };
  if (!std::is_sorted(out.begin(), out.end(), older))
    std::stable_sort(out.begin(), out.end(), older);
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

void translate_http_routes(RouteContext& context, Backends& backends,
                           policy::TrafficPolicies& policies) {
  warn_of_priorities<config::Gateway>("Gateway", context);
  warn_of_priorities<config::ListenerSet>("ListenerSet", context);
  warn_of_priorities<config::HttpRoute>("HTTPRoute", context);
  Delegation delegation(context.objects, context.report);
  FindingsByRoute children;
  for (const AnyRoute& any : by_age(context.objects)) {
    const config::HttpRoute& route = *any.route;
    TranslatedRoute translated;
    FindingsByRoute own;  // children's go with those of their other parents
    attach_route(
        context, {any.kind, &route.meta, &route.hostnames}, route.parent_refs,
        [&] {
          std::vector<ServedRule> rules =
              delegation.serve(any.route, any.matches, delegates(any.kind), own);
          weigh_matches(rules, context.report);
          translated =
              RouteTranslation(any.kind, backends, context.report, own).run(std::move(rules));
          RouteFindings findings = std::move(own[route.meta.key()]);
          own.erase(route.meta.key());
          for (const auto& [key, found] : own) children.try_emplace(key, found);
          return findings;
        },
        [&](const Attachment& attachment, RouteFindings& findings, bool last) -> std::string {
          if (!claim_hosts(any.kind, attachment))
            return "an older route of the other kind has one of its host names";
          FindingsByRoute found;
          add_to_table(any.kind, translated, attachment, policies, context.report, found, last);
          for (auto& [key, one] : found) {
            RouteFindings& to = key == route.meta.key() ? findings : children[key];
            if (to.invalid.empty()) to.invalid = std::move(one.invalid);
          }
          return {};
        });
  }
  delegation.statuses(context.options.controller_name, children, context.statuses);
  for (const auto& state : context.gateways) {
    for (ListenerState& listener : state->listeners) {
      for (auto& [hostname, host] : listener.hosts)
        listener.table.hosts.push_back({hostname, by_precedence(std::move(host.entries))});
    }
  }
  context.last = {};  // a GRPCRoute's parents are gone with its other shape
}

}  // namespace tidegate::controlloop::translate
