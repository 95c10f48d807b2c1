#include "controlloop/translate/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace tidegate::controlloop::translate {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

BioPtr memory(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string certificate_problem(const config::SecretObject& secret) {
  auto chain = secret.data.find("tls.crt");
  auto key = secret.data.find("tls.key");
  if (chain == secret.data.end() || chain->second.empty()) return "has no tls.crt";
  if (key == secret.data.end() || key->second.empty()) return "has no tls.key";
  BioPtr chain_pem = memory(chain->second.reveal());
  std::unique_ptr<X509, Freed<X509_free>> leaf(
      PEM_read_bio_X509(chain_pem.get(), nullptr, nullptr, nullptr));
  BioPtr key_pem = memory(key->second.reveal());
  std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> private_key(PEM_read_bio_PrivateKey(
      key_pem.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  ERR_clear_error();
  if (!leaf) return "tls.crt is no PEM certificate";
  if (!private_key) return "tls.key is no PEM private key";
  const bool pair = X509_check_private_key(leaf.get(), private_key.get()) == 1;
  ERR_clear_error();
  return pair ? std::string() : "tls.key does not belong to tls.crt";
}

}  // namespace tidegate::controlloop::translate
