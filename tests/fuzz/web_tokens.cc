#include "base/jose/base64.h"
#include "base/jose/jwt.h"
#include "base/jose/key_set.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

/// A first line that is a token, and keys behind it.
void web_tokens(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const std::string_view token = bytes.substr(0, end);
  const std::string_view text = end == bytes.npos ? std::string_view() : bytes.substr(end + 1);

  if (const auto decoded = jose::decode_base64url(token))
    must(jose::encode_base64url(*decoded) == token, "a token has one spelling");
  must(jose::decode_base64(jose::encode_base64(token)) == token, "Base64 can be undone");
  must(jose::decode_base64url(jose::encode_base64url(token)) == token, "Base64 can be undone");

  const jose::ReadKeys keys = jose::read_keys(text);
  const jose::ReadKeys set = jose::read_key_set(text);
  must(keys.set.keys.size() <= jose::kKeysMax && set.set.keys.size() <= jose::kKeysMax,
       "a set of keys has a limit");
  jose::Jwt jwt;
  const jose::JwtStatus status = jose::parse(token, jwt);
  must(!jose::text(status).empty(), "a token is refused with a reason");
  if (status != jose::JwtStatus::kOk) return;
  must(token.starts_with(jwt.signed_part), "what is signed is what stands there");
  jose::check_time(jwt, std::chrono::seconds(1'700'000'000));
  jose::audience_allowed(jwt, {"https://example.com/"});
  must(jose::check_signature(jwt, {}) != jose::JwtStatus::kOk, "without a key nothing is verified");
  jose::check_signature(jwt, keys.set);
}

}  // namespace tidegate::fuzz
