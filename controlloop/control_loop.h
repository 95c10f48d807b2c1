#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "config/directory.h"
#include "controlloop/loop_metrics.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/translate.h"
#include "controlloop/watch/watcher.h"
#include "proxy/snapshot/applied.h"
#include "proxy/snapshot/unserved.h"

namespace tidegate::controlloop {

/// Counted since the start; for metrics.
struct LoopCounters {
  std::uint64_t reloads = 0;    // directories read
  std::uint64_t snapshots = 0;  // published
  std::uint64_t reloads_with_errors = 0;
  std::int64_t last_success_seconds = 0;  // UNIX time of the last reading without an error
  std::int64_t last_change_seconds = 0;   // UNIX time of the last publication
  double last_reload_ms = 0;
};

/// Waits for changes of the directory, translates, publishes, and keeps the statuses. All on the
/// control thread.
class ControlLoop {
 public:
  using Publish = std::function<void(proxy::SnapshotPtr, std::uint64_t version)>;

  ControlLoop(boost::asio::io_context& io, std::vector<std::string> paths,
              translate::Options options, Publish publish);

  /// Reads and publishes, then watches. The result: all problems of the first load.
  std::vector<config::Problem> start();
  /// Reads again now.
  void reload();
  /// Called whenever resource_version() has grown.
  void on_change(std::function<void()> call) { on_change_ = std::move(call); }
  /// What came of a published snapshot.
  void applied(const proxy::Applied& applied);
  void stop();

  const config::LoadResult& loaded() const { return loaded_; }
  const status::StatusStore& statuses() const { return statuses_; }
  std::vector<config::Problem> problems() const;
  const std::vector<boost::json::object>& generated() const { return translation_.generated; }
  const LoopCounters& counters() const { return counters_; }
  /// kgateway's names.
  std::vector<Metric> gateway_metrics() {
    return metrics_.metrics(*loaded_.objects, translation_.snapshot.get(), statuses_.all());
  }
  /// Counts changes of objects or statuses.
  std::uint64_t resource_version() const { return resource_version_; }

 private:
  static constexpr std::chrono::milliseconds kAgain{1000};
  static constexpr std::chrono::milliseconds kAgainMost{30000};
  static constexpr std::chrono::milliseconds kWritingMost{1000};
  void read_and_take();
  bool wait_for_writer(std::chrono::steady_clock::time_point now);
  void try_again();
  void take(config::LoadResult loaded);
  /// Reads the files that objects name, and watches them.
  void take_files();
  void refresh_statuses();
  void tell_new_problems();
  void tell_that_nothing_is_served() const;

  boost::asio::io_context& io_;
  std::vector<std::string> paths_;
  translate::Options options_;
  Publish publish_;
  config::Directory directory_;
  config::LoadResult loaded_;
  translate::Translation translation_;
  std::optional<proxy::Applied> applied_;
  status::StatusStore statuses_;
  std::unique_ptr<watch::Watcher> watcher_;
  std::vector<std::string> named_files_;
  std::unique_ptr<watch::Watcher> files_watcher_;  // null: none is named
  std::unordered_set<std::string> told_;           // problems, as they read
  boost::asio::steady_timer again_;                // reload()
  boost::asio::steady_timer statuses_again_;       // applied()
  std::chrono::milliseconds wait_ = kAgain;
  std::optional<std::chrono::steady_clock::time_point> wait_until_;  // for who writes
  bool unfinished_ = false;   // what was read last has not been taken to its end
  bool unpublished_ = false;  // translation_ is newer than what is served
  LoopCounters counters_;
  LoopMetrics metrics_;
  std::chrono::steady_clock::time_point change_seen_;
  std::uint64_t version_ = 0;
  std::uint64_t resource_version_ = 0;
  std::function<void()> on_change_;
};

/// What would be served, without serving it.
struct Preview {
  proxy::SnapshotPtr snapshot;
  std::vector<config::Problem> problems;  // by file and line
  std::vector<proxy::Unserved> unserved;
};
/// Loads and translates once, for `validate` and `explain`.
Preview preview(std::vector<std::string> paths, const translate::Options& options);

}  // namespace tidegate::controlloop
