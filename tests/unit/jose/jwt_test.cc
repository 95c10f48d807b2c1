#include "base/jose/jwt.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>
#include <memory>

#include "base/jose/base64.h"

using namespace tidegate::jose;
using namespace std::chrono_literals;

namespace {

// RFC 7515 appendix A.1 to A.3: one payload under three algorithms.
const std::string kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
const std::string kHs256Key =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwj)"
    R"(AzZr1Z9CAow"})";
const std::string kHs256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + kClaims +
                           ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string kRsaKey =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrc)"
    R"(S2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63k)"
    R"(paSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5)"
    R"(IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
const std::string kRs256 =
    "eyJhbGciOiJSUzI1NiJ9." + kClaims +
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string kEcKey =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
const std::string kEs256 = "eyJhbGciOiJFUzI1NiJ9." + kClaims +
                           ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
                           "KTUJqPP3-Kg6NU1Q";

KeySet set(const std::string& key) {
  ReadKeys read = read_keys(key);
  INFO(read.problem);
  REQUIRE(read.problem.empty());
  return read.set;
}

JwtStatus verify(const std::string& token, const KeySet& keys) {
  Jwt jwt;
  const JwtStatus status = parse(token, jwt);
  return status == JwtStatus::kOk ? check_signature(jwt, keys) : status;
}

std::string token_of(std::string_view header, std::string_view claims,
                     std::string_view signature = "x") {
  return encode_base64url(header) + '.' + encode_base64url(claims) + '.' +
         encode_base64url(signature);
}

JwtStatus parsed(std::string_view header, std::string_view claims) {
  Jwt jwt;
  const std::string token = token_of(header, claims);
  return parse(token, jwt);
}

using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// Signs as a token wants it: with the digest, and r||s for ECDSA.
std::string sign(EVP_PKEY* key, const EVP_MD* digest, bool pss, const std::string& bytes) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  REQUIRE(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key) == 1);
  if (pss) {
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t size = 0;
  REQUIRE(EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1);
  std::string out(size, '\0');
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data,
                         bytes.size()) == 1);
  out.resize(size);
  if (!EVP_PKEY_is_a(key, "EC")) return out;
  const auto* at = reinterpret_cast<const unsigned char*>(out.data());
  ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(out.size()));
  const int half = (EVP_PKEY_get_bits(key) + 7) / 8;
  std::string raw(static_cast<std::size_t>(2 * half), '\0');
  auto* to = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(both), to, half);
  BN_bn2binpad(ECDSA_SIG_get0_s(both), to + half, half);
  ECDSA_SIG_free(both);
  return raw;
}

std::string pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

/// A JWK of a generated RSA key, so that no "alg" binds it.
std::string rsa_jwk(EVP_PKEY* key) {
  auto number = [key](const char* name) {
    BIGNUM* value = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key, name, &value) == 1);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(value);
    return encode_base64url(bytes);
  };
  return R"({"kty":"RSA","n":")" + number("n") + R"(","e":")" + number("e") + "\"}";
}

}  // namespace

TEST_CASE("base64 has one spelling a text", "[rfc4648]") {
  for (const std::string& text : {std::string(), std::string("f"), std::string("fo"),
                                  std::string("foo"), std::string("\xff\xfe\x00z", 4)}) {
    CHECK(decode_base64url(encode_base64url(text)) == text);
    CHECK(decode_base64(encode_base64(text)) == text);
  }
  CHECK(encode_base64("f") == "Zg==");
  CHECK(encode_base64url("f") == "Zg");
  CHECK(decode_base64("Zg") == "f");
  for (const char* bad : {"Zg==", "Z", "Zh", "Zm+v", "Zm 9v", "Zm9vYmE "}) {
    INFO(bad);
    CHECK(!decode_base64url(bad));
  }
  CHECK(!decode_base64("Zg==="));
}

TEST_CASE("the tokens of RFC 7515 are right under their keys", "[rfc7515-A]") {
  CHECK(verify(kHs256, set(kHs256Key)) == JwtStatus::kOk);
  CHECK(verify(kRs256, set(kRsaKey)) == JwtStatus::kOk);
  CHECK(verify(kEs256, set(kEcKey)) == JwtStatus::kOk);
  Jwt jwt;
  REQUIRE(parse(kRs256, jwt) == JwtStatus::kOk);
  CHECK(jwt.issuer == "joe");
  CHECK(jwt.expires == 1300819380U);
  CHECK(jwt.claims.at("http://example.com/is_root").get_bool());
}

TEST_CASE("the Ed25519 signature of RFC 8037 is right", "[rfc8037-A]") {
  const KeySet keys =
      set(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  const std::string bytes = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature = *decode_base64url(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  CHECK(keys.keys[0].verify(Algorithm::kEdDsa, bytes, signature));
  CHECK(!keys.keys[0].verify(Algorithm::kEdDsa, bytes + "x", signature));
}

TEST_CASE("every algorithm verifies what it signed, and nothing else") {
  struct Case {
    const char* name;
    int bits;           // RSA
    const char* curve;  // EC
    const EVP_MD* digest;
    bool pss;
  };
  const Case one = GENERATE(Case{"RS256", 2048, nullptr, EVP_sha256(), false},
                            Case{"RS384", 2048, nullptr, EVP_sha384(), false},
                            Case{"RS512", 2048, nullptr, EVP_sha512(), false},
                            Case{"PS256", 2048, nullptr, EVP_sha256(), true},
                            Case{"PS384", 2048, nullptr, EVP_sha384(), true},
                            Case{"PS512", 2048, nullptr, EVP_sha512(), true},
                            Case{"ES256", 0, "P-256", EVP_sha256(), false},
                            Case{"ES384", 0, "P-384", EVP_sha384(), false},
                            Case{"ES512", 0, "P-521", EVP_sha512(), false},
                            Case{"EdDSA", 0, nullptr, nullptr, false});
  INFO(one.name);
  Pkey key(one.bits ? EVP_RSA_gen(2048)
                    : (one.curve ? EVP_EC_gen(one.curve)
                                 : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")),
           EVP_PKEY_free);
  const KeySet keys = set(one.bits ? rsa_jwk(key.get()) : pem(key.get()));
  const std::string part = encode_base64url(std::string(R"({"alg":")") + one.name + "\"}") + '.' +
                           encode_base64url(R"({"sub":"alice"})");
  const std::string token =
      part + '.' + encode_base64url(sign(key.get(), one.digest, one.pss, part));
  CHECK(verify(token, keys) == JwtStatus::kOk);
  for (std::size_t at : {part.size() + 1, token.size() - 2}) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CHECK(verify(changed, keys) == JwtStatus::kVerificationFails);
  }
  CHECK(verify(part + ".AAAA", keys) == JwtStatus::kVerificationFails);
  CHECK(verify(token, set(kHs256Key)) == JwtStatus::kNoKeyMatches);
}

TEST_CASE("a PEM key verifies RS256 alone; PKCS 1 is read too") {
  Pkey key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::string part = encode_base64url(R"({"alg":"PS256"})") + '.' + encode_base64url(R"({})");
  const std::string token =
      part + '.' + encode_base64url(sign(key.get(), EVP_sha256(), true, part));
  CHECK(verify(token, set(rsa_jwk(key.get()))) == JwtStatus::kOk);
  CHECK(verify(token, set(pem(key.get()))) == JwtStatus::kNoKeyMatches);
  BIO* bio = BIO_new(BIO_s_mem());
  unsigned char* bytes = nullptr;
  const int size = i2d_PublicKey(key.get(), &bytes);
  PEM_write_bio(bio, "RSA PUBLIC KEY", "", bytes, size);
  OPENSSL_free(bytes);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  CHECK(set(std::string(data, static_cast<std::size_t>(length))).keys.size() == 1);
  BIO_free(bio);
}

TEST_CASE("a token cannot choose how its key is used", "[rfc8725]") {
  // The public key as an HMAC secret: the oldest attack on a verifier that trusts "alg".
  const std::string header = R"({"alg":"HS256"})";
  CHECK(verify(token_of(header, R"({})"), set(kRsaKey)) == JwtStatus::kNoKeyMatches);
  CHECK(parsed(R"({"alg":"none"})", R"({})") == JwtStatus::kHeaderUnsupportedAlgorithm);
  CHECK(parsed(R"({"alg":"None"})", R"({})") == JwtStatus::kHeaderUnsupportedAlgorithm);
  Jwt jwt;
  CHECK(parse(encode_base64url(R"({"alg":"RS256"})") + "." + encode_base64url("{}") + ".", jwt) ==
        JwtStatus::kSignatureBadBase64);
  // "alg" of the key binds it.
  std::string bound = kRsaKey;
  bound.insert(bound.size() - 1, R"(,"alg":"RS512")");
  CHECK(verify(kRs256, set(bound)) == JwtStatus::kNoKeyMatches);
  // ES256 over another curve than its own.
  Pkey p384(EVP_EC_gen("P-384"), EVP_PKEY_free);
  CHECK(verify(kEs256, set(pem(p384.get()))) == JwtStatus::kNoKeyMatches);
  CHECK(parsed(R"({"alg":"RS256","crit":["b64"],"b64":false})", "{}") ==
        JwtStatus::kHeaderCritical);
}

TEST_CASE("kid chooses the key where both sides have one") {
  std::string other = kHs256Key;
  other.insert(1, R"("kid":"one",)");
  const std::string plain =
      encode_base64url(R"({"alg":"HS256","kid":"two"})") + "." + encode_base64url("{}") + ".AAAA";
  CHECK(verify(plain, set(other)) == JwtStatus::kNoKeyMatches);
  CHECK(verify(plain, set(kHs256Key)) == JwtStatus::kVerificationFails);
  CHECK(verify(kHs256, set(other)) == JwtStatus::kOk);  // the token names none
  CHECK(verify(kHs256, set("{\"keys\":[" + kRsaKey + "," + other + "]}")) == JwtStatus::kOk);
}

TEST_CASE("a hostile token is refused with its reason") {
  struct Case {
    std::string token;
    JwtStatus status;
  };
  const std::string rs = encode_base64url(R"({"alg":"RS256"})");
  const std::string deep(100, '[');
  for (const Case& one : std::initializer_list<Case>{
           {"", JwtStatus::kBadFormat},
           {"a.b", JwtStatus::kBadFormat},
           {"a.b.c.d", JwtStatus::kBadFormat},
           {"..", JwtStatus::kHeaderBadJson},
           {"*.b.c", JwtStatus::kHeaderBadBase64},
           {token_of("[]", "{}"), JwtStatus::kHeaderBadJson},
           {token_of("{", "{}"), JwtStatus::kHeaderBadJson},
           {token_of("{}", "{}"), JwtStatus::kHeaderBadAlgorithm},
           {token_of(R"({"alg":1})", "{}"), JwtStatus::kHeaderBadAlgorithm},
           {token_of(R"({"alg":"RS256","kid":1})", "{}"), JwtStatus::kHeaderBadKid},
           {rs + ".%.x", JwtStatus::kPayloadBadBase64},
           {token_of(R"({"alg":"RS256"})", "1"), JwtStatus::kPayloadBadJson},
           {token_of(R"({"alg":"RS256"})", "{\"a\":" + deep), JwtStatus::kPayloadBadJson},
           {token_of(R"({"alg":"RS256"})", R"({"iss":1})"), JwtStatus::kIssuerNotString},
           {token_of(R"({"alg":"RS256"})", R"({"sub":[]})"), JwtStatus::kSubjectNotString},
           {token_of(R"({"alg":"RS256"})", R"({"jti":{}})"), JwtStatus::kIdNotString},
           {token_of(R"({"alg":"RS256"})", R"({"aud":7})"), JwtStatus::kAudienceNotString},
           {token_of(R"({"alg":"RS256"})", R"({"aud":["a",7]})"), JwtStatus::kAudienceNotString},
           {token_of(R"({"alg":"RS256"})", R"({"exp":"1"})"), JwtStatus::kExpiresNotInteger},
           {token_of(R"({"alg":"RS256"})", R"({"exp":-1})"), JwtStatus::kExpiresOutOfRange},
           {token_of(R"({"alg":"RS256"})", R"({"nbf":1e300})"), JwtStatus::kNotBeforeOutOfRange},
           {token_of(R"({"alg":"RS256"})", R"({"iat":null})"), JwtStatus::kIssuedAtNotInteger},
           {rs + "." + encode_base64url("{}") + ".!", JwtStatus::kSignatureBadBase64},
           {std::string(kTokenBytesMax + 1, 'a'), JwtStatus::kTooLarge}}) {
    INFO(one.token.substr(0, 80));
    Jwt jwt;
    CHECK(parse(one.token, jwt) == one.status);
  }
}

TEST_CASE("time is checked with a minute of slack on both sides") {
  Jwt jwt;
  jwt.not_before = 1000;
  jwt.expires = 2000;
  CHECK(check_time(jwt, 939s) == JwtStatus::kNotYetValid);
  CHECK(check_time(jwt, 940s) == JwtStatus::kOk);
  CHECK(check_time(jwt, 2060s) == JwtStatus::kOk);
  CHECK(check_time(jwt, 2061s) == JwtStatus::kExpired);
  CHECK(check_time(jwt, 2001s, 0s) == JwtStatus::kExpired);
  CHECK(check_time(Jwt(), 0s) == JwtStatus::kOk);
  jwt.expires = std::numeric_limits<std::uint64_t>::max();
  CHECK(check_time(jwt, 5000s) == JwtStatus::kOk);
}

TEST_CASE("one audience of the token has to be in the list") {
  Jwt jwt;
  CHECK(audience_allowed(jwt, {}));
  CHECK(!audience_allowed(jwt, {"a"}));
  jwt.audiences = {"https://a.example/", "b"};
  CHECK(audience_allowed(jwt, {"a.example"}));
  CHECK(audience_allowed(jwt, {"x", "b"}));
  CHECK(!audience_allowed(jwt, {"x"}));
}

TEST_CASE("keys that are not ours are passed over, malformed ones are told") {
  const std::string good = kEcKey;
  auto read = [&](const std::string& other) {
    return read_key_set("{\"keys\":[" + other + "," + good + "]}");
  };
  for (const char* passed :
       {R"({"kty":"XYZ"})", R"({"kty":"RSA","use":"enc"})", R"({"kty":"EC","crv":"secp256k1"})",
        R"({"kty":"OKP","crv":"X25519"})", R"({"kty":"RSA","alg":"RSA-OAEP"})",
        R"({"kty":"RSA","key_ops":["encrypt"]})"}) {
    INFO(passed);
    const ReadKeys keys = read(passed);
    CHECK(keys.problem.empty());
    CHECK(keys.set.keys.size() == 1);
  }
  for (
      const char* bad :
      {"1", "{}", R"({"kty":"RSA"})", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
       R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", R"({"kty":"EC"})",
       R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})",
       R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", R"({"kty":"oct"})", R"({"kty":"oct","k":"*"})",
       R"({"kty":"RSA","kid":1})"}) {
    INFO(bad);
    const ReadKeys keys = read(bad);
    CHECK(keys.problem.starts_with("key 1: "));
    CHECK(keys.set.keys.size() == 1);
  }
  CHECK(!read_key_set("[").problem.empty());
  CHECK(!read_key_set("{}").problem.empty());
  CHECK(!read_key_set(R"({"keys":[]})").problem.empty());
  CHECK(!read_key_set(kEcKey).problem.empty());  // a set is asked for
  CHECK(!read_keys("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").problem.empty());
}
