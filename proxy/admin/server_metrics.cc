#include "proxy/admin/server_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/folder.h"
#include "proxy/admin/page_parts.h"
#include "proxy/tls/certificate_facts.h"

#ifdef TIDEGATE_GPERFTOOLS
#include <gperftools/malloc_extension.h>
#endif

namespace tidegate::proxy::admin {

using telemetry::Sample;

namespace {

Sample gauge(const std::string& scope, const std::string& name, std::uint64_t value) {
  Sample out;
  out.dotted = scope + "." + name;
  out.family = "envoy_" + scope + "_" + name;
  out.type = Sample::Type::kGauge;
  out.value = value;
  return out;
}

struct Memory {
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t allocated = 0;
  std::uint64_t heap = 0;
};

Memory memory() {
  Memory out;
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t pages = 0;
  file >> total >> pages;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.virtual_bytes = total * page;
  out.resident_bytes = pages * page;
#ifdef TIDEGATE_GPERFTOOLS
  std::size_t value = 0;
  MallocExtension::instance()->GetNumericProperty("generic.current_allocated_bytes", &value);
  out.allocated = value;
  MallocExtension::instance()->GetNumericProperty("generic.heap_size", &value);
  out.heap = value;
#else
  out.allocated = out.heap = out.resident_bytes;
#endif
  return out;
}

/// Under the names that Envoy's overload manager has.
void add_overload(std::vector<Sample>& out, const Overload& overload) {
  auto add = [&out](const std::string& name, std::uint64_t value,
                    Sample::Type type = Sample::Type::kGauge) {
    Sample one = gauge("overload", "envoy." + name, value);
    std::replace(one.family.begin(), one.family.end(), '.', '_');
    one.type = type;
    out.push_back(std::move(one));
  };
  const std::size_t most = overload.connections_max;
  add("resource_monitors.fixed_heap.pressure", overload.memory_percent);
  add("resource_monitors.global_downstream_max_connections.pressure",
      most == 0 ? 0 : overload.connections * 100 / most);
  for (const auto& [name, active] :
       {std::pair<const char*, const std::atomic<bool>*>{"shrink_heap", &overload.shrink_heap},
        {"stop_accepting_requests", &overload.stop_accepting_requests},
        {"reject_incoming_connections", &overload.reject_incoming_connections},
        {"reset_high_memory_stream", &overload.reset_high_memory_stream}}) {
    const std::string action = std::string("overload_actions.") + name;
    add(action + ".active", *active ? 1 : 0);
    add(action + ".scale_percent", *active ? 100 : 0);
  }
  add("overload_actions.reset_high_memory_stream.count", overload.connections_reset,
      Sample::Type::kCounter);
}

void add_snapshot(std::vector<Sample>& out, const AdminContext& context) {
  SnapshotPtr snapshot = context.server->snapshot();
  out.push_back(
      gauge("cluster_manager", "active_clusters", snapshot ? snapshot->clusters.size() : 0));
  out.push_back(gauge("cluster_manager", "warming_clusters", 0));
  const Applied applied = context.server->applied();
  const auto bound = static_cast<std::uint64_t>(
      std::count_if(applied.listeners.begin(), applied.listeners.end(),
                    [](const AppliedListener& one) { return one.bound; }));
  out.push_back(gauge("listener_manager", "total_listeners_active", bound));
  out.push_back(
      gauge("listener_manager", "total_listeners_warming", applied.listeners.size() - bound));
  out.push_back(gauge("listener_manager", "total_listeners_draining", 0));
  out.push_back(gauge("listener_manager", "total_filter_chains_draining", 0));
  out.push_back(gauge("listener_manager", "workers_started", snapshot ? 1 : 0));
  out.push_back(gauge("listener_manager", "lds_version", applied.version));
  out.push_back(gauge("cluster_manager", "cds_version", applied.version));
  if (!snapshot) return;
  for (const auto& [name, expires] : context.expiries->of(snapshot)) {
    Sample one = gauge("listener", "ssl.certificate." + name + ".expiration_unix_time_seconds",
                       static_cast<std::uint64_t>(expires));
    one.family = "envoy_listener_ssl_certificate_expiration_unix_time_seconds";
    one.labels = {{"envoy_tls_certificate", name}};
    out.push_back(std::move(one));
  }
}

}  // namespace

const std::map<std::string, std::time_t>& Expiries::of(const SnapshotPtr& snapshot) {
  if (read_ == snapshot) return all_;
  all_.clear();
  read_ = snapshot;
  for (const auto& [name, certificate] : snapshot->certificates) {
    const auto facts = tls::read_certificates(certificate.chain_pem);
    if (!facts.empty()) all_[name] = facts.front().expires;
  }
  return all_;
}

std::vector<Sample> server_samples(const AdminContext& context) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - context.started);
  const std::string state = state_of(context);
  std::uint64_t workers = 0;
  for (const auto& [name, value] : context.options) {
    if (name == "workers") workers = std::strtoull(value.c_str(), nullptr, 10);
  }
  std::uint64_t connections = 0;
  for (const auto& [address, all] : context.stats->all_listeners()) {
    for (const auto& one : all) connections += one->downstream_cx_active.get();
  }
  const Memory used = memory();
  SnapshotPtr snapshot = context.server->snapshot();
  std::time_t expiry = 0;
  if (snapshot) {
    for (const auto& [name, expires] : context.expiries->of(snapshot))
      expiry = expiry == 0 ? expires : std::min(expiry, expires);
  }
  const std::time_t now = std::time(nullptr);
  std::vector<Sample> out = {
      gauge("server", "live", state == "LIVE" ? 1 : 0),
      gauge("server", "state",
            state == "LIVE"       ? 0
            : state == "DRAINING" ? 1
                                  : 3),
      gauge("server", "uptime", static_cast<std::uint64_t>(uptime.count())),
      gauge("server", "concurrency", workers), gauge("server", "total_connections", connections),
      gauge("server", "parent_connections", 0), gauge("server", "hot_restart_epoch", 0),
      gauge("server", "stats_recent_lookups", 0),
      // The first three bytes of the commit.
      gauge("server", "version", std::strtoull(context.commit.substr(0, 6).c_str(), nullptr, 16)),
      gauge("server", "memory_allocated", used.allocated),
      gauge("server", "memory_heap_size", used.heap),
      gauge("server", "memory_physical_size", used.resident_bytes),
      gauge("server", "days_until_first_cert_expiring",
            expiry == 0    ? 4294967295
            : expiry > now ? static_cast<std::uint64_t>((expiry - now) / 86400)
                           : 0)};
  add_snapshot(out, context);
  add_overload(out, context.stats->overload());
  return out;
}

std::vector<Metric> process_metrics(const AdminContext& context) {
  const Memory used = memory();
  rusage spent{};
  ::getrusage(RUSAGE_SELF, &spent);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  std::vector<FolderEntry> files;
  Folder("/proc/self/fd").list(files);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const double started = std::chrono::duration<double>(context.started.time_since_epoch()).count();
  using Type = Metric::Type;
  return {
      {"process_cpu_seconds_total",
       "user and system CPU time spent",
       Type::kCounter,
       {},
       seconds(spent.ru_utime) + seconds(spent.ru_stime)},
      {"process_resident_memory_bytes",
       "resident memory",
       Type::kGauge,
       {},
       static_cast<double>(used.resident_bytes)},
      {"process_virtual_memory_bytes",
       "virtual memory",
       Type::kGauge,
       {},
       static_cast<double>(used.virtual_bytes)},
      {"process_open_fds",
       "open file descriptors",
       Type::kGauge,
       {},
       static_cast<double>(files.size())},
      {"process_max_fds",
       "file descriptors that may be open",
       Type::kGauge,
       {},
       static_cast<double>(limit.rlim_cur)},
      {"process_start_time_seconds", "start of the process, UNIX time", Type::kGauge, {}, started}};
}

}  // namespace tidegate::proxy::admin
