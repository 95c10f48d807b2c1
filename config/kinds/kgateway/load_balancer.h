#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// What of a request picks the host; exactly one of the first three. Source: HashPolicy.
struct HashPolicy {
  enum class SameSite { kStrict, kLax, kNone };
  struct Header {
    std::string name;
    bool operator==(const Header&) const = default;
  };
  struct Cookie {
    std::string name;
    std::optional<std::string> path;
    std::optional<Millis> ttl;  // given: a cookie is made where there is none; 0: of the session
    bool secure = false;
    bool http_only = false;
    std::optional<SameSite> same_site;
    bool operator==(const Cookie&) const = default;
  };
  struct SourceIp {
    bool operator==(const SourceIp&) const = default;
  };
  std::optional<Header> header;
  std::optional<Cookie> cookie;
  std::optional<SourceIp> source_ip;
  bool terminal = false;  // where this gave a hash, those behind it are not asked
  bool operator==(const HashPolicy&) const = default;
};

/// Source: SlowStart.
struct SlowStart {
  std::optional<Millis> window;
  std::optional<std::string> aggression;  // a number above 0; absent: 1.0
  std::optional<int> min_weight_percent;  // absent: 10
  bool operator==(const SlowStart&) const = default;
};

/// Exactly one algorithm. Source: BackendConfigPolicy LoadBalancer.
struct LoadBalancer {
  enum class Locality { kWeightedLb };
  struct LeastRequest {
    int choice_count = 2;
    std::optional<SlowStart> slow_start;
    bool operator==(const LeastRequest&) const = default;
  };
  struct RoundRobin {
    std::optional<SlowStart> slow_start;
    bool operator==(const RoundRobin&) const = default;
  };
  struct RingHash {
    std::optional<std::int64_t> minimum_ring_size;
    std::optional<std::int64_t> maximum_ring_size;
    bool use_hostname_for_hashing = false;
    std::vector<HashPolicy> hash_policies;
    bool operator==(const RingHash&) const = default;
  };
  struct Maglev {
    bool use_hostname_for_hashing = false;
    std::vector<HashPolicy> hash_policies;
    bool operator==(const Maglev&) const = default;
  };
  struct Random {
    bool operator==(const Random&) const = default;
  };
  struct Force {
    std::int64_t min_endpoints_in_zone_threshold = 1;
    bool operator==(const Force&) const = default;
  };
  struct PreferLocal {
    std::optional<Force> force;
    std::int64_t min_endpoints_threshold = 6;
    int routing_enabled = 100;  // percent
    bool operator==(const PreferLocal&) const = default;
  };
  struct ZoneAware {
    std::optional<PreferLocal> prefer_local;
    bool operator==(const ZoneAware&) const = default;
  };
  std::optional<int> healthy_panic_threshold;  // percent; absent: 50
  std::optional<Millis> update_merge_window;   // absent: 1 s
  std::optional<LeastRequest> least_request;
  std::optional<RoundRobin> round_robin;
  std::optional<RingHash> ring_hash;
  std::optional<Maglev> maglev;
  std::optional<Random> random;
  std::optional<Locality> locality_type;
  std::optional<ZoneAware> zone_aware;
  bool close_connections_on_host_set_change = false;
  bool operator==(const LoadBalancer&) const = default;
};

}  // namespace tidegate::config::kgateway
