#include "proxy/health/outliers.h"

#include <algorithm>
#include <set>

namespace tidegate::proxy::health {

namespace {
constexpr std::chrono::milliseconds kEjectionMax{300'000};  // Envoy's max_ejection_time

/// Workers act when a count is the limit: where it is lower now, the next failure meets it.
void keep_below(std::atomic<std::uint32_t>& failures, std::uint32_t limit) {
  std::uint32_t now = failures;
  while (limit > 0 && now >= limit && !failures.compare_exchange_weak(now, limit - 1)) {
  }
}

}  // namespace

void Outliers::update(const OutlierDetection& config, const std::vector<Endpoint>& endpoints) {
  config_ = config;
  const std::set<Endpoint> wanted(endpoints.begin(), endpoints.end());
  std::erase_if(hosts_, [&wanted](const auto& known) { return !wanted.contains(known.first); });
  for (const Endpoint& at : wanted) {
    Host& host = hosts_[at];
    if (!host.watch) {
      host.watch = std::make_shared<upstream::OutlierWatch>();
      host.watch->tripped = [tripped = on_tripped_, at](bool local) { tripped(at, local); };
    }
    host.watch->limit = config.consecutive_5xx;
    host.watch->split = config.consecutive_local.has_value();
    host.watch->limit_local = config.consecutive_local.value_or(0);
    keep_below(host.watch->consecutive_5xx, host.watch->limit);
    keep_below(host.watch->consecutive_local, host.watch->limit_local);
  }
  count();
}

bool Outliers::ejected(const Endpoint& at) const {
  auto found = hosts_.find(at);
  return found != hosts_.end() && found->second.ejected;
}

bool Outliers::tripped(const Endpoint& at, Clock::time_point now, bool local) {
  auto found = hosts_.find(at);
  if (found == hosts_.end()) return false;
  Host& host = found->second;
  (local ? host.watch->consecutive_local : host.watch->consecutive_5xx) = 0;
  if (host.ejected) return false;
  (local ? stats_.outlier_detection_ejections_detected_consecutive_local_origin_failure
         : stats_.outlier_detection_ejections_detected_consecutive_5xx)
      .add();
  if (random_.below(100) >= (local ? config_.enforced_local_percent : config_.enforced_5xx_percent))
    return false;
  const auto others = static_cast<std::size_t>(std::count_if(
      hosts_.begin(), hosts_.end(), [](const auto& one) { return one.second.ejected; }));
  if ((others + 1) * 100 > config_.ejected_percent_max * hosts_.size()) {
    stats_.outlier_detection_ejections_overflow.add();
    return false;
  }
  host.ejected = true;
  host.since = now;
  ++host.times;
  (local ? stats_.outlier_detection_ejections_enforced_consecutive_local_origin_failure
         : stats_.outlier_detection_ejections_enforced_consecutive_5xx)
      .add();
  stats_.outlier_detection_ejections_enforced_total.add();
  if (!local)
    stats_.outlier_detection_ejections_consecutive_5xx
        .add();  // the names before Envoy's "enforced"
  stats_.outlier_detection_ejections_total.add();
  count();
  return true;
}

bool Outliers::sweep(Clock::time_point now) {
  bool back = false;
  for (auto& [at, host] : hosts_) {
    if (!host.ejected) {
      if (host.times > 0) --host.times;
      continue;
    }
    const auto most = std::max(config_.base_ejection, kEjectionMax);
    if (now - host.since < std::min(config_.base_ejection * host.times, most)) continue;
    host.ejected = false;
    host.watch->consecutive_5xx = 0;
    host.watch->consecutive_local = 0;
    back = true;
  }
  if (back) count();
  return back;
}

void Outliers::count() {
  const auto ejected = static_cast<std::uint64_t>(std::count_if(
      hosts_.begin(), hosts_.end(), [](const auto& one) { return one.second.ejected; }));
  Gauge& gauge = stats_.outlier_detection_ejections_active;
  gauge.add(ejected - gauge.get());  // wraps where it falls
}

}  // namespace tidegate::proxy::health
