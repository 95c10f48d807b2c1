#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/jose/key_set.h"

/// JSON Web Tokens, signed (JWS compact form). Source: RFC 7515, RFC 7519.
namespace tidegate::jose {

/// Why a token is refused. The texts are what Envoy's jwt_authn answers with.
enum class JwtStatus : std::uint8_t {
  kOk,
  kMissing,
  kNotYetValid,
  kExpired,
  kBadFormat,
  kTooLarge,
  kHeaderBadBase64,
  kHeaderBadJson,
  kHeaderBadAlgorithm,
  kHeaderUnsupportedAlgorithm,
  kHeaderCritical,
  kHeaderBadKid,
  kPayloadBadBase64,
  kPayloadBadJson,
  kIssuerNotString,
  kSubjectNotString,
  kIssuedAtNotInteger,
  kIssuedAtOutOfRange,
  kNotBeforeNotInteger,
  kNotBeforeOutOfRange,
  kExpiresNotInteger,
  kExpiresOutOfRange,
  kIdNotString,
  kAudienceNotString,
  kSignatureBadBase64,
  kUnknownIssuer,
  kAudienceNotAllowed,
  kKeysFetchFailed,
  kNoValidKeys,
  kNoKeyMatches,
  kVerificationFails,
};

std::string_view text(JwtStatus status);

inline constexpr std::size_t kTokenBytesMax = 32UL * 1024;
inline constexpr std::chrono::seconds kClockSkew{60};  // Envoy's default

/// A token taken apart, not yet believed. Views are into its text.
struct Jwt {
  Algorithm algorithm = Algorithm::kRs256;
  std::string id;                   // "kid" of the header
  std::string_view signed_part;     // header.payload
  std::string_view encoded_claims;  // the payload as it stands there
  std::string signature;
  boost::json::object claims;
  std::string issuer;  // empty: none
  std::vector<std::string> audiences;
  std::optional<std::uint64_t> not_before;  // seconds since 1970
  std::optional<std::uint64_t> expires;

  /// Once it is believed: it may outlive its text.
  void forget_text() {
    signed_part = encoded_claims = {};
    signature.clear();
  }
};

JwtStatus parse(std::string_view token, Jwt& out);

/// Whether the token may be used at `now`, with `skew` on both sides.
JwtStatus check_time(const Jwt& jwt, std::chrono::seconds now,
                     std::chrono::seconds skew = kClockSkew);
/// Whether one of the token's audiences is in the list; an empty list allows all. A slash at the
/// end and the scheme in front make no difference, as in Envoy.
bool audience_allowed(const Jwt& jwt, const std::vector<std::string>& allowed);
JwtStatus check_signature(const Jwt& jwt, const KeySet& keys);

}  // namespace tidegate::jose
