#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/rpc/protobuf.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/telemetry.h"

namespace tidegate::proxy::telemetry {

class Exporter;

/// What a collector gets.
enum class Signal { kSpans, kLogs };

/// Where spans or log entries for one collector are put down. Each worker has a queue of its own,
/// which its Exporter empties. Where that does not keep up, items are lost and counted; who adds
/// one never waits. Made on the control thread, shared by all workers and snapshots.
class Sink {
 public:
  /// What a worker may keep back.
  static constexpr std::uint32_t kItemsMax = 2048;
  static constexpr std::size_t kBytesMax = 1024 * 1024;
  /// From here on it is sent at once, and not only after kFlushAfter.
  static constexpr std::uint32_t kSendItems = 512;
  static constexpr std::size_t kSendBytes = 256 * 1024;
  static constexpr std::chrono::milliseconds kFlushAfter{1000};

  /// Items that go in one call, as fields of one number, one after the other.
  struct Batch {
    rpc::ProtoWriter records;
    std::uint32_t items = 0;
    bool empty() const { return items == 0; }
  };
  /// Of one worker, which alone touches it.
  struct alignas(64) Queue {
    Batch items;
    Batch connections;             // Protocol::kEnvoyLogs has a kind of its own for them
    Exporter* exporter = nullptr;  // null: the worker has none yet
    ExportStats* stats = nullptr;
    TracingStats* tracing = nullptr;  // of Signal::kSpans
    RemoteLogStats* logs = nullptr;   // of Signal::kLogs
    std::uint32_t waiting() const { return items.items + connections.items; }
    std::size_t bytes() const {
      return items.records.data().size() + connections.records.data().size();
    }
    void sent(std::uint64_t count);
    void dropped(std::uint64_t count);
  };
  struct State {
    Signal signal = Signal::kSpans;
    Collector collector;
    std::string resource;  // of OTLP: a Resource message
    std::vector<std::unique_ptr<Queue>> queues;
  };

  Sink(Signal signal, const Collector& collector, std::size_t workers, StatsStore& stats);

  /// Has `print` write one item (Span, LogRecord, HTTPAccessLogEntry ...). On the worker.
  template <class Print>
  void add(std::size_t worker, Print print, bool connection = false) const {
    Queue& queue = *state_->queues[worker];
    if (queue.waiting() >= kItemsMax || queue.bytes() >= kBytesMax) return queue.dropped(1);
    Batch& batch = connection ? queue.connections : queue.items;
    const std::uint32_t field = state_->collector.protocol == Collector::Protocol::kEnvoyLogs
                                    ? 1   // log_entry
                                    : 2;  // spans, log_records
    const std::size_t mark = batch.records.open(field);
    print(batch.records);
    batch.records.close(mark);
    ++batch.items;
    added(queue);
  }
  const std::shared_ptr<State>& state() const { return state_; }
  Signal signal() const { return state_->signal; }
  const Collector& collector() const { return state_->collector; }

 private:
  static void added(Queue& queue);
  std::shared_ptr<State> state_;  // also the exporters' hold on it
};

/// The sinks of all snapshots: one a collector and what it gets. Control thread.
class Sinks {
 public:
  /// `stats` outlives it.
  Sinks(StatsStore& stats, std::size_t workers) : stats_(stats), workers_(workers) {}

  std::shared_ptr<const Sink> get(Signal signal, const Collector& collector);
  /// Those that get() gave since the last call: what a snapshot sends to. Others that are still
  /// there are of older ones, and go with them.
  std::vector<std::shared_ptr<const Sink>> take_given() { return std::exchange(given_, {}); }

 private:
  StatsStore& stats_;
  const std::size_t workers_;
  std::vector<std::weak_ptr<const Sink>> sinks_;
  std::vector<std::shared_ptr<const Sink>> given_;
};

}  // namespace tidegate::proxy::telemetry
