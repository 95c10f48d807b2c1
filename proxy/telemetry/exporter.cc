#include "proxy/telemetry/exporter.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/version.h"
#include "proxy/http/characters.h"
#include "proxy/rpc/call.h"
#include "proxy/telemetry/envoy_log.h"
#include "proxy/telemetry/otlp.h"

namespace tidegate::proxy::telemetry {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Protocol = Collector::Protocol;

namespace {

constexpr milliseconds kPauseMax{30000};  // that a collector may ask for
constexpr int kUnavailable = 14;

http::Fields fields_of(const Collector& collector) {
  static const std::string agent = std::string("OTel-OTLP-Exporter-Tidegate/") + kVersion;
  http::Fields out;
  if (collector.protocol != Protocol::kEnvoyLogs) out.append("user-agent", agent);
  for (const Collector::Metadata& one : collector.metadata) {
    const std::string_view value = one.value.reveal();
    if (!one.name.empty() && http::all_of(one.name, http::kToken) &&
        http::all_of(value, http::kValue) && !http::frames_message(one.name))
      out.append(one.name, value);
  }
  return out;
}

/// One that is no value of Host counts as none.
std::string_view authority_of(const Collector& collector) {
  const std::string& given = collector.authority;
  return http::all_of(given, http::kValue) ? std::string_view(given) : std::string_view();
}

/// Seconds; a date counts as nothing.
milliseconds retry_after(const http::Fields& fields) {
  const std::string_view text = fields.get("retry-after");
  std::uint32_t seconds = 0;
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (bad != std::errc() || end != text.data() + text.size()) return milliseconds(0);
  return std::min<milliseconds>(std::chrono::seconds(seconds), kPauseMax);
}

}  // namespace

Exporter::Exporter(Loop& loop, upstream::Clusters& clusters, std::shared_ptr<Sink::State> sink)
    : loop_(loop),
      clusters_(clusters),
      sink_(std::move(sink)),
      queue_(*sink_->queues[loop.index]),
      timer_([this] {
        if (queue_.tracing) queue_.tracing->timer_flushed.add();
        start();
      }),
      pause_([this] { paused_.notify(); }) {
  queue_.exporter = this;
  if (queue_.waiting() > 0) added(false);
}

Exporter::~Exporter() {
  if (queue_.exporter == this) queue_.exporter = nullptr;
}

void Exporter::added(bool much) {
  if (sending_) return;  // it looks again when it is through
  if (much) {
    timer_.cancel();
    start();
  } else if (!timer_.armed()) {
    loop_.wheel.arm(timer_, Sink::kFlushAfter);
  }
}

void Exporter::flush() {
  hurried_ = true;
  timer_.cancel();
  pause_.cancel();
  if (sending_) {
    paused_.notify();
  } else if (queue_.waiting() > 0) {
    start();
  } else if (on_idle_) {
    on_idle_();
  }
}

void Exporter::start() {
  if (sending_) return;
  sending_ = true;
  spawn(loop_.io, run(shared_from_this()));
}

Task<void> Exporter::run(std::shared_ptr<Exporter> self) {
  Exporter& me = *self;
  try {
    co_await send_all(me);
  } catch (const std::exception& failed) {  // memory, above all: that batch is lost, no other
    log::error(log::Component::kMain, "telemetry: a batch was not sent: {}", failed.what());
  }
  me.sending_ = false;
  if (me.queue_.waiting() > 0) {
    me.loop_.wheel.arm(me.timer_, Sink::kFlushAfter);
  } else if (me.on_idle_) {
    me.on_idle_();
  }
}

Task<void> Exporter::send_all(Exporter& me) {
  while (true) {
    const std::uint32_t items = me.queue_.items.items;
    const std::uint32_t connections = me.queue_.connections.items;
    me.queue_.stats->queue_items.sub(items + connections);
    if (items > 0) {
      std::string message = me.take(me.queue_.items, false);
      co_await me.deliver(std::move(message), items);
    }
    if (connections > 0) {
      std::string message = me.take(me.queue_.connections, true);
      co_await me.deliver(std::move(message), connections);
    }
    const bool much =
        me.queue_.waiting() >= Sink::kSendItems || me.queue_.bytes() >= Sink::kSendBytes;
    if (me.queue_.waiting() == 0 || !(much || me.hurried_)) break;
  }
}

std::string Exporter::take(Sink::Batch& batch, bool connections) {
  const std::string records = batch.records.take();
  batch = Sink::Batch();
  return sink_->collector.protocol == Protocol::kEnvoyLogs
             ? envoy_log_message(sink_->collector, records, connections)
             : export_request(sink_->resource, records);
}

Task<void> Exporter::deliver(std::string message, std::uint32_t items) {
  for (std::uint32_t retry = 0;; ++retry) {
    const Outcome outcome = co_await call(message);
    if (outcome.done) {
      const auto rejected = std::min<std::uint64_t>(outcome.rejected, items);
      queue_.sent(items - rejected);
      if (rejected > 0) queue_.dropped(rejected);
      co_return;
    }
    queue_.stats->calls_failed_total.add();
    if (!outcome.may_retry || hurried_ || retry == sink_->collector.retries) break;
    paused_.clear();
    loop_.wheel.arm(pause_, std::max(outcome.pause, pause_before(retry)));
    co_await paused_.wait();
    pause_.cancel();
  }
  queue_.dropped(items);
}

/// Doubles, with half of it drawn, so that workers and gateways do not come all at once.
milliseconds Exporter::pause_before(std::uint32_t retry) const {
  const Collector& collector = sink_->collector;
  milliseconds whole = collector.backoff;
  for (std::uint32_t i = 0; i < retry && whole < collector.backoff_max; ++i) whole *= 2;
  whole = std::max(std::min(whole, collector.backoff_max), milliseconds(1));
  const auto half = static_cast<std::uint64_t>(whole.count() / 2);
  return whole - milliseconds(loop_.random.below(half + 1));
}

Task<Exporter::Outcome> Exporter::call(const std::string& message) {
  Arena arena;
  if (sink_->collector.protocol == Protocol::kOtlpHttp) {
    const Outcome outcome = co_await call_http(message, arena);
    co_return outcome;
  }
  const Outcome outcome = co_await call_grpc(message, arena);
  co_return outcome;
}

Task<Exporter::Outcome> Exporter::call_grpc(const std::string& message, Arena& arena) {
  const Collector& collector = sink_->collector;
  const http::Fields metadata = fields_of(collector);
  rpc::GrpcOptions options;
  options.timeout = collector.timeout;
  options.authority = authority_of(collector);
  options.metadata = &metadata;
  options.answer_max = collector.answer_max;
  const bool envoy = collector.protocol == Protocol::kEnvoyLogs;
  const std::string_view path = envoy                             ? kEnvoyLogPath
                                : sink_->signal == Signal::kSpans ? kTraceExportPath
                                                                  : kLogsExportPath;
  const rpc::GrpcAnswer answer =
      co_await rpc::grpc_call(clusters_, collector.cluster, path, message, options, arena);
  Outcome out;
  // A service of logs may end its stream without a word.
  out.done = answer.ok() || (envoy && answer.nothing);
  if (answer.ok() && !envoy) out.rejected = rejected_by(answer.message);
  // What may have arrived is not logged twice.
  out.may_retry =
      envoy ? answer.status == kUnavailable && !answer.late : retryable_grpc(answer.status);
  co_return out;
}

Task<Exporter::Outcome> Exporter::call_http(const std::string& message, Arena& arena) {
  const Collector& collector = sink_->collector;
  http::RequestHead head;
  head.method = "POST";
  head.scheme = "http";
  head.authority = authority_of(collector);
  if (head.authority.empty()) head.authority = collector.cluster;
  head.path = sink_->signal == Signal::kSpans ? "/v1/traces" : "/v1/logs";
  head.body = {http::BodyLength::Kind::kExact, message.size()};
  head.fields = fields_of(collector);
  head.fields.append("content-type", "application/x-protobuf");
  const rpc::CallOptions options{collector.timeout, collector.answer_max};
  const rpc::Answer answer =
      co_await rpc::call(clusters_, collector.cluster, head, message, options, arena);
  Outcome out;
  out.done = answer.whole && answer.status >= 200 && answer.status < 300;
  if (out.done) out.rejected = rejected_by(answer.body);
  out.may_retry = !answer.whole || retryable_http(answer.status);
  if (out.may_retry) out.pause = retry_after(answer.fields);
  co_return out;
}

void Exporters::update(const std::vector<std::shared_ptr<const Sink>>& sinks) {
  for (const std::shared_ptr<const Sink>& sink : sinks) {
    Entry& entry = all_[sink->state().get()];
    if (entry.exporter) continue;
    entry.sink = sink;
    entry.exporter = std::make_shared<Exporter>(loop_, clusters_, sink->state());
  }
  std::erase_if(all_, [](auto& one) {
    if (!one.second.sink.expired()) return false;
    one.second.exporter->flush();
    return true;
  });
}

void Exporters::flush(milliseconds most, std::function<void()> done) {
  auto call = std::make_shared<std::function<void()>>(std::move(done));
  auto over = [call] {
    if (*call) std::exchange(*call, nullptr)();
  };
  auto look = [this, over] {
    for (const auto& [state, entry] : all_) {
      if (!entry.exporter->idle()) return;
    }
    over();
  };
  std::vector<std::shared_ptr<Exporter>> all;
  for (const auto& [state, entry] : all_) all.push_back(entry.exporter);
  if (all.empty()) return over();
  deadline_ = std::make_unique<CallTimer<std::function<void()>>>(over);
  loop_.wheel.arm(*deadline_, most);
  for (const std::shared_ptr<Exporter>& one : all) one->on_idle(look);
  for (const std::shared_ptr<Exporter>& one : all) one->flush();
}

}  // namespace tidegate::proxy::telemetry
