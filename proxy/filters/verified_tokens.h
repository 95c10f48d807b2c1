#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/jose/jwt.h"

namespace tidegate::proxy::filters {

/// Tokens whose signatures this worker has verified, so that the next request with one costs a
/// digest and not an RSA operation. Only "yes" is kept, with the key set that said so; whoever uses
/// one checks time, issuer and audience each time. Kept are digests and claims, never tokens. As
/// Envoy's `jwt_cache_config`, whose counters it has.
class VerifiedTokens {
 public:
  using Digest = std::array<unsigned char, 32>;  // SHA-256
  struct Entry {
    Digest digest{};
    std::uint64_t keys = 0;  // KeySet::generation
    std::shared_ptr<const jose::Jwt> jwt;
  };
  static constexpr std::size_t kEntries = 512;         // a power of two
  static constexpr std::size_t kTokenBytesMax = 4096;  // of one that is kept
  static Digest digest(std::string_view token);

  /// The calling worker's.
  static VerifiedTokens& here();

  /// The entry of this token with these keys; null: not verified, or forgotten.
  std::shared_ptr<const jose::Jwt> find(const Digest& digest, std::uint64_t keys) const;
  void keep(const Digest& digest, std::uint64_t keys, std::shared_ptr<const jose::Jwt> jwt);

 private:
  static std::size_t place(const Digest& digest, std::uint64_t keys);
  std::array<Entry, kEntries> entries_;
};

}  // namespace tidegate::proxy::filters
