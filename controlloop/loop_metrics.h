#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/metric.h"
#include "config/object_set.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/translate.h"
#include "proxy/snapshot/applied.h"

namespace tidegate::controlloop {

/// Seconds, in buckets.
class Durations {
 public:
  explicit Durations(std::vector<double> bounds) : bounds_(std::move(bounds)) {
    counts_.resize(bounds_.size());
  }
  void record(double seconds);
  Metric metric(std::string name, std::string help,
                std::vector<std::pair<std::string, std::string>> labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;  // cumulative
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

/// What kgateway's control plane counts under the same names, for each Gateway that is there: a run
/// of the loop is a reconciliation and a translation of each. Source: metrics.md, "Control loop".
class LoopMetrics {
 public:
  /// The objects were translated, in so many seconds.
  void translated(const config::ObjectSet& objects, const translate::Translation& translation,
                  double seconds);
  /// A snapshot is served by all workers, so many seconds after its change was seen.
  void applied(double seconds);
  /// What came of its listeners: those that could not be opened are counted with their Gateways,
  /// once a snapshot, however often this is told.
  void opened(const proxy::Snapshot& snapshot, const proxy::Applied& applied);
  /// Statuses were published.
  void synced(double seconds);

  std::vector<Metric> metrics(const config::ObjectSet& objects, const proxy::Snapshot* snapshot,
                              const status::Statuses& statuses);

 private:
  struct OfGateway {
    std::uint64_t translations = 0, failed_translations = 0, syncs = 0, status_syncs = 0;
    std::uint64_t replacements = 0, rejects = 0, rejected_now = 0;
    Durations translation, transform, sync, status;
    OfGateway();
  };
  static void add(std::vector<Metric>& out, const config::NamespacedName& key, const OfGateway& of,
                  const std::vector<std::string>& kinds);

  std::map<config::NamespacedName, OfGateway> gateways_;
  std::uint64_t version_ = 0;       // of the snapshot that rejected_ is of
  std::set<std::string> rejected_;  // listeners that were counted
  std::vector<std::string> kinds_;  // with a status that there are now
  std::vector<Metric> of_objects_;  // what does not change between two changes
  bool stale_ = true;               // of_objects_ is of what was before
};

}  // namespace tidegate::controlloop
