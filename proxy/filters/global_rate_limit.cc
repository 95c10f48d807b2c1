#include <fmt/format.h>

#include "proxy/filters/chain.h"
#include "proxy/filters/service.h"
#include "proxy/http/characters.h"
#include "proxy/rpc/rate_limit.h"
#include "proxy/snapshot/rate_limit.h"

namespace tidegate::proxy::filters {
namespace {

using rpc::RateLimitResponse;

/// What the answer is to have, whoever gives it.
struct Told {
  http::Fields fields;
};

/// Source: Envoy's ratelimit filter.
class GlobalRateLimitFilter final : public Filter {
 public:
  explicit GlobalRateLimitFilter(GlobalRateLimit config) : config_(std::move(config)) {}

  Verdict request(Call&) const override { return Verdict::kWait; }

  Task<Verdict> request_waiting(Call& call) const override {
    const std::vector<rpc::RateLimitEntries> descriptors = describe(call);
    if (descriptors.empty()) co_return Verdict::kContinue;  // nothing to count
    const std::string message = rpc::encode_rate_limit(config_.domain, descriptors);
    const rpc::GrpcAnswer answer =
        co_await ask(call, config_.service, rpc::kShouldRateLimitPath, message);
    RateLimitResponse response;
    ClusterStats* counted = charged(call);
    if (!answer.ok() || !decode(answer.message, response) ||
        response.code == RateLimitResponse::Code::kUnknown) {
      if (counted) {
        counted->ratelimit.error.add();
        if (config_.fail_open) counted->ratelimit.failure_mode_allowed.add();
      }
      if (config_.fail_open) co_return Verdict::kContinue;
      call.reply = Reply{500, {}, {}, "RLSE", "rate_limiter_error"};
      co_return Verdict::kReply;
    }
    const bool good = response.code == RateLimitResponse::Code::kOk;
    if (counted) (good ? counted->ratelimit.ok : counted->ratelimit.over_limit).add();
    Told& told = call.state<Told>(*this);
    add_fields(response.to_client, told.fields, call.arena);
    if (config_.tell_limits) tell(response, told.fields, call.arena);
    if (good) {
      add_fields(response.to_backend, call.request.fields, call.arena);
      co_return Verdict::kContinue;
    }
    call.reply = Reply{429, {}, call.arena.copy(response.body), "RL", "request_rate_limited"};
    call.reply.fields.append("x-envoy-ratelimited", "true");
    co_return Verdict::kReply;
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    for (const http::Field& field : call.state<Told>(*this).fields)
      head.fields.append(field.name, field.value);
    return Verdict::kContinue;
  }

 private:
  std::vector<rpc::RateLimitEntries> describe(Call& call) const {
    std::vector<rpc::RateLimitEntries> out;
    for (const RateLimitDescriptor& descriptor : config_.descriptors) {
      rpc::RateLimitEntries entries;
      for (const RateLimitEntry& entry : descriptor.entries) {
        const std::string_view value = value_of(entry, call);
        if (value.data() == nullptr) break;
        entries.emplace_back(entry.key, value);
      }
      if (entries.size() == descriptor.entries.size()) out.push_back(std::move(entries));
    }
    return out;
  }

  static std::string_view value_of(const RateLimitEntry& entry, Call& call) {
    switch (entry.kind) {
      case RateLimitEntry::Kind::kGeneric:
        return entry.value;
      case RateLimitEntry::Kind::kHeader:
        return call.request.fields.get(entry.value);
      case RateLimitEntry::Kind::kRemoteAddress:
        return call.client_ip();
      case RateLimitEntry::Kind::kPath:
        break;
    }
    return call.request.path;
  }

  /// The limit that is nearest. Source: draft-polli-ratelimit-headers-03.
  static void tell(const RateLimitResponse& response, http::Fields& fields, Arena& arena) {
    const RateLimitResponse::Status* nearest = nullptr;
    std::string policies;
    for (const auto& status : response.statuses) {
      if (status.requests_per_unit == 0) continue;
      if (!nearest || status.remaining < nearest->remaining) nearest = &status;
      policies += fmt::format(", {};w={}", status.requests_per_unit, status.window_seconds);
      if (!status.name.empty() && http::all_of(status.name, http::kValue) &&
          status.name.find_first_of("\"\\") == std::string::npos)
        policies += fmt::format(";name=\"{}\"", status.name);
    }
    if (!nearest) return;
    auto number = [&arena](auto value) { return arena.copy(std::to_string(value)); };
    fields.append("x-ratelimit-limit",
                  arena.copy(std::to_string(nearest->requests_per_unit) + policies));
    fields.append("x-ratelimit-remaining", number(nearest->remaining));
    fields.append("x-ratelimit-reset", number(nearest->reset_seconds));
  }

  GlobalRateLimit config_;
};

}  // namespace

FilterPtr compile(const GlobalRateLimit& from, const CompileContext&) {
  return std::make_shared<GlobalRateLimitFilter>(from);
}

}  // namespace tidegate::proxy::filters
