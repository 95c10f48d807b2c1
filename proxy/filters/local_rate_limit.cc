#include <fmt/format.h>

#include "proxy/filters/chain.h"
#include "proxy/filters/token_bucket.h"
#include "proxy/snapshot/rate_limit.h"

namespace tidegate::proxy::filters {
namespace {

bool one_of(std::uint32_t percent, Random& random) {
  return percent >= 100 || random.below(100) < percent;
}

/// Source: Envoy's local_ratelimit filter.
class LocalRateLimitFilter final : public Filter {
 public:
  LocalRateLimitFilter(LocalRateLimit config, std::shared_ptr<TokenBucket> bucket)
      : config_(std::move(config)), bucket_(std::move(bucket)) {}

  Verdict request(Call& call) const override {
    if (!one_of(config_.percent_enabled, call.loop.random)) return Verdict::kContinue;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (bucket_->take(now)) return Verdict::kContinue;
    if (!one_of(config_.percent_enforced, call.loop.random)) return Verdict::kContinue;
    call.reply = Reply{429, {}, "local_rate_limited", "RL", "local_rate_limited"};
    call.reply.fields.append("x-envoy-ratelimited", "true");
    return Verdict::kReply;
  }

 private:
  LocalRateLimit config_;
  std::shared_ptr<TokenBucket> bucket_;
};

}  // namespace

FilterPtr compile(const LocalRateLimit& from, const CompileContext& context) {
  const auto per_token = std::chrono::nanoseconds(from.fill_interval) / from.tokens_per_fill;
  const std::string name = fmt::format("{} {} {}", from.name, from.tokens_max, per_token.count());
  auto bucket = context.kept.get<TokenBucket>(
      name, [&] { return std::make_shared<TokenBucket>(from.tokens_max, per_token); });
  return std::make_shared<LocalRateLimitFilter>(from, std::move(bucket));
}

}  // namespace tidegate::proxy::filters
