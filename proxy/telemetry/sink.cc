#include "proxy/telemetry/sink.h"

#include <algorithm>
#include <cstdlib>

#include "proxy/telemetry/exporter.h"
#include "proxy/telemetry/otlp.h"

namespace tidegate::proxy::telemetry {

void Sink::Queue::sent(std::uint64_t count) {
  stats->items_sent_total.add(count);
  if (tracing) tracing->spans_sent.add(count);
  if (logs) logs->logs_written.add(count);
}

void Sink::Queue::dropped(std::uint64_t count) {
  stats->items_dropped_total.add(count);
  if (tracing) tracing->spans_dropped.add(count);
  if (logs) logs->logs_dropped.add(count);
}

Sink::Sink(Signal signal, const Collector& collector, std::size_t workers, StatsStore& stats)
    : state_(std::make_shared<State>()) {
  state_->signal = signal;
  state_->collector = collector;
  state_->resource = resource_of(collector, std::getenv("OTEL_RESOURCE_ATTRIBUTES"));
  const bool spans = signal == Signal::kSpans;
  const bool envoy = collector.protocol == Collector::Protocol::kEnvoyLogs;
  std::string name = spans ? "traces" : "logs";
  name += "/" + collector.cluster;
  if (!collector.log_name.empty()) name += "/" + collector.log_name;
  for (std::size_t i = 0; i < workers; ++i) {
    auto queue = std::make_unique<Queue>();
    queue->stats = stats.exports(name)[i].get();
    if (spans) {
      queue->tracing = stats.tracing()[i].get();
    } else {
      queue->logs =
          stats.remote_logs(envoy ? "grpc_access_log" : "open_telemetry_access_log")[i].get();
    }
    state_->queues.push_back(std::move(queue));
  }
}

void Sink::added(Queue& queue) {
  queue.stats->queue_items.add();
  if (queue.exporter)
    queue.exporter->added(queue.waiting() >= kSendItems || queue.bytes() >= kSendBytes);
}

std::shared_ptr<const Sink> Sinks::get(Signal signal, const Collector& collector) {
  std::erase_if(sinks_, [](const std::weak_ptr<const Sink>& one) { return one.expired(); });
  std::shared_ptr<const Sink> found;
  for (const std::weak_ptr<const Sink>& known : sinks_) {
    std::shared_ptr<const Sink> one = known.lock();
    if (one && one->signal() == signal && one->collector() == collector) found = std::move(one);
  }
  if (!found) {
    found = std::make_shared<const Sink>(signal, collector, workers_, stats_);
    sinks_.push_back(found);
  }
  if (std::find(given_.begin(), given_.end(), found) == given_.end()) given_.push_back(found);
  return found;
}

}  // namespace tidegate::proxy::telemetry
