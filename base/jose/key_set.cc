#include "base/jose/key_set.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <atomic>
#include <boost/json.hpp>

#include "base/jose/base64.h"

namespace tidegate::jose {
namespace {

constexpr std::array<std::string_view, 13> kNames = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                     "RS512", "PS256", "PS384", "PS512", "ES256",
                                                     "ES384", "ES512", "EdDSA"};

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using Number = Owned<BIGNUM, BN_free>;
using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

const EVP_MD* digest(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kHs256:
    case Algorithm::kRs256:
    case Algorithm::kPs256:
    case Algorithm::kEs256:
      return EVP_sha256();
    case Algorithm::kHs384:
    case Algorithm::kRs384:
    case Algorithm::kPs384:
    case Algorithm::kEs384:
      return EVP_sha384();
    case Algorithm::kHs512:
    case Algorithm::kRs512:
    case Algorithm::kPs512:
    case Algorithm::kEs512:
      return EVP_sha512();
    case Algorithm::kEdDsa:
      break;
  }
  return nullptr;
}

/// Bytes of r and of s. Source: RFC 7518 section 3.4.
std::size_t half(Key::Type type) {
  if (type == Key::Type::kP256) return 32;
  return type == Key::Type::kP384 ? 48 : 66;
}

/// OpenSSL wants the two numbers of an ECDSA signature in DER.
std::string der(Key::Type type, std::string_view signature) {
  const std::size_t size = half(type);
  if (signature.size() != 2 * size) return {};
  Number r(BN_bin2bn(octets(signature), static_cast<int>(size), nullptr));
  Number s(BN_bin2bn(octets(signature) + size, static_cast<int>(size), nullptr));
  Owned<ECDSA_SIG, ECDSA_SIG_free> both(ECDSA_SIG_new());
  if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* bytes = nullptr;
  const int length = i2d_ECDSA_SIG(both.get(), &bytes);
  if (length <= 0) return {};
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  return out;
}

/// A key from its parameters; null where OpenSSL refuses them, as a point that is off its curve.
Pkey make_key(const char* type, OSSL_PARAM_BLD* builder) {
  Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder));
  PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  Pkey key(made);
  PkeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr;
  return key;
}

}  // namespace

std::optional<Algorithm> algorithm(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

bool Key::fits(Algorithm algorithm) const {
  if (only_ && *only_ != algorithm) return false;
  switch (type_) {
    case Type::kRsa:
      return algorithm >= Algorithm::kRs256 && algorithm <= Algorithm::kPs512;
    case Type::kP256:
      return algorithm == Algorithm::kEs256;
    case Type::kP384:
      return algorithm == Algorithm::kEs384;
    case Type::kP521:
      return algorithm == Algorithm::kEs512;
    case Type::kEd25519:
      return algorithm == Algorithm::kEdDsa;
    case Type::kSymmetric:
      return algorithm <= Algorithm::kHs512;
  }
  return false;
}

bool Key::verify(Algorithm algorithm, std::string_view bytes, std::string_view signature) const {
  if (!fits(algorithm)) return false;
  if (type_ == Type::kSymmetric) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    const std::string_view key = symmetric_.reveal();
    if (!HMAC(digest(algorithm), key.data(), static_cast<int>(key.size()), octets(bytes),
              bytes.size(), mac.data(), &size))
      return false;
    return signature.size() == size && CRYPTO_memcmp(mac.data(), signature.data(), size) == 0;
  }
  std::string encoded;
  if (type_ == Type::kP256 || type_ == Type::kP384 || type_ == Type::kP521) {
    encoded = der(type_, signature);
    if (encoded.empty()) return false;
    signature = encoded;
  }
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // the context's
  if (!context || EVP_DigestVerifyInit(context.get(), &parameters, digest(algorithm), nullptr,
                                       pkey_.get()) != 1)
    return false;
  if (algorithm >= Algorithm::kPs256 && algorithm <= Algorithm::kPs512 &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
    return false;
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(bytes),
                          bytes.size()) == 1;
}

/// Reads one key. Each function says what is wrong, or nothing.
struct KeyReader {
  const boost::json::object& json;
  Key key;
  bool skipped = false;  // of no use to us, and no fault either

  std::string_view text(std::string_view name) const {
    const boost::json::value* value = json.if_contains(name);
    return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
  }
  /// Base64url; padding is forgiven, since some servers write it.
  std::optional<std::string> bytes(std::string_view name) const {
    std::string_view value = text(name);
    while (value.ends_with('=')) value.remove_suffix(1);
    if (value.empty()) return std::nullopt;
    return decode_base64url(value);
  }

  std::string read() {
    if (const boost::json::value* id = json.if_contains("kid")) {
      if (!id->is_string()) return "its kid is not a string";
      key.id_ = id->get_string();
    }
    const std::string_view type = text("kty");
    if (type.empty()) return "it has no kty";
    const std::string_view use = text("use");
    skipped = !use.empty() && use != "sig";
    if (const boost::json::value* operations = json.if_contains("key_ops");
        operations && operations->is_array()) {
      bool verifies = false;
      for (const boost::json::value& one : operations->get_array())
        verifies |= one.is_string() && one.get_string() == "verify";
      skipped |= !verifies;
    }
    if (const std::string_view name = text("alg"); !name.empty()) {
      key.only_ = algorithm(name);
      skipped |= !key.only_;  // encryption, or one that we do not know
    }
    if (skipped) return {};
    if (type == "RSA") return rsa();
    if (type == "EC") return ec();
    if (type == "OKP") return okp();
    if (type == "oct") return symmetric();
    skipped = true;
    return {};
  }

  std::string rsa() {
    key.type_ = Key::Type::kRsa;
    const std::optional<std::string> n = bytes("n");
    const std::optional<std::string> e = bytes("e");
    if (!n || !e) return "its n or e is missing or not base64url";
    if (n->size() > kRsaBitsMax / 8 + 1 || e->size() > 8) return "its n or e is too large";
    Number modulus(BN_bin2bn(octets(*n), static_cast<int>(n->size()), nullptr));
    Number exponent(BN_bin2bn(octets(*e), static_cast<int>(e->size()), nullptr));
    if (!modulus || !exponent || BN_num_bits(modulus.get()) < kRsaBitsMin)
      return fmt::format("an RSA key has at least {} bits", kRsaBitsMin);
    if (BN_num_bits(modulus.get()) > kRsaBitsMax) return "its n is too large";
    Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
      return "it cannot be read";
    return take(make_key("RSA", builder.get()), "it is no RSA public key");
  }

  std::string ec() {
    const std::string_view curve = text("crv");
    const char* group = nullptr;
    if (curve == "P-256") {
      key.type_ = Key::Type::kP256;
      group = "P-256";
    } else if (curve == "P-384") {
      key.type_ = Key::Type::kP384;
      group = "P-384";
    } else if (curve == "P-521") {
      key.type_ = Key::Type::kP521;
      group = "P-521";
    } else {
      skipped = !curve.empty();
      return curve.empty() ? "it has no crv" : "";
    }
    const std::optional<std::string> x = bytes("x");
    const std::optional<std::string> y = bytes("y");
    if (!x || !y) return "its x or y is missing or not base64url";
    if (x->size() != half(key.type_) || y->size() != half(key.type_))
      return "its x or y is not as long as its curve wants";
    const std::string point = '\x04' + *x + *y;  // uncompressed
    Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1)
      return "it cannot be read";
    return take(make_key("EC", builder.get()), "its point is not on its curve");
  }

  std::string okp() {
    key.type_ = Key::Type::kEd25519;
    const std::string_view curve = text("crv");
    if (curve != "Ed25519") {
      skipped = !curve.empty();
      return curve.empty() ? "it has no crv" : "";
    }
    const std::optional<std::string> x = bytes("x");
    if (!x || x->size() != 32) return "its x is not 32 bytes in base64url";
    return take(Pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), 32)),
                "it is no Ed25519 public key");
  }

  std::string symmetric() {
    key.type_ = Key::Type::kSymmetric;
    std::optional<std::string> k = bytes("k");
    if (!k) return "its k is missing or not base64url";
    if (k->size() > kKeySetBytesMax) return "its k is too large";
    key.symmetric_ = Secret(std::move(*k));
    return {};
  }

  std::string take(Pkey read, const char* otherwise) {
    if (!read) return otherwise;
    key.pkey_ = std::shared_ptr<EVP_PKEY>(read.release(), EVP_PKEY_free);
    return {};
  }

  static std::string pem(std::string_view text, Key& out);
};

std::string KeyReader::pem(std::string_view text, Key& out) {
  Owned<BIO, BIO_free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return "it cannot be read";
  EVP_PKEY* read = nullptr;
  if (text.find("-----BEGIN RSA PUBLIC KEY-----") != text.npos) {
    char* name = nullptr;
    char* head = nullptr;
    unsigned char* bytes = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &head, &bytes, &size) == 1) {
      const unsigned char* at = bytes;
      read = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size);
      OPENSSL_free(name);
      OPENSSL_free(head);
      OPENSSL_free(bytes);
    }
  } else {
    // Without a password callback a key that wants one would ask on the terminal.
    read =
        PEM_read_bio_PUBKEY(bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr);
  }
  Pkey key(read);
  if (!key) return "it is no PEM public key";
  const int bits = EVP_PKEY_get_bits(key.get());
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    if (bits < kRsaBitsMin) return fmt::format("an RSA key has at least {} bits", kRsaBitsMin);
    if (bits > kRsaBitsMax) return "it is too large";
    out.type_ = Key::Type::kRsa;
    out.only_ = Algorithm::kRs256;
  } else if (EVP_PKEY_is_a(key.get(), "EC")) {
    std::array<char, 32> group{};
    EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr);
    const std::string_view name = group.data();
    if (name == "prime256v1") {
      out.type_ = Key::Type::kP256;
    } else if (name == "secp384r1") {
      out.type_ = Key::Type::kP384;
    } else if (name == "secp521r1") {
      out.type_ = Key::Type::kP521;
    } else {
      return fmt::format("curve {} is not supported", name);
    }
  } else if (EVP_PKEY_is_a(key.get(), "ED25519")) {
    out.type_ = Key::Type::kEd25519;
  } else {
    return "only RSA, EC and Ed25519 public keys are supported";
  }
  out.pkey_ = std::shared_ptr<EVP_PKEY>(key.release(), EVP_PKEY_free);
  return {};
}

namespace {

boost::json::value parse(std::string_view text, boost::system::error_code& failed) {
  boost::json::parse_options options;
  options.max_depth = 16;
  return boost::json::parse(text, failed, {}, options);
}

void add(const boost::json::value& value, std::size_t index, ReadKeys& out) {
  std::string problem = "it is not an object";
  if (value.is_object()) {
    KeyReader reader{value.get_object(), Key(), false};
    problem = reader.read();
    if (problem.empty() && !reader.skipped) out.set.keys.push_back(std::move(reader.key));
  }
  if (!problem.empty() && out.problem.empty())
    out.problem = fmt::format("key {}: {}", index + 1, problem);
}

ReadKeys read_json(std::string_view text, bool one_allowed) {
  ReadKeys out;
  if (text.size() > kKeySetBytesMax) {
    out.problem = fmt::format("it is larger than {} bytes", kKeySetBytesMax);
    return out;
  }
  boost::system::error_code failed;
  const boost::json::value document = parse(text, failed);
  if (failed || !document.is_object()) {
    out.problem = "it is no JSON object";
    return out;
  }
  const boost::json::value* keys = document.get_object().if_contains("keys");
  if (!keys && one_allowed && document.get_object().contains("kty")) {
    add(document, 0, out);
  } else if (!keys || !keys->is_array()) {
    out.problem = "it has no list \"keys\"";
  } else if (keys->get_array().size() > kKeysMax) {
    out.problem = fmt::format("it has more than {} keys", kKeysMax);
  } else {
    for (std::size_t i = 0; i < keys->get_array().size(); ++i) add(keys->get_array()[i], i, out);
  }
  if (out.set.keys.empty() && out.problem.empty())
    out.problem = "it has no key that verifies signatures";
  return out;
}

ReadKeys numbered(ReadKeys out) {
  static std::atomic<std::uint64_t> last{0};
  out.set.generation = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return out;
}

}  // namespace

ReadKeys read_key_set(std::string_view json) { return numbered(read_json(json, false)); }

ReadKeys read_keys(std::string_view text) {
  if (text.find("-----BEGIN") == text.npos) return numbered(read_json(text, true));
  ReadKeys out;
  Key key;
  out.problem = text.size() > kKeySetBytesMax ? "it is too large" : KeyReader::pem(text, key);
  if (out.problem.empty()) out.set.keys.push_back(std::move(key));
  return numbered(std::move(out));
}

}  // namespace tidegate::jose
