#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/telemetry/sink.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::telemetry {

/// Sends what one worker has put into one sink, a batch a call, one call at a time. What cannot be
/// sent is tried again where its protocol says that this may help, and then dropped.
/// Source: OpenTelemetry, "OTLP Specification".
class Exporter : public std::enable_shared_from_this<Exporter> {
 public:
  /// The loop and the clusters outlive it.
  Exporter(Loop& loop, upstream::Clusters& clusters, std::shared_ptr<Sink::State> sink);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Something waits; `much`: enough to be sent at once.
  void added(bool much);
  /// Sends what waits, with one try.
  void flush();
  bool idle() const { return !sending_ && queue_.waiting() == 0; }
  void on_idle(std::function<void()> call) { on_idle_ = std::move(call); }

 private:
  struct Outcome {
    bool done = false;
    bool may_retry = false;
    std::uint64_t rejected = 0;          // of what was taken
    std::chrono::milliseconds pause{0};  // that the collector asks for
  };
  static Task<void> run(std::shared_ptr<Exporter> self);
  static Task<void> send_all(Exporter& me);
  Task<void> deliver(std::string message, std::uint32_t items);
  Task<Outcome> call(const std::string& message);
  Task<Outcome> call_grpc(const std::string& message, Arena& arena);
  Task<Outcome> call_http(const std::string& message, Arena& arena);
  std::string take(Sink::Batch& batch, bool connections);
  std::chrono::milliseconds pause_before(std::uint32_t retry) const;
  void start();

  Loop& loop_;
  upstream::Clusters& clusters_;
  std::shared_ptr<Sink::State> sink_;
  Sink::Queue& queue_;
  bool sending_ = false;
  bool hurried_ = false;  // no further tries
  Event paused_;
  CallTimer<std::function<void()>> timer_;  // until what waits is sent
  CallTimer<std::function<void()>> pause_;  // until the next try
  std::function<void()> on_idle_;
};

/// All exporters of one worker.
class Exporters {
 public:
  Exporters(Loop& loop, upstream::Clusters& clusters) : loop_(loop), clusters_(clusters) {}

  /// One for each sink. Those of sinks that nobody has any more send what is left, and go.
  void update(const std::vector<std::shared_ptr<const Sink>>& sinks);
  /// Sends what waits; `done` is called when that is over, at the latest after `most`.
  void flush(std::chrono::milliseconds most, std::function<void()> done);

 private:
  struct Entry {
    std::weak_ptr<const Sink> sink;
    std::shared_ptr<Exporter> exporter;
  };
  Loop& loop_;
  upstream::Clusters& clusters_;
  std::map<const Sink::State*, Entry> all_;
  std::unique_ptr<Timer> deadline_;
};

}  // namespace tidegate::proxy::telemetry
