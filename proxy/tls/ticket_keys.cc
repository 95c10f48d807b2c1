#include "proxy/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace tidegate::proxy::tls {

namespace {

bool ready(const TicketKeys::Key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac, int sealing) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, sealing) ==
             1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

TicketKeys& of_the_process() {
  static TicketKeys keys;
  return keys;
}

/// OpenSSL's: 1: go on; 2: the same, and give a new ticket; 0: a full handshake; -1: an error.
int use_keys(SSL*, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
             int sealing) {
  const auto now = TicketKeys::Clock::now();
  if (sealing != 0) {
    const auto key = of_the_process().current(now);
    if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::copy(key->name.begin(), key->name.end(), name);
    return ready(*key, iv, cipher, mac, 1) ? 1 : -1;
  }
  const auto key = of_the_process().find(std::span<const unsigned char, 16>(name, 16), now);
  if (!key) return 0;
  if (!ready(*key, iv, cipher, mac, 0)) return -1;
  return now - key->made_at < TicketKeys::kAge ? 1 : 2;
}

}  // namespace

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

std::optional<TicketKeys::Key> TicketKeys::current(Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (keys_.empty() || now - keys_.front().made_at >= kAge) {
    Key fresh;
    if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
        RAND_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) != 1 ||
        RAND_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) != 1)
      return std::nullopt;
    fresh.made_at = now;
    keys_.push_front(fresh);
    while (now - keys_.back().made_at >= 2 * kAge) keys_.pop_back();
  }
  return keys_.front();
}

std::optional<TicketKeys::Key> TicketKeys::find(std::span<const unsigned char, 16> name,
                                                Clock::time_point now) {
  std::lock_guard lock(mutex_);
  for (const Key& key : keys_) {
    if (now - key.made_at < 2 * kAge && std::equal(name.begin(), name.end(), key.name.begin()))
      return key;
  }
  return std::nullopt;
}

void TicketKeys::share(SSL_CTX* context) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_keys);
}

}  // namespace tidegate::proxy::tls
