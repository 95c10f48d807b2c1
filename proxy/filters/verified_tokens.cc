#include "proxy/filters/verified_tokens.h"

#include <openssl/sha.h>

#include <cstring>

namespace tidegate::proxy::filters {

VerifiedTokens::Digest VerifiedTokens::digest(std::string_view token) {
  Digest out;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), out.data());
  return out;
}

VerifiedTokens& VerifiedTokens::here() {
  thread_local const std::unique_ptr<VerifiedTokens> own = std::make_unique<VerifiedTokens>();
  return *own;
}

std::size_t VerifiedTokens::place(const Digest& digest, std::uint64_t keys) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, digest.data(), sizeof(bits));
  // Two providers that both see a token have places of their own.
  return (bits ^ keys) & (kEntries - 1);
}

std::shared_ptr<const jose::Jwt> VerifiedTokens::find(const Digest& digest,
                                                      std::uint64_t keys) const {
  const Entry& entry = entries_[place(digest, keys)];
  if (!entry.jwt || entry.keys != keys || entry.digest != digest) return nullptr;
  return entry.jwt;
}

void VerifiedTokens::keep(const Digest& digest, std::uint64_t keys,
                          std::shared_ptr<const jose::Jwt> jwt) {
  entries_[place(digest, keys)] = {digest, keys, std::move(jwt)};
}

}  // namespace tidegate::proxy::filters
