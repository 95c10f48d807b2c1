#pragma once

#include <cstdint>
#include <optional>

#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Trouble made on purpose. Percentages, 0..100. Source: FaultInjectionPolicy.
struct FaultInjection {
  struct Delay {
    Millis fixed_delay{0};  // 1 ms .. 1 h
    int percentage = 100;
    bool operator==(const Delay&) const = default;
  };
  struct Abort {  // exactly one of the statuses
    std::optional<int> http_status;
    std::optional<int> grpc_status;
    int percentage = 100;
    bool operator==(const Abort&) const = default;
  };
  struct ResponseRateLimit {
    std::int64_t kbits_per_second = 1;
    int percentage = 100;
    bool operator==(const ResponseRateLimit&) const = default;
  };
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::optional<ResponseRateLimit> response_rate_limit;
  std::optional<std::int64_t> max_active_faults;  // absent: any number
  std::optional<PolicyDisable> disable;
  bool operator==(const FaultInjection&) const = default;
};

}  // namespace tidegate::config::kgateway
