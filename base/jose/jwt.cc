#include "base/jose/jwt.h"

#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "base/jose/base64.h"

namespace tidegate::jose {
namespace {

/// A token's JSON: an object, not deep.
bool parse_object(std::string_view text, boost::json::object& out) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code failed;
  boost::json::value value = boost::json::parse(text, failed, {}, options);
  if (failed || !value.is_object()) return false;
  out = std::move(value.get_object());
  return true;
}

JwtStatus read_header(std::string_view encoded, Jwt& out) {
  const std::optional<std::string> bytes = decode_base64url(encoded);
  if (!bytes) return JwtStatus::kHeaderBadBase64;
  boost::json::object header;
  if (!parse_object(*bytes, header)) return JwtStatus::kHeaderBadJson;
  const boost::json::value* name = header.if_contains("alg");
  if (!name || !name->is_string()) return JwtStatus::kHeaderBadAlgorithm;
  const std::optional<Algorithm> known = algorithm(name->get_string());
  if (!known) return JwtStatus::kHeaderUnsupportedAlgorithm;
  out.algorithm = *known;
  // We know no extension, so one that must be understood refuses the token (RFC 7515 section
  // 4.1.11). "b64": false needs it too.
  if (header.contains("crit")) return JwtStatus::kHeaderCritical;
  if (const boost::json::value* id = header.if_contains("kid")) {
    if (!id->is_string()) return JwtStatus::kHeaderBadKid;
    out.id = id->get_string();
  }
  return JwtStatus::kOk;
}

JwtStatus read_text(const boost::json::object& claims, std::string_view name, JwtStatus otherwise,
                    std::string* out) {
  const boost::json::value* value = claims.if_contains(name);
  if (!value) return JwtStatus::kOk;
  if (!value->is_string()) return otherwise;
  if (out) *out = value->get_string();
  return JwtStatus::kOk;
}

/// NumericDate: seconds, maybe with a fraction. Source: RFC 7519 section 2.
JwtStatus read_time(const boost::json::object& claims, std::string_view name, JwtStatus no_number,
                    JwtStatus out_of_range, std::optional<std::uint64_t>* out) {
  const boost::json::value* value = claims.if_contains(name);
  if (!value) return JwtStatus::kOk;
  std::uint64_t seconds = 0;
  if (value->is_uint64()) {
    seconds = value->get_uint64();
  } else if (value->is_int64()) {
    if (value->get_int64() < 0) return out_of_range;
    seconds = static_cast<std::uint64_t>(value->get_int64());
  } else if (value->is_double()) {
    const double number = value->get_double();
    if (!(number >= 0) || number >= 1.8e19) return out_of_range;
    seconds = static_cast<std::uint64_t>(number);
  } else {
    return no_number;
  }
  if (out) *out = seconds;
  return JwtStatus::kOk;
}

JwtStatus read_audiences(const boost::json::object& claims, std::vector<std::string>& out) {
  const boost::json::value* value = claims.if_contains("aud");
  if (!value) return JwtStatus::kOk;
  if (value->is_string()) {
    out.emplace_back(value->get_string());
    return JwtStatus::kOk;
  }
  if (!value->is_array()) return JwtStatus::kAudienceNotString;
  for (const boost::json::value& one : value->get_array()) {
    if (!one.is_string()) return JwtStatus::kAudienceNotString;
    out.emplace_back(one.get_string());
  }
  return JwtStatus::kOk;
}

JwtStatus read_claims(std::string_view encoded, Jwt& out) {
  const std::optional<std::string> bytes = decode_base64url(encoded);
  if (!bytes) return JwtStatus::kPayloadBadBase64;
  if (!parse_object(*bytes, out.claims)) return JwtStatus::kPayloadBadJson;
  using enum JwtStatus;
  JwtStatus status = read_text(out.claims, "iss", kIssuerNotString, &out.issuer);
  if (status == kOk) status = read_text(out.claims, "sub", kSubjectNotString, nullptr);
  if (status == kOk)
    status = read_time(out.claims, "iat", kIssuedAtNotInteger, kIssuedAtOutOfRange, nullptr);
  if (status == kOk)
    status =
        read_time(out.claims, "nbf", kNotBeforeNotInteger, kNotBeforeOutOfRange, &out.not_before);
  if (status == kOk)
    status = read_time(out.claims, "exp", kExpiresNotInteger, kExpiresOutOfRange, &out.expires);
  if (status == kOk) status = read_text(out.claims, "jti", kIdNotString, nullptr);
  if (status == kOk) status = read_audiences(out.claims, out.audiences);
  return status;
}

/// "https://a.example/" and "a.example" are one audience to Envoy.
std::string_view bare(std::string_view audience) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (audience.starts_with(scheme)) audience.remove_prefix(scheme.size());
  }
  if (audience.ends_with('/')) audience.remove_suffix(1);
  return audience;
}

}  // namespace

std::string_view text(JwtStatus status) {
  static constexpr std::array<std::string_view, 31> kTexts = {
      "OK",
      "Jwt is missing",
      "Jwt not yet valid",
      "Jwt is expired",
      "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
      "Jwt is too large",
      "Jwt header is an invalid Base64url encoded",
      "Jwt header is an invalid JSON",
      "Jwt header [alg] field is required and must be a string",
      "Jwt header [alg] is not supported",
      "Jwt header [crit] is not supported",
      "Jwt header [kid] field is not a string",
      "Jwt payload is an invalid Base64url encoded",
      "Jwt payload is an invalid JSON",
      "Jwt payload [iss] field is not a string",
      "Jwt payload [sub] field is not a string",
      "Jwt payload [iat] field is not an integer",
      "Jwt payload [iat] field is not a positive 64 bit integer",
      "Jwt payload [nbf] field is not an integer",
      "Jwt payload [nbf] field is not a positive 64 bit integer",
      "Jwt payload [exp] field is not an integer",
      "Jwt payload [exp] field is not a positive 64 bit integer",
      "Jwt payload [jti] field is not a string",
      "Jwt payload [aud] field is not a string or string list",
      "Jwt signature is an invalid Base64url encoded",
      "Jwt issuer is not configured",
      "Audiences in Jwt are not allowed",
      "Jwks remote fetch is failed",
      "Jwks doesn't have any valid public key",
      "Jwks doesn't have key to match kid or alg from Jwt",
      "Jwt verification fails",
  };
  static_assert(kTexts.size() == static_cast<std::size_t>(JwtStatus::kVerificationFails) + 1);
  return kTexts[static_cast<std::size_t>(status)];
}

JwtStatus parse(std::string_view token, Jwt& out) {
  if (token.size() > kTokenBytesMax) return JwtStatus::kTooLarge;
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return JwtStatus::kBadFormat;
  if (const JwtStatus bad = read_header(token.substr(0, first), out); bad != JwtStatus::kOk)
    return bad;
  out.signed_part = token.substr(0, second);
  out.encoded_claims = token.substr(first + 1, second - first - 1);
  if (const JwtStatus bad = read_claims(out.encoded_claims, out); bad != JwtStatus::kOk) return bad;
  std::optional<std::string> signature = decode_base64url(token.substr(second + 1));
  if (!signature || signature->empty()) return JwtStatus::kSignatureBadBase64;
  out.signature = std::move(*signature);
  return JwtStatus::kOk;
}

JwtStatus check_time(const Jwt& jwt, std::chrono::seconds now, std::chrono::seconds skew) {
  const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.count()));
  const auto slack = static_cast<std::uint64_t>(skew.count());
  if (jwt.not_before && *jwt.not_before > at && *jwt.not_before - at > slack)
    return JwtStatus::kNotYetValid;
  if (jwt.expires && *jwt.expires < at && at - *jwt.expires > slack) return JwtStatus::kExpired;
  return JwtStatus::kOk;
}

bool audience_allowed(const Jwt& jwt, const std::vector<std::string>& allowed) {
  if (allowed.empty()) return true;
  for (const std::string& one : jwt.audiences) {
    for (const std::string& wanted : allowed) {
      if (bare(one) == bare(wanted)) return true;
    }
  }
  return false;
}

JwtStatus check_signature(const Jwt& jwt, const KeySet& keys) {
  if (keys.keys.empty()) return JwtStatus::kNoValidKeys;
  bool matched = false;
  for (const Key& key : keys.keys) {
    if (!jwt.id.empty() && !key.id().empty() && jwt.id != key.id()) continue;
    if (!key.fits(jwt.algorithm)) continue;
    matched = true;
    if (key.verify(jwt.algorithm, jwt.signed_part, jwt.signature)) return JwtStatus::kOk;
  }
  return matched ? JwtStatus::kVerificationFails : JwtStatus::kNoKeyMatches;
}

}  // namespace tidegate::jose
