#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metric.h"
#include "base/page.h"
#include "proxy/runtime/stats.h"
#include "proxy/server/server.h"
#include "proxy/snapshot/unserved.h"
#include "proxy/telemetry/intervals.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::admin {

/// When certificates expire; read once a snapshot, for a scrape comes every few seconds.
class Expiries {
 public:
  /// By the name of the certificate.
  const std::map<std::string, std::time_t>& of(const SnapshotPtr& snapshot);

 private:
  SnapshotPtr read_;
  std::map<std::string, std::time_t> all_;
};

/// What the pages speak of. All is borrowed and used on the control thread.
struct AdminContext {
  std::string version;
  std::string commit = std::string(40, '0');  // zeros where it is not known
  bool modified = false;                      // there are changes besides
  std::chrono::system_clock::time_point started;
  server::Server* server = nullptr;
  StatsStore* stats = nullptr;
  bool* healthy = nullptr;  // false after POST /healthcheck/fail
  std::function<void()> quit;
  /// Envoy's parameters: graceful (keeps accepting for the drain time), skip_exit (never stops).
  std::function<void(bool graceful, bool skip_exit)> drain_listeners;
  std::function<void()> reopen_logs;
  std::vector<std::pair<std::string, std::string>> options;  // effective command line options
  std::function<std::vector<Metric>()> extra_metrics;
  /// Of POST /reset_counters; the pages share it.
  std::shared_ptr<telemetry::Baseline> baseline = std::make_shared<telemetry::Baseline>();
  std::shared_ptr<const telemetry::Intervals> intervals;  // null: none are kept
  std::shared_ptr<Expiries> expiries = std::make_shared<Expiries>();
  std::function<std::vector<Unserved>()> unserved;     // routes that no parent takes
  std::function<std::vector<std::string>()> problems;  // "FILE:LINE: ..."
  std::function<std::chrono::system_clock::time_point()> last_change;  // of the snapshot
};

/// Source: admin.md (Envoy's admin interface).
std::vector<Page> admin_pages(const AdminContext& context);
/// /ready.
std::vector<Page> readiness_pages(const AdminContext& context);
/// /metrics.
std::vector<Page> metrics_pages(const AdminContext& context);

}  // namespace tidegate::proxy::admin
