#include "proxy/telemetry/samples.h"

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <limits>

namespace tidegate::proxy::telemetry {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Whose metrics they are.
struct Scope {
  std::string dotted;  // "cluster.NAME."
  std::string family;  // "envoy_cluster_"
  Labels labels;
};

void add_value(std::vector<Sample>& out, const Scope& scope, const std::string& name,
               Sample::Type type, std::uint64_t value) {
  Sample sample;
  sample.dotted = scope.dotted + name;
  sample.family = scope.family + name;
  sample.labels = scope.labels;
  sample.type = type;
  sample.value = value;
  out.push_back(std::move(sample));
}

template <class Described, class Stats, class Get>
void add_members(std::vector<Sample>& out, const Scope& scope, const PerWorker<Stats>& workers,
                 Get get);

/// `get` finds the member in one worker's instance.
template <class Stats, class Get>
void add_member(std::vector<Sample>& out, const Scope& scope, const PerWorker<Stats>& workers,
                const std::string& name, Get get) {
  using Member = std::remove_cvref_t<decltype(get(*workers.front()))>;
  if constexpr (boost::describe::has_describe_members<Member>::value) {
    // A filter's own: "csrf.request_valid".
    const Scope inner{scope.dotted + name + '.', scope.family + name + '_', scope.labels};
    add_members<Member>(out, inner, workers, get);
  } else if constexpr (std::is_same_v<Member, Histogram>) {
    Sample sample;
    sample.dotted = scope.dotted + name;
    sample.family = scope.family + name;
    sample.labels = scope.labels;
    sample.type = Sample::Type::kHistogram;
    for (const auto& one : workers) {
      for (std::size_t i = 0; i < sample.buckets.size(); ++i)
        sample.buckets[i] += get(*one).bucket(i);
      sample.sum += get(*one).sum();
    }
    out.push_back(std::move(sample));
  } else if constexpr (std::is_same_v<Member, std::array<Counter, 5>>) {
    // downstream_rq_xx: one series a class of status.
    for (std::size_t i = 0; i < 5; ++i) {
      std::uint64_t sum = 0;
      for (const auto& one : workers) sum += get(*one)[i].get();
      Sample sample;
      std::string digit = std::to_string(i + 1);
      sample.dotted = scope.dotted + name.substr(0, name.size() - 2) + digit + "xx";
      sample.family = scope.family + name;
      sample.labels = scope.labels;
      sample.labels.insert(sample.labels.begin(), {"envoy_response_code_class", digit});
      sample.value = sum;
      out.push_back(std::move(sample));
    }
  } else {
    std::uint64_t sum = 0;
    for (const auto& one : workers) sum += get(*one).get();
    add_value(out, scope, name,
              std::is_same_v<Member, Gauge> ? Sample::Type::kGauge : Sample::Type::kCounter, sum);
  }
}

template <class Described, class Stats, class Get>
void add_members(std::vector<Sample>& out, const Scope& scope, const PerWorker<Stats>& workers,
                 Get get) {
  using Members = boost::describe::describe_members<Described, boost::describe::mod_public |
                                                                   boost::describe::mod_inherited>;
  boost::mp11::mp_for_each<Members>([&](auto member) {
    add_member(out, scope, workers, member.name,
               [get, pointer = member.pointer](const Stats& stats) -> const auto& {
                 return get(stats).*pointer;
               });
  });
}

template <class Stats>
void add_all(std::vector<Sample>& out, const Scope& scope, const PerWorker<Stats>& workers) {
  add_members<Stats>(out, scope, workers, [](const Stats& stats) -> const Stats& { return stats; });
}

/// "health_check_attempt" is "health_check.attempt" where names have dots.
std::string with_dot(std::string dotted) {
  for (const std::string_view group : {"health_check_", "outlier_detection_"}) {
    if (const std::size_t at = dotted.rfind(group); at != std::string::npos)
      dotted[at + group.size() - 1] = '.';
  }
  return dotted;
}

void add_limits(std::vector<Sample>& out, const Scope& cluster, const ClusterLimits& limits) {
  if (!limits.active) return;
  const Scope scope{cluster.dotted + "circuit_breakers.default.",
                    cluster.family + "circuit_breakers_default_", cluster.labels};
  auto add = [&](const char* name, const char* left, std::uint32_t now, std::uint32_t most) {
    add_value(out, scope, std::string(name) + "_open", Sample::Type::kGauge, now >= most ? 1 : 0);
    if (limits.track_remaining) {
      add_value(out, scope, std::string("remaining_") + left, Sample::Type::kGauge,
                most > now ? most - now : 0);
    }
  };
  add("cx", "cx", limits.connections, limits.connections_max);
  add("rq_pending", "pending", limits.pending, limits.pending_max);
  add("rq", "rq", limits.requests, limits.requests_max);
  add("rq_retry", "retries", limits.retries, limits.retries_max);
}

}  // namespace

std::uint64_t Sample::count() const {
  std::uint64_t out = 0;
  for (const std::uint64_t bucket : buckets) out += bucket;
  return out;
}

double Sample::quantile(double percent) const {
  const auto total = static_cast<double>(count());
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = total * percent / 100;
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto inside = static_cast<double>(buckets[i]);
    const double low = i == 0 ? 0 : kHistogramBounds[i - 1];
    const double high = i < kHistogramBounds.size() ? kHistogramBounds[i] : low;
    if (inside > 0 && below + inside >= wanted)
      return low + (high - low) * std::max(0.0, wanted - below) / inside;
    below += inside;
  }
  return kHistogramBounds.back();
}

void subtract(std::vector<Sample>& samples, const Baseline& baseline) {
  if (baseline.empty()) return;
  for (Sample& sample : samples) {
    if (sample.type != Sample::Type::kCounter) continue;
    auto found = baseline.find(sample.dotted);
    if (found == baseline.end()) continue;
    sample.touched = sample.value != 0;
    sample.value -= std::min(sample.value, found->second);
  }
}

std::vector<Sample> collect(const StatsStore& stats) {
  std::vector<Sample> out;
  for (const auto& [name, workers] : stats.all_http()) {
    add_all(out, {"http." + name + ".", "envoy_http_", {{"envoy_http_conn_manager_prefix", name}}},
            workers);
  }
  for (const auto& [address, workers] : stats.all_listeners()) {
    add_all(out,
            {"listener." + address + ".", "envoy_listener_", {{"envoy_listener_address", address}}},
            workers);
  }
  for (const auto& [name, workers] : stats.all_tcp())
    add_all(out, {"tcp." + name + ".", "envoy_tcp_", {{"envoy_tcp_prefix", name}}}, workers);
  for (const auto& [name, workers] : stats.all_udp())
    add_all(out, {"udp." + name + ".", "envoy_udp_", {{"envoy_udp_prefix", name}}}, workers);
  for (const auto& [name, workers] : stats.all_tracing())
    add_all(out, {"tracing." + name + ".", "envoy_tracing_" + name + "_", {}}, workers);
  for (const auto& [name, workers] : stats.all_remote_logs())
    add_all(out, {"access_logs." + name + ".", "envoy_access_logs_" + name + "_", {}}, workers);
  for (const auto& [sink, workers] : stats.all_exports())
    add_all(out, {"telemetry." + sink + ".", "tidegate_telemetry_", {{"sink", sink}}}, workers);
  for (const auto& [name, workers] : stats.all_clusters()) {
    add_all(out, {"cluster." + name + ".", "envoy_cluster_", {{"envoy_cluster_name", name}}},
            workers);
  }
  for (const auto& [name, workers] : stats.all_routes()) {
    const auto& [host, prefix] = name;
    add_all(out,
            {"vhost." + host + ".route." + prefix + ".",
             "envoy_vhost_route_",
             {{"envoy_route", prefix}, {"envoy_virtual_host", host}}},
            workers);
  }
  for (const auto& [name, one] : stats.all_health()) {
    const std::size_t before = out.size();
    add_all(out, {"cluster." + name + ".", "envoy_cluster_", {{"envoy_cluster_name", name}}}, one);
    for (std::size_t i = before; i < out.size(); ++i) out[i].dotted = with_dot(out[i].dotted);
  }
  for (const auto& [name, limits] : stats.all_limits()) {
    add_limits(out, {"cluster." + name + ".", "envoy_cluster_", {{"envoy_cluster_name", name}}},
               limits);
  }
  return out;
}

}  // namespace tidegate::proxy::telemetry
