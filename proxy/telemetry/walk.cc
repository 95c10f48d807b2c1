#include "proxy/telemetry/walk.h"

#include <algorithm>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cctype>
#include <map>
#include <tuple>
#include <type_traits>

namespace tidegate::proxy::telemetry {
namespace {

/// Things of one kind.
template <class Stats>
struct Group {
  std::string family;  // "envoy_cluster_"
  std::vector<Owner> owners;
  std::vector<const PerWorker<Stats>*> stats;  // of each owner

  void add(std::string dotted, std::vector<Label> labels, const PerWorker<Stats>& workers) {
    Owner& owner = owners.emplace_back();
    owner.dotted = std::move(dotted);
    owner.labels = std::move(labels);
    for (const Label& label : owner.labels)
      owner.labels_text += (owner.labels_text.empty() ? "" : ",") + label_text(label);
    stats.push_back(&workers);
  }
};

/// "ssl_handshake" is "ssl.handshake" where names have dots.
std::string dotted_name(std::string name) {
  for (const std::string_view group :
       {"ssl_", "health_check_", "outlier_detection_", "rbac_", "fault_", "http1_", "http2_"}) {
    if (name.starts_with(group)) name[group.size() - 1] = '.';
  }
  return name;
}

/// The beginning of the names of a nested struct's members.
struct Prefix {
  std::string dotted, family;
};

template <class Stats, class Get>
class Member {
 public:
  Member(MetricSink& sink, const Group<Stats>& group, const Prefix& prefix, Get get)
      : sink_(sink), group_(group), prefix_(prefix), get_(get) {}

  void walk(const Counter*, const std::string& name) { plain(name, MetricType::kCounter); }
  void walk(const Gauge*, const std::string& name) { plain(name, MetricType::kGauge); }

  void walk(const Histogram*, const std::string& name) {
    if (!sink_.wants(MetricType::kHistogram)) return;
    const std::string dotted = prefix_.dotted + dotted_name(name);
    sink_.family(group_.family + prefix_.family + name, MetricType::kHistogram);
    for (std::size_t i = 0; i < group_.owners.size(); ++i) {
      Buckets buckets{};
      double sum = 0;
      for (const auto& one : *group_.stats[i]) {
        const Histogram& from = get_(*one);
        for (std::size_t k = 0; k < buckets.size(); ++k) buckets[k] += from.bucket(k);
        sum += from.sum();
      }
      sink_.histogram(group_.owners[i], dotted, buckets, sum);
    }
  }

  /// downstream_rq_xx: a series for each class of statuses.
  void walk(const std::array<Counter, 5>*, const std::string& name) {
    if (!sink_.wants(MetricType::kCounter)) return;
    sink_.family(group_.family + prefix_.family + name, MetricType::kCounter);
    const std::string stem = prefix_.dotted + dotted_name(name.substr(0, name.size() - 2));
    for (std::size_t digit = 1; digit <= 5; ++digit) {
      const Label label{"envoy_response_code_class", std::to_string(digit)};
      const std::string dotted = stem + label.second + "xx";
      for (std::size_t i = 0; i < group_.owners.size(); ++i) {
        std::uint64_t sum = 0;
        for (const auto& one : *group_.stats[i]) sum += get_(*one)[digit - 1].get();
        sink_.value(group_.owners[i], dotted, &label, sum);
      }
    }
  }

  /// upstream_rq: a series for each status that there was.
  void walk(const StatusCounters*, const std::string& name) {
    if (!sink_.wants(MetricType::kCounter)) return;
    sink_.family(group_.family + prefix_.family + name, MetricType::kCounter);
    for (std::size_t i = 0; i < group_.owners.size(); ++i) {
      std::map<int, std::uint64_t> sums;
      for (const auto& one : *group_.stats[i])
        get_(*one).each([&sums](int status, std::uint64_t count) { sums[status] += count; });
      for (const auto& [status, sum] : sums) {
        const Label label{"envoy_response_code", std::to_string(status)};
        sink_.value(group_.owners[i], prefix_.dotted + name + '_' + label.second, &label, sum);
      }
    }
  }

  /// ssl_versions: a series for each name that there was.
  void walk(const NamedCounters*, const std::string& name) {
    if (!sink_.wants(MetricType::kCounter)) return;
    sink_.family(group_.family + prefix_.family + name, MetricType::kCounter);
    const std::string label_name = "envoy_" + name.substr(0, name.size() - 1);
    for (std::size_t i = 0; i < group_.owners.size(); ++i) {
      std::map<std::string, std::uint64_t> sums;
      for (const auto& one : *group_.stats[i]) {
        for (const auto& [what, count] : get_(*one).all()) sums[what] += count;
      }
      for (const auto& [what, sum] : sums) {
        const Label label{label_name, what};
        sink_.value(group_.owners[i], prefix_.dotted + dotted_name(name) + '.' + what, &label, sum);
      }
    }
  }

 private:
  void plain(const std::string& name, MetricType type) {
    if (!sink_.wants(type)) return;
    const std::string dotted = prefix_.dotted + dotted_name(name);
    sink_.family(group_.family + prefix_.family + name, type);
    for (std::size_t i = 0; i < group_.owners.size(); ++i) {
      std::uint64_t sum = 0;
      for (const auto& one : *group_.stats[i]) sum += get_(*one).get();
      sink_.value(group_.owners[i], dotted, nullptr, sum);
    }
  }

  MetricSink& sink_;
  const Group<Stats>& group_;
  const Prefix& prefix_;
  Get get_;
};

template <class Described, class Stats, class Get>
void walk_members(MetricSink& sink, const Group<Stats>& group, const Prefix& prefix, Get get);
template <class Stats>
void walk_group(MetricSink& sink, const Group<Stats>& group);

template <class>
inline constexpr bool is_prefixed = false;
template <class Stats>
inline constexpr bool is_prefixed<Prefixed<Stats>> = true;

void add_up(Counter& to, const Counter& from) { to.add(from.get()); }

/// Counters of filters that are told apart by a prefix of their own: "ext_authz.PREFIX.ok". The
/// prefix of ext_authz is a label, as Envoy's tags have it; that of others is a part of the name.
template <class Inner, class Stats, class Get>
void walk_prefixed(MetricSink& sink, const Group<Stats>& group, const Prefix& prefix,
                   const std::string& name, Get get) {
  struct Sums {
    std::string dotted;
    std::vector<Label> labels;
    PerWorker<Inner> only;
  };
  // By family, owner and label: those that are one metric to Prometheus are one here.
  std::map<std::tuple<std::string, std::size_t, std::string>, Sums> all;
  const bool labelled = name == "ext_authz";
  for (std::size_t i = 0; i < group.owners.size(); ++i) {
    auto add = [&](const std::string& one, const Inner& stats) {
      std::string part = one;
      for (char& c : part) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      std::string family = group.family + prefix.family + name + '_';
      if (!labelled) family += part + '_';
      Sums& sums = all[{std::move(family), i, labelled ? one : std::string()}];
      if (sums.only.empty()) {
        sums.dotted = group.owners[i].dotted + prefix.dotted + name + '.' + one + '.';
        sums.labels = group.owners[i].labels;
        if (labelled) sums.labels.emplace_back("envoy_ext_authz_prefix", one);
        std::sort(sums.labels.begin(), sums.labels.end());
        sums.only.push_back(std::make_unique<Inner>());
      }
      using Members = boost::describe::describe_members<Inner, boost::describe::mod_public>;
      boost::mp11::mp_for_each<Members>(
          [&](auto member) { add_up((*sums.only[0]).*member.pointer, stats.*member.pointer); });
    };
    for (const auto& worker : *group.stats[i]) get(*worker).each(add);
  }
  std::map<std::string, Group<Inner>> groups;
  for (auto& [key, sums] : all) {
    Group<Inner>& own = groups[std::get<0>(key)];
    own.family = std::get<0>(key);
    own.add(std::move(sums.dotted), std::move(sums.labels), sums.only);
  }
  for (const auto& [family, own] : groups) walk_group(sink, own);
}

/// Filters whose names are not made of the listener's.
template <class Inner, class Stats, class Get>
void walk_nested(MetricSink& sink, const Group<Stats>& group, const Prefix& prefix,
                 const std::string& name, Get get) {
  if (name == "oauth2") return walk_members<Inner>(sink, group, prefix, get);
  Group<Stats> own;
  if (name == "acl" || name == "local_rate_limit") {
    const bool acl = name == "acl";
    own.family = acl ? "dev_kgateway_http_acl_" : "envoy_http_local_rate_limit_";
    for (const PerWorker<Stats>* workers : group.stats) {
      if (acl) {
        own.add("dev.kgateway.http.acl.", {}, *workers);
      } else {
        own.add("http_local_rate_limiter.http_local_rate_limit.",
                {{"envoy_local_http_ratelimit_prefix", "http_local_rate_limiter"}}, *workers);
      }
    }
    return walk_members<Inner>(sink, own, Prefix(), get);
  }
  const Prefix inner{prefix.dotted + name + '.', prefix.family + name + '_'};
  walk_members<Inner>(sink, group, inner, get);
}

/// `get` finds the described struct in one worker's instance.
template <class Described, class Stats, class Get>
void walk_members(MetricSink& sink, const Group<Stats>& group, const Prefix& prefix, Get get) {
  using Members = boost::describe::describe_members<Described, boost::describe::mod_public |
                                                                   boost::describe::mod_inherited>;
  boost::mp11::mp_for_each<Members>([&](auto member) {
    auto inner = [get, pointer = member.pointer](const Stats& stats) -> const auto& {
      return get(stats).*pointer;
    };
    using Type = std::remove_cvref_t<decltype(inner(std::declval<const Stats&>()))>;
    if constexpr (is_prefixed<Type>) {
      walk_nested<typename Type::Inner>(sink, group, prefix, member.name, inner);
      walk_prefixed<typename Type::Inner>(sink, group, prefix, member.name, inner);
    } else if constexpr (boost::describe::has_describe_members<Type>::value) {
      walk_nested<Type>(sink, group, prefix, member.name, inner);
    } else {
      Member<Stats, decltype(inner)>(sink, group, prefix, inner)
          .walk(static_cast<const Type*>(nullptr), member.name);
    }
  });
}

template <class Stats>
void walk_group(MetricSink& sink, const Group<Stats>& group) {
  if (group.owners.empty()) return;
  walk_members<Stats>(sink, group, Prefix(),
                      [](const Stats& stats) -> const Stats& { return stats; });
}

/// Things by name: "cluster.NAME.", {envoy_cluster_name="NAME"}.
template <class Stats, class Shown>
void walk_named(MetricSink& sink, const std::map<std::string, PerWorker<Stats>>& all,
                const std::string& scope, const std::string& label, const Shown& shown) {
  Group<Stats> group;
  group.family = "envoy_" + scope + "_";
  for (const auto& [name, workers] : all) {
    if (shown(name)) group.add(scope + "." + name + ".", {{label, name}}, workers);
  }
  walk_group(sink, group);
}

template <class Stats>
void walk_one(MetricSink& sink, const PerWorker<Stats>& stats, std::string family,
              std::string dotted) {
  Group<Stats> group;
  group.family = std::move(family);
  group.add(std::move(dotted), {}, stats);
  walk_group(sink, group);
}

/// How connections are spread over the workers.
void walk_workers(MetricSink& sink, const StatsStore& stats) {
  for (const bool active : {false, true}) {
    const std::string name = active ? "downstream_cx_active" : "downstream_cx_total";
    const MetricType type = active ? MetricType::kGauge : MetricType::kCounter;
    if (!sink.wants(type)) continue;
    sink.family("envoy_listener_worker_" + name, type);
    for (const auto& [address, workers] : stats.all_listeners()) {
      Group<ListenerStats> group;
      group.add("listener." + address + ".", {{"envoy_listener_address", address}}, workers);
      for (std::size_t i = 0; i < workers.size(); ++i) {
        const Label label{"envoy_worker_id", std::to_string(i)};
        const ListenerStats& one = *workers[i];
        sink.value(group.owners[0], "worker_" + label.second + "." + name, &label,
                   active ? one.downstream_cx_active.get() : one.downstream_cx_total.get());
      }
    }
  }
}

template <class Shown>
void walk_limits(MetricSink& sink, const StatsStore& stats, const Shown& shown) {
  struct One {
    const char* open;
    const char* left;
    std::atomic<std::uint32_t> ClusterLimits::* now;
    std::atomic<std::uint32_t> ClusterLimits::* most;
  };
  static constexpr One kAll[] = {
      {"cx_open", "remaining_cx", &ClusterLimits::connections, &ClusterLimits::connections_max},
      {"rq_pending_open", "remaining_pending", &ClusterLimits::pending,
       &ClusterLimits::pending_max},
      {"rq_open", "remaining_rq", &ClusterLimits::requests, &ClusterLimits::requests_max},
      {"rq_retry_open", "remaining_retries", &ClusterLimits::retries, &ClusterLimits::retries_max}};
  if (!sink.wants(MetricType::kGauge)) return;
  for (const One& one : kAll) {
    for (const bool left : {false, true}) {
      const std::string name = left ? one.left : one.open;
      sink.family("envoy_cluster_circuit_breakers_default_" + name, MetricType::kGauge);
      for (const auto& [cluster, limits] : stats.all_limits()) {
        if (!limits.active || !shown(cluster) || (left && !limits.track_remaining)) continue;
        const std::uint32_t now = limits.*one.now;
        const std::uint32_t most = limits.*one.most;
        Owner owner{"cluster." + cluster + ".", {{"envoy_cluster_name", cluster}}, {}};
        owner.labels_text = label_text(owner.labels[0]);
        const std::uint64_t free = most > now ? most - now : 0;
        sink.value(owner, "circuit_breakers.default." + name, nullptr,
                   left ? free : std::uint64_t{free == 0});
      }
    }
  }
}

template <class Stats>
std::uint64_t sum_of(const std::map<std::string, PerWorker<Stats>>& all, Counter Stats::* member) {
  std::uint64_t out = 0;
  for (const auto& [name, workers] : all) {
    for (const auto& one : workers) out += ((*one).*member).get();
  }
  return out;
}

/// What limits turned away, whoever counted it. Circuit breakers are limits of clusters together.
void walk_limit_hits(MetricSink& sink, const StatsStore& stats) {
  if (!sink.wants(MetricType::kCounter)) return;
  sink.family("tidegate_limit_hits_total", MetricType::kCounter);
  Owner owner;
  owner.dotted = "limit_hits.";
  auto add = [&sink, &owner](const char* limit, std::uint64_t sum) {
    const Label label{"limit", limit};
    sink.value(owner, limit, &label, sum);
  };
  const auto& listeners = stats.all_listeners();
  const auto& clusters = stats.all_clusters();
  add("connections", sum_of(listeners, &ListenerStats::downstream_global_cx_overflow));
  add("memory_connections", sum_of(listeners, &ListenerStats::downstream_cx_overload_reject));
  add("opening_time",
      sum_of(listeners, &ListenerStats::downstream_pre_cx_timeout) +
          sum_of(listeners, &ListenerStats::downstream_cx_transport_socket_connect_timeout));
  std::uint64_t requests = 0, heads = 0;
  for (const auto& [name, workers] : stats.all_http()) {
    for (const auto& one : workers) {
      requests += one->downstream_rq_overload_close.get();
      heads += one->downstream_rq_header_timeout.get();
    }
  }
  add("memory_requests", requests);
  add("head_time", heads);
  using Members = boost::describe::describe_members<LimitStats, boost::describe::mod_public>;
  boost::mp11::mp_for_each<Members>([&](auto member) {
    std::uint64_t sum = 0;
    for (const auto& [name, workers] : stats.all_http()) {
      for (const auto& one : workers) sum += (one->limits.*member.pointer).get();
    }
    add(member.name, sum);
  });
  add("udp_sessions", sum_of(stats.all_udp(), &UdpStats::downstream_sess_overflow));
  add("upstream_connections", sum_of(clusters, &ClusterStats::upstream_cx_overflow));
  add("upstream_requests", sum_of(clusters, &ClusterStats::upstream_rq_pending_overflow));
  add("upstream_retries", sum_of(clusters, &ClusterStats::upstream_rq_retry_overflow));
}

}  // namespace

std::string label_text(const Label& label) {
  std::string out = label.first + "=\"";
  for (const char c : label.second) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

void walk(const StatsStore& stats, MetricSink& sink) {
  const auto now = StatsStore::Clock::now();
  auto shown = [&stats, now](const std::string& name) { return stats.shown(name, now); };
  auto always = [](const std::string&) { return true; };
  walk_named(sink, stats.all_http(), "http", "envoy_http_conn_manager_prefix", always);
  walk_named(sink, stats.all_listeners(), "listener", "envoy_listener_address", always);
  walk_workers(sink, stats);
  walk_named(sink, stats.all_tcp(), "tcp", "envoy_tcp_prefix", always);
  walk_named(sink, stats.all_udp(), "udp", "envoy_udp_prefix", always);
  for (const auto& [name, workers] : stats.all_tracing())
    walk_one(sink, workers, "envoy_tracing_" + name + "_", "tracing." + name + ".");
  for (const auto& [name, workers] : stats.all_remote_logs())
    walk_one(sink, workers, "envoy_access_logs_" + name + "_", "access_logs." + name + ".");
  Group<ExportStats> exports;
  exports.family = "tidegate_telemetry_";
  for (const auto& [name, workers] : stats.all_exports())
    exports.add("telemetry." + name + ".", {{"sink", name}}, workers);
  walk_group(sink, exports);
  walk_named(sink, stats.all_clusters(), "cluster", "envoy_cluster_name", shown);
  walk_named(sink, stats.all_membership(), "cluster", "envoy_cluster_name", shown);
  walk_named(sink, stats.all_health(), "cluster", "envoy_cluster_name", shown);
  walk_limits(sink, stats, shown);
  Group<RouteStats> routes;
  routes.family = "envoy_vhost_route_";
  for (const auto& [name, workers] : stats.all_routes()) {
    const auto& [host, prefix] = name;
    routes.add("vhost." + host + ".route." + prefix + ".",
               {{"envoy_route", prefix}, {"envoy_virtual_host", host}}, workers);
  }
  walk_group(sink, routes);
  walk_one(sink, stats.all_cluster_manager(), "envoy_cluster_manager_", "cluster_manager.");
  walk_one(sink, stats.all_listener_manager(), "envoy_listener_manager_", "listener_manager.");
  walk_one(sink, stats.all_dns(), "envoy_dns_cares_", "dns.cares.");
  walk_one(sink, stats.all_watchdog(), "envoy_server_", "server.");
  walk_limit_hits(sink, stats);
}

}  // namespace tidegate::proxy::telemetry
