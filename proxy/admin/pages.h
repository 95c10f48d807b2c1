#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/metric.h"
#include "base/page.h"
#include "proxy/runtime/stats.h"
#include "proxy/server/server.h"
#include "proxy/snapshot/unserved.h"

namespace tidegate::proxy::admin {

/// What the pages speak of. All is borrowed and used on the control thread.
struct AdminContext {
  std::string version;
  std::chrono::system_clock::time_point started;
  server::Server* server = nullptr;
  StatsStore* stats = nullptr;
  bool* healthy = nullptr;  // false after POST /healthcheck/fail
  std::function<void()> quit;
  std::function<void()> drain_listeners;
  std::vector<std::pair<std::string, std::string>> options;  // effective command line options
  std::function<std::vector<Metric>()> extra_metrics;
  std::function<std::vector<Unserved>()> unserved;  // routes that no parent takes
};

/// Source: admin.md (Envoy's admin interface).
std::vector<Page> admin_pages(const AdminContext& context);
/// /ready.
std::vector<Page> readiness_pages(const AdminContext& context);
/// /metrics.
std::vector<Page> metrics_pages(const AdminContext& context);

}  // namespace tidegate::proxy::admin
