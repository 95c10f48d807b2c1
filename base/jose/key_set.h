#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

/// Keys that verify signatures of tokens. Needed on both sides: the control loop says what is wrong
/// with a key that somebody wrote down, the proxy verifies with it.
namespace tidegate::jose {

/// Signature algorithms. There is none for "none". Source: RFC 7518 section 3.1; RFC 8037.
enum class Algorithm : std::uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};

std::optional<Algorithm> algorithm(std::string_view name);

inline constexpr std::size_t kKeySetBytesMax = 1024UL * 1024;  // of its text
inline constexpr std::size_t kKeysMax = 128;                   // of one set
inline constexpr int kRsaBitsMin = 2048;                       // RFC 7518 section 3.3
inline constexpr int kRsaBitsMax = 16384;

/// One key. It decides which algorithms it can be used for: a token's header never does.
class Key {
 public:
  enum class Type : std::uint8_t { kRsa, kP256, kP384, kP521, kEd25519, kSymmetric };

  const std::string& id() const { return id_; }  // "kid"; may be empty
  /// Whether a signature by `algorithm` may be verified with this key.
  bool fits(Algorithm algorithm) const;
  /// Verifies; false for anything that is not exactly right. `signature` as in a token (JWS).
  bool verify(Algorithm algorithm, std::string_view bytes, std::string_view signature) const;

 private:
  friend struct KeyReader;
  Type type_ = Type::kRsa;
  std::string id_;
  std::optional<Algorithm> only_;  // "alg"
  std::shared_ptr<evp_pkey_st> pkey_;
  Secret symmetric_;
};

/// Immutable once read; shared by threads.
struct KeySet {
  std::vector<Key> keys;
  /// No other set that was read in this process has the same; 0: not read from anything. What one
  /// set has verified is remembered under it.
  std::uint64_t generation = 0;
};

/// What reading a text gave. A key of another kind or purpose (encryption) is passed over, as RFC
/// 7517 section 5 asks; one that should be of use but is malformed is a problem, and the others
/// still stand in `keys`.
struct ReadKeys {
  KeySet set;
  std::string problem;  // of the first bad key, or of the text; never holds key material
};

/// Reads a JWK Set. Source: RFC 7517 section 5.
ReadKeys read_key_set(std::string_view json);
/// Reads what a person writes down: a JWK Set, one JWK, or a PEM public key (which then verifies
/// RS256, ES256/384/512 or EdDSA). Source: kgateway LocalJWKS.inline.
ReadKeys read_keys(std::string_view text);

}  // namespace tidegate::jose
