#include <fmt/format.h>

#include <atomic>

#include "proxy/filters/chain.h"
#include "proxy/filters/slow_body.h"
#include "proxy/snapshot/traffic_filters.h"

/// Source: kgateway TrafficPolicy.spec.faultInjection; Envoy's filter envoy.filters.http.fault.
namespace tidegate::proxy::filters {
namespace {

/// Faults of one policy at this moment, on all workers.
struct Active {
  std::atomic<std::uint64_t> count{0};
};

/// This exchange's part in Active; leaves with the exchange.
struct Fault {
  Fault() = default;
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;
  ~Fault() {
    if (!active) return;
    active->count.fetch_sub(1, std::memory_order_relaxed);
    stats->fault_active_faults.sub();
  }
  std::shared_ptr<Active> active;  // null: none so far
  HttpStats* stats = nullptr;
  bool slow = false;
};

bool is_grpc(const http::RequestHead& request) {
  return request.version == http::Version::kHttp2 &&
         request.fields.get("content-type").starts_with("application/grpc");
}

/// Source: Envoy, gRPC status to HTTP.
int http_status_of(int grpc_status) {
  switch (grpc_status) {
    case 0:
      return 200;
    case 1:
      return 499;
    case 3:
    case 9:
    case 11:
      return 400;
    case 4:
      return 504;
    case 5:
      return 404;
    case 6:
    case 10:
      return 409;
    case 7:
      return 403;
    case 8:
      return 429;
    case 12:
      return 501;
    case 14:
      return 503;
    case 16:
      return 401;
    default:
      return 500;
  }
}

class FaultFilter final : public Filter {
 public:
  FaultFilter(FaultInjection config, std::shared_ptr<Active> active)
      : config_(std::move(config)), active_(std::move(active)) {}

  Verdict request(Call& call) const override {
    if (config_.response_rate && chosen(call, config_.response_rate->percentage) && begin(call))
      call.state<Fault>(*this).slow = true;
    if (config_.delay && chosen(call, config_.delay->percentage) && begin(call))
      return Verdict::kWait;
    return abort(call);
  }

  Task<Verdict> request_waiting(Call& call) const override {
    call.stats.fault_delays_injected.add();
    Event over;
    CallTimer timer([&over] { over.notify(); });
    call.loop.wheel.arm(timer, config_.delay->time);
    co_await over.wait();
    co_return abort(call);
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    if (!config_.response_rate || head.body.none() || head.status == 101) return Verdict::kContinue;
    if (!call.state<Fault>(*this).slow) return Verdict::kContinue;
    call.stats.fault_response_rl_injected.add();
    const http::BodyLength length = head.body;
    call.wrap_response(
        head, std::make_unique<SlowBody>(call.response_body(), call.loop,
                                         config_.response_rate->kbits_per_second * (1000 / 8)));
    head.body = length;  // it is the same body, only later
    return Verdict::kContinue;
  }

 private:
  static bool chosen(Call& call, int percentage) {
    return static_cast<int>(call.loop.random.below(100)) < percentage;
  }

  /// False: as many as may be have a fault now.
  bool begin(Call& call) const {
    Fault& mine = call.state<Fault>(*this);
    if (mine.active) return true;
    const std::uint64_t before = active_->count.fetch_add(1, std::memory_order_relaxed);
    if (config_.active_max && before >= *config_.active_max) {
      active_->count.fetch_sub(1, std::memory_order_relaxed);
      call.stats.fault_faults_overflow.add();
      return false;
    }
    mine.active = active_;
    mine.stats = &call.stats;
    call.stats.fault_active_faults.add();
    return true;
  }

  Verdict abort(Call& call) const {
    if (!config_.abort || !chosen(call, config_.abort->percentage) || !begin(call))
      return Verdict::kContinue;
    call.stats.fault_aborts_injected.add();
    constexpr std::string_view text = "fault filter abort";
    call.reply = Reply{500, {}, text, "FI", "fault_filter_abort"};
    if (config_.abort->http_status) {
      call.reply.status = *config_.abort->http_status;
    } else {
      const int status = config_.abort->grpc_status.value_or(2);
      call.reply.status = http_status_of(status);
      if (is_grpc(call.request)) {  // trailers only
        call.reply.status = 200;
        call.reply.body = {};
        call.reply.fields.append("content-type", "application/grpc");
        call.reply.fields.append("grpc-status", call.arena.copy(std::to_string(status)));
        call.reply.fields.append("grpc-message", text);
      }
    }
    return Verdict::kReply;
  }

  FaultInjection config_;
  std::shared_ptr<Active> active_;
};

}  // namespace

FilterPtr compile(const FaultInjection& from, const CompileContext& context) {
  std::shared_ptr<Active> active =
      context.kept.get<Active>(from.policy, [] { return std::make_shared<Active>(); });
  return std::make_shared<FaultFilter>(from, std::move(active));
}

}  // namespace tidegate::proxy::filters
