#include <fmt/format.h>

#include <unordered_map>

#include "proxy/filters/chain.h"
#include "proxy/filters/token_bucket.h"
#include "proxy/snapshot/rate_limit.h"

namespace tidegate::proxy::filters {
namespace {

bool one_of(std::uint32_t percent, Random& random) {
  return percent >= 100 || random.below(100) < percent;
}

using BucketPtr = std::shared_ptr<TokenBucket>;
/// By the match that led a request to its rule, which is that of one host name.
using Buckets = std::unordered_map<const Match*, BucketPtr>;

/// What a place shares its bucket with has the same name. A match is told from others of its rule
/// by its number: a change elsewhere does not fill its bucket again.
std::string bucket_of(const LocalRateLimit& limit, const RoutePlace& place) {
  const bool tls = place.site->protocol == SiteProtocol::kHttps;
  std::string out = place.listener->name;
  if (tls || limit.scope != LocalRateLimit::Scope::kListener) out += '/' + place.site->hostname;
  if (limit.scope == LocalRateLimit::Scope::kListener) return out;
  if (tls && limit.scope == LocalRateLimit::Scope::kVirtualHost) return out;
  out += '/' + place.host->hostname;
  if (limit.scope == LocalRateLimit::Scope::kVirtualHost) return out;
  const Origin& rule = place.site->routes.rules[place.entry->rule].origin;
  return fmt::format("{}/{}/{}/{}/{}#{}", out, rule.kind, rule.namespace_, rule.name, rule.section,
                     place.number);
}

/// Source: Envoy's local_ratelimit filter.
class LocalRateLimitFilter final : public Filter {
 public:
  LocalRateLimitFilter(LocalRateLimit config, Buckets buckets, BucketPtr other)
      : config_(std::move(config)), buckets_(std::move(buckets)), other_(std::move(other)) {}

  Verdict request(Call& call) const override {
    if (!one_of(config_.percent_enabled, call.loop.random)) return Verdict::kContinue;
    FilterStats::LocalRateLimit& counted = call.stats.local_rate_limit;
    counted.enabled.add();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto found = buckets_.find(call.match);
    TokenBucket& bucket = found == buckets_.end() ? *other_ : *found->second;
    if (bucket.take(now)) {
      counted.ok.add();
      return Verdict::kContinue;
    }
    counted.rate_limited.add();
    if (!one_of(config_.percent_enforced, call.loop.random)) return Verdict::kContinue;
    counted.enforced.add();
    call.reply = Reply{429, {}, "local_rate_limited", "RL", "local_rate_limited"};
    call.reply.fields.append("x-envoy-ratelimited", "true");
    return Verdict::kReply;
  }

 private:
  LocalRateLimit config_;
  Buckets buckets_;
  BucketPtr other_;  // of a place that is not known
};

}  // namespace

FilterPtr compile(const LocalRateLimit& from, const CompileContext& context) {
  const auto per_token = std::chrono::nanoseconds(from.fill_interval) / from.tokens_per_fill;
  auto bucket = [&](const std::string& place) {
    const std::string name =
        fmt::format("{} {} {} {}", from.name, from.tokens_max, per_token.count(), place);
    return context.kept.get<TokenBucket>(
        name, [&] { return std::make_shared<TokenBucket>(from.tokens_max, per_token); });
  };
  Buckets buckets;
  if (context.places) {
    for (const RoutePlace& place : context.places->of(context.name))
      buckets[&place.entry->match] = bucket(bucket_of(from, place));
  }
  return std::make_shared<LocalRateLimitFilter>(from, std::move(buckets), bucket(""));
}

}  // namespace tidegate::proxy::filters
