#include "proxy/exchange/plan.h"

#include <algorithm>

namespace tidegate::proxy::exchange {
namespace {

bool mirrors(const std::vector<proxy::Filter>& filters) {
  return std::any_of(filters.begin(), filters.end(), [](const proxy::Filter& one) {
    return std::holds_alternative<RequestMirror>(one);
  });
}

}  // namespace

const filters::Chain* Plans::chain(filters::Compiler& compiler,
                                   const std::vector<proxy::Filter>& filters) {
  filters::ChainPtr made = compiler.chain(filters);
  if (!made) return nullptr;
  return chains_.emplace_back(std::move(made)).get();
}

const format::Body* Plans::body(const DirectResponse& direct) {
  if (!direct.format) return nullptr;
  std::string problem;  // translation has looked for it
  return bodies_
      .emplace_back(
          std::make_unique<const format::Body>(format::Body::compile(*direct.format, problem)))
      .get();
}

Plans::Plans(const RouteTable& table, filters::Compiler& compiler, const IdOf& id_of,
             const CountersOf& counters_of)
    : table_(&table) {
  for (std::uint32_t host = 0; host < table.hosts.size(); ++host) {
    for (const RouteEntry& entry : table.hosts[host].entries) {
      const std::string& prefix = table.rules[entry.rule].stat_prefix;
      if (!prefix.empty()) counters_[{host, entry.rule}] = counters_of(table.hosts[host], prefix);
    }
  }
  plans_.reserve(table.rules.size());
  for (const Rule& rule : table.rules) {
    Plan& plan = plans_.emplace_back();
    plan.rule = &rule;
    plan.filters = chain(compiler, rule.filters);
    plan.has_mirrors = mirrors(rule.filters);
    plan.has_timeouts =
        rule.request_timeout || rule.backend_timeout || rule.stream_idle_timeout || rule.retry;
    plan.has_session = rule.session.has_value();
    plan.rewrites_host = rule.auto_host_rewrite;
    plan.has_redirects = rule.internal_redirect.has_value();
    plan.counted = !rule.stat_prefix.empty();
    if (std::holds_alternative<Redirect>(rule.action)) plan.action = Plan::Action::kRedirect;
    if (const auto* direct = std::get_if<DirectResponse>(&rule.action)) {
      plan.action = Plan::Action::kDirectResponse;
      plan.body = body(*direct);
    }
    const auto* forward = std::get_if<Forward>(&rule.action);
    if (!forward || forward->clusters.empty()) continue;
    const std::size_t count = forward->clusters.size();
    PlannedCluster* out = &plan.cluster;
    if (count > 1) {
      out = clusters_.emplace_back(std::make_unique<PlannedCluster[]>(count)).get();
      plan.clusters = out;
    }
    for (const WeightedCluster& from : forward->clusters) {
      out->source = &from;
      out->cluster = from.cluster.empty() ? 0 : id_of(from.cluster);
      out->weight = from.weight;
      out->filters = chain(compiler, from.filters);
      plan.has_mirrors = plan.has_mirrors || mirrors(from.filters);
      plan.total_weight += from.weight;
      ++out;
    }
    if (count == 1) plan.total_weight = 1;
  }
}

}  // namespace tidegate::proxy::exchange
