#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/snapshot/external_auth.h"

namespace tidegate::proxy {

/// Buckets of tokens, of which each request takes one; 429 where there is none. All workers share
/// them, and they live on when the snapshot changes. Source: TrafficPolicy.spec.rateLimit.local.
struct LocalRateLimit {
  /// What has a bucket of its own, as what kgateway makes of the policy for Envoy.
  enum class Scope {
    kMatch,        // a match of a rule, for one host name: Envoy's route
    kVirtualHost,  // a host name on a listener; of a listener with TLS, all of them
    kListener,     // a port; with TLS, a listener
  };
  std::string name;  // whose buckets they are: the policy
  Scope scope = Scope::kMatch;
  std::uint32_t tokens_max = 1;
  std::uint32_t tokens_per_fill = 1;
  std::chrono::milliseconds fill_interval{1000};
  std::uint32_t percent_enabled = 100;   // of requests that take a token
  std::uint32_t percent_enforced = 100;  // of those without one that are refused
  bool operator==(const LocalRateLimit&) const = default;
};
BOOST_DESCRIBE_ENUM(LocalRateLimit::Scope, kMatch, kVirtualHost, kListener)
BOOST_DESCRIBE_STRUCT(LocalRateLimit, (),
                      (name, scope, tokens_max, tokens_per_fill, fill_interval, percent_enabled,
                       percent_enforced))

/// One dimension of a limit. Source: RateLimitDescriptorEntry.
struct RateLimitEntry {
  enum class Kind { kGeneric, kHeader, kRemoteAddress, kPath };
  Kind kind = Kind::kGeneric;
  std::string key;    // that the service sees
  std::string value;  // kGeneric: the value; kHeader: the header's name in lower case
  bool operator==(const RateLimitEntry&) const = default;
};
BOOST_DESCRIBE_ENUM(RateLimitEntry::Kind, kGeneric, kHeader, kRemoteAddress, kPath)
BOOST_DESCRIBE_STRUCT(RateLimitEntry, (), (kind, key, value))

struct RateLimitDescriptor {
  std::vector<RateLimitEntry> entries;  // one that has no value takes the descriptor out
  bool operator==(const RateLimitDescriptor&) const = default;
};
BOOST_DESCRIBE_STRUCT(RateLimitDescriptor, (), (entries))

/// A service that counts for everybody. Source: TrafficPolicy.spec.rateLimit.global,
/// GatewayExtension .spec.rateLimit; envoy.service.ratelimit.v3.
struct GlobalRateLimit {
  ServiceCall service;
  std::string domain;
  bool fail_open = true;     // where the service does not answer; else 500
  bool tell_limits = false;  // X-RateLimit-Limit, -Remaining, -Reset (draft 03)
  std::vector<RateLimitDescriptor> descriptors;
  bool operator==(const GlobalRateLimit&) const = default;
};
BOOST_DESCRIBE_STRUCT(GlobalRateLimit, (), (service, domain, fail_open, tell_limits, descriptors))

}  // namespace tidegate::proxy
