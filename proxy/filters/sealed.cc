#include "proxy/filters/sealed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/jose/base64.h"

namespace tidegate::proxy::filters {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kSealedMax = 64UL * 1024;

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// A key of its own for this use, so that a signature never tells of a cipher text.
std::string key(std::string_view secret) { return hmac_sha256(secret, "tidegate sealed cookie"); }

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  // Without randomness nothing that follows would be a secret.
  if (RAND_bytes(octets(out), static_cast<int>(count)) != 1) std::abort();
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string sha256(std::string_view bytes) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(octets(bytes), bytes.size(), octets(out));
  return out;
}

std::string hmac_sha256(std::string_view secret, std::string_view bytes) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), octets(bytes), bytes.size(),
       octets(out), &size);
  return out;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(std::string_view secret, std::string_view name, std::string_view text) {
  std::string out = random_bytes(kNonce);
  out.resize(kNonce + text.size() + kTag);
  const std::string with = key(secret);
  Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  int last = 0;
  if (!context ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(std::string_view(with)),
                         octets(std::string_view(out))) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &size, octets(name),
                        static_cast<int>(name.size())) != 1 ||
      EVP_EncryptUpdate(context.get(), octets(out) + kNonce, &size, octets(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), octets(out) + kNonce + size, &last) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag,
                          octets(out) + kNonce + text.size()) != 1)
    return {};
  return jose::encode_base64url(out);
}

std::optional<std::string> unseal(std::string_view secret, std::string_view name,
                                  std::string_view sealed) {
  if (sealed.size() > kSealedMax) return std::nullopt;
  std::optional<std::string> bytes = jose::decode_base64url(sealed);
  if (!bytes || bytes->size() < kNonce + kTag) return std::nullopt;
  const std::size_t size = bytes->size() - kNonce - kTag;
  const std::string with = key(secret);
  std::string out(size, '\0');
  Context context(EVP_CIPHER_CTX_new());
  int done = 0;
  int last = 0;
  if (!context ||
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(std::string_view(with)),
                         octets(*bytes)) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &done, octets(name),
                        static_cast<int>(name.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), octets(out), &done, octets(*bytes) + kNonce,
                        static_cast<int>(size)) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag,
                          octets(*bytes) + kNonce + size) != 1 ||
      EVP_DecryptFinal_ex(context.get(), octets(out) + done, &last) != 1)
    return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

}  // namespace tidegate::proxy::filters
