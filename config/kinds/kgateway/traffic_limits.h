#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Source: RateLimit.
struct RateLimit {
  struct TokenBucket {
    int max_tokens = 1;
    int tokens_per_fill = 1;
    Millis fill_interval{1000};  // at least 50 ms
    bool operator==(const TokenBucket&) const = default;
  };
  /// Without a bucket: no local limit, whatever stands above. Source: LocalRateLimitPolicy.
  struct Local {
    std::optional<TokenBucket> token_bucket;
    std::optional<int> percent_enabled;  // of requests, 0..100
    std::optional<int> percent_enforced;
    bool operator==(const Local&) const = default;
  };
  /// Source: RateLimitDescriptorEntry.
  struct Entry {
    enum class Type { kGeneric, kHeader, kRemoteAddress, kPath };
    struct Generic {
      std::string key;
      std::string value;
      bool operator==(const Generic&) const = default;
    };
    Type type = Type::kGeneric;
    std::optional<Generic> generic;
    std::optional<std::string> header;
    bool operator==(const Entry&) const = default;
  };
  struct Descriptor {
    std::vector<Entry> entries;
    bool operator==(const Descriptor&) const = default;
  };
  /// Limits of a service. Source: RateLimitPolicy.
  struct Global {
    std::vector<Descriptor> descriptors;
    NamespacedRef extension_ref;  // a GatewayExtension with rateLimit
    bool operator==(const Global&) const = default;
  };
  std::optional<Local> local;
  std::optional<Global> global;
  bool operator==(const RateLimit&) const = default;
};

/// Request bodies are gathered before the backend sees anything. Source: Buffer.
struct Buffer {
  std::optional<Quantity> max_request_size;  // more is answered with 413
  std::optional<PolicyDisable> disable;
  bool operator==(const Buffer&) const = default;
};

/// Source: CompressionLibrary.
enum class CompressionLibrary { kGzip, kBrotli, kZstd };

/// Source: Compression.
struct Compression {
  struct Coding {
    std::vector<CompressionLibrary> libraries{CompressionLibrary::kGzip};
    std::optional<PolicyDisable> disable;
    bool operator==(const Coding&) const = default;
  };
  std::optional<Coding> response_compression;
  std::optional<Coding> request_decompression;
  bool operator==(const Compression&) const = default;
};

}  // namespace tidegate::config::kgateway
