#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::proxy {

/// CEL expressions over the request; the policy matches where any of them is true. kAllow: only
/// what matches passes. kDeny: what matches does not. Source: kgateway TrafficPolicy.spec.rbac.
struct Rbac {
  enum class Action { kAllow, kDeny };
  Action action = Action::kAllow;
  std::vector<std::string> expressions;  // that compile
  std::string policy;                    // "NAMESPACE/NAME": for the access log
  bool operator==(const Rbac&) const = default;
};
BOOST_DESCRIBE_ENUM(Rbac::Action, kAllow, kDeny)
BOOST_DESCRIBE_STRUCT(Rbac, (), (action, expressions, policy))

enum class ContentCoding { kGzip, kBrotli, kZstd };
BOOST_DESCRIBE_ENUM(ContentCoding, kGzip, kBrotli, kZstd)

/// Compresses answers for clients that accept it. The first coding is the dearest to us.
/// Source: kgateway TrafficPolicy.spec.compression.responseCompression.
struct Compression {
  std::vector<ContentCoding> codings;
  bool operator==(const Compression&) const = default;
};
BOOST_DESCRIBE_STRUCT(Compression, (), (codings))

/// Decompresses request bodies of these codings.
/// Source: kgateway TrafficPolicy.spec.compression.requestDecompression.
struct Decompression {
  std::vector<ContentCoding> codings;
  bool operator==(const Decompression&) const = default;
};
BOOST_DESCRIBE_STRUCT(Decompression, (), (codings))

/// Faults on purpose; each of the three happens to its own percentage of requests.
/// Source: kgateway TrafficPolicy.spec.faultInjection.
struct FaultInjection {
  struct Delay {
    std::chrono::milliseconds time{0};
    int percentage = 100;
    bool operator==(const Delay&) const = default;
  };
  struct Abort {
    std::optional<int> http_status;
    std::optional<int> grpc_status;  // instead of http_status
    int percentage = 100;
    bool operator==(const Abort&) const = default;
  };
  struct RateLimit {
    std::uint64_t kbits_per_second = 1;  // 1000 bits
    int percentage = 100;
    bool operator==(const RateLimit&) const = default;
  };
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::optional<RateLimit> response_rate;
  std::optional<std::uint64_t> active_max;  // requests with a fault at one time
  std::string policy;                       // "NAMESPACE/NAME": whose faults are counted together
  bool operator==(const FaultInjection&) const = default;
};
BOOST_DESCRIBE_STRUCT(FaultInjection::Delay, (), (time, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection::Abort, (), (http_status, grpc_status, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection::RateLimit, (), (kbits_per_second, percentage))
BOOST_DESCRIBE_STRUCT(FaultInjection, (), (delay, abort, response_rate, active_max, policy))

/// The whole request body is here before anything of it goes on; a longer one is refused (413).
/// Source: kgateway TrafficPolicy.spec.buffer.
struct Buffer {
  std::uint64_t request_bytes_max = 0;
  bool operator==(const Buffer&) const = default;
};
BOOST_DESCRIBE_STRUCT(Buffer, (), (request_bytes_max))

}  // namespace tidegate::proxy
