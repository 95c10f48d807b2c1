#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::proxy::rpc {

inline constexpr std::string_view kShouldRateLimitPath =
    "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Key and value, in order.
using RateLimitEntries = std::vector<std::pair<std::string_view, std::string_view>>;

/// Source: envoy.service.ratelimit.v3.RateLimitRequest.
std::string encode_rate_limit(std::string_view domain,
                              const std::vector<RateLimitEntries>& descriptors);

/// Source: envoy.service.ratelimit.v3.RateLimitResponse.
struct RateLimitResponse {
  enum class Code { kUnknown, kOk, kOverLimit };
  struct Status {
    Code code = Code::kUnknown;
    std::uint32_t requests_per_unit = 0;  // 0: no limit applies
    std::uint64_t window_seconds = 0;
    std::string name;
    std::uint32_t remaining = 0;
    std::uint64_t reset_seconds = 0;
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Code code = Code::kUnknown;
  std::vector<Status> statuses;
  Headers to_client;
  Headers to_backend;
  std::string body;
};
/// False: it is malformed.
bool decode(std::string_view bytes, RateLimitResponse& out);

}  // namespace tidegate::proxy::rpc
