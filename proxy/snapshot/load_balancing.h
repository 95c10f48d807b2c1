#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::proxy {

/// A new endpoint gets its share of the traffic little by little: its weight is multiplied by
/// max(min_weight_percent, (age / window) ^ (1 / aggression)).
struct SlowStart {
  std::chrono::milliseconds window{0};
  double aggression = 1.0;  // > 0; 1: linear
  std::uint32_t min_weight_percent = 10;
  bool operator==(const SlowStart&) const = default;
};
BOOST_DESCRIBE_STRUCT(SlowStart, (), (window, aggression, min_weight_percent))

/// A part of a request that is hashed, so that requests that are equal in it go to the same
/// endpoint. Source: kgateway HashPolicy; Envoy RouteAction.HashPolicy.
struct HashPolicy {
  enum class Kind { kHeader, kCookie, kSourceIp };
  Kind kind = Kind::kSourceIp;
  std::string name;  // of the field or cookie
  /// Of a cookie: one is made where the client has none; 0 s: it ends with the browser. Absent:
  /// none is made.
  std::optional<std::chrono::seconds> ttl;
  std::string path;  // of the cookie that is made
  bool secure = false;
  bool http_only = false;
  std::string same_site;  // "Strict", "Lax", "None"; empty: not said
  bool terminal = false;  // where this gave a hash, those behind it are not looked at
  bool operator==(const HashPolicy&) const = default;
};
BOOST_DESCRIBE_ENUM(HashPolicy::Kind, kHeader, kCookie, kSourceIp)
BOOST_DESCRIBE_STRUCT(HashPolicy, (),
                      (kind, name, ttl, path, secure, http_only, same_site, terminal))

/// Endpoints of our own zone are preferred. Source: kgateway ZoneAwarePreferLocal.
struct ZoneAware {
  std::string zone;                         // where this process is
  std::uint32_t endpoints_min = 6;          // healthy ones; with fewer zones do not count
  std::uint32_t percent = 100;              // of the requests, that zones count for
  std::optional<std::uint32_t> forced_min;  // with so many in our zone, no other is used
  bool operator==(const ZoneAware&) const = default;
};
BOOST_DESCRIBE_STRUCT(ZoneAware, (), (zone, endpoints_min, percent, forced_min))

/// How one of a cluster's endpoints is picked. Source: BackendConfigPolicy.spec.loadBalancer.
struct LoadBalancing {
  enum class Kind { kRoundRobin, kLeastRequest, kRingHash, kMaglev, kRandom };
  Kind kind = Kind::kRoundRobin;
  std::uint32_t choices = 2;            // least request: endpoints that are compared
  std::uint64_t ring_min = 1024;        // ring hash: points on the ring
  std::uint64_t ring_max = 8'388'608;   // at most 8 388 608
  bool hash_hostname = false;           // the endpoint's name is hashed, not its address
  std::optional<SlowStart> slow_start;  // round robin, least request
  std::vector<HashPolicy> hash_policies;
  /// With fewer healthy endpoints all are used, whatever their health; 0: never.
  std::uint32_t panic_percent = 50;
  bool locality_weighted = false;       // first a zone by the weight of its endpoints
  std::optional<ZoneAware> zone_aware;  // not with locality_weighted, ring hash, Maglev
  bool close_on_change = false;         // other endpoints: connections end with their exchange
  bool hashes() const { return kind == Kind::kRingHash || kind == Kind::kMaglev; }
  bool operator==(const LoadBalancing&) const = default;
};
BOOST_DESCRIBE_ENUM(LoadBalancing::Kind, kRoundRobin, kLeastRequest, kRingHash, kMaglev, kRandom)
BOOST_DESCRIBE_STRUCT(LoadBalancing, (),
                      (kind, choices, ring_min, ring_max, hash_hostname, slow_start, hash_policies,
                       panic_percent, locality_weighted, zone_aware, close_on_change))

/// Endpoints are asked how they are; one that fails gets no traffic. Source:
/// BackendConfigPolicy.spec.healthCheck.
struct HealthCheck {
  enum class Kind { kHttp, kGrpc };
  Kind kind = Kind::kHttp;
  std::chrono::milliseconds interval{10000};
  std::chrono::milliseconds timeout{5000};
  std::uint32_t healthy_threshold = 1;    // successes in a row, but for the first of all
  std::uint32_t unhealthy_threshold = 1;  // failures in a row; an answer that is no 200 needs one
  std::string host;                       // Host or :authority
  std::string path = "/";
  std::string method = "GET";
  std::string service;  // gRPC: whose health; empty: the server's
  bool operator==(const HealthCheck&) const = default;
};
BOOST_DESCRIBE_ENUM(HealthCheck::Kind, kHttp, kGrpc)
BOOST_DESCRIBE_STRUCT(HealthCheck, (),
                      (kind, interval, timeout, healthy_threshold, unhealthy_threshold, host, path,
                       method, service))

/// An endpoint that fails again and again gets no traffic for a while: the base time, times how
/// often it has been ejected, 300 s or the base time at most. Source:
/// BackendConfigPolicy.spec.outlierDetection; Envoy outlier detection.
struct OutlierDetection {
  std::uint32_t consecutive_5xx = 5;  // failed connections and timeouts count too; 0: never
  std::chrono::milliseconds interval{10000};
  std::chrono::milliseconds base_ejection{30000};
  std::uint32_t ejected_percent_max = 10;
  std::uint32_t enforced_5xx_percent = 100;  // how likely what was met is acted upon
  /// Absent: what failed before an answer counts as 5xx. Else so many in a row are counted by
  /// themselves; 0: never.
  std::optional<std::uint32_t> consecutive_local;
  std::uint32_t enforced_local_percent = 100;
  bool operator==(const OutlierDetection&) const = default;
};
BOOST_DESCRIBE_STRUCT(OutlierDetection, (),
                      (consecutive_5xx, interval, base_ejection, ejected_percent_max,
                       enforced_5xx_percent, consecutive_local, enforced_local_percent))

/// What a cluster may have at a time, in the whole process. Source:
/// BackendConfigPolicy.spec.circuitBreakers.
struct CircuitBreakers {
  std::uint32_t connections_max = 1024;
  std::uint32_t pending_max = 1024;  // requests that wait for a connection
  std::uint32_t requests_max = 1024;
  std::uint32_t retries_max = 3;
  bool track_remaining = false;  // what is left is a metric
  bool operator==(const CircuitBreakers&) const = default;
};
BOOST_DESCRIBE_STRUCT(CircuitBreakers, (),
                      (connections_max, pending_max, requests_max, retries_max, track_remaining))

}  // namespace tidegate::proxy
