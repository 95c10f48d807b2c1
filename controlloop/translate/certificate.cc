#include "controlloop/translate/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "controlloop/translate/reference_grant.h"

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
  return pair_problem(chain->second.reveal(), key->second.reveal(), "tls.crt", "tls.key");
}

std::string pair_problem(std::string_view chain, std::string_view key, std::string_view chain_name,
                         std::string_view key_name) {
  BioPtr chain_pem = memory(chain);
  std::unique_ptr<X509, Freed<X509_free>> leaf(
      PEM_read_bio_X509(chain_pem.get(), nullptr, nullptr, nullptr));
  BioPtr key_pem = memory(key);
  std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> private_key(PEM_read_bio_PrivateKey(
      key_pem.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  ERR_clear_error();
  if (!leaf) return fmt::format("{} is no PEM certificate", chain_name);
  if (!private_key) return fmt::format("{} is no PEM private key", key_name);
  const bool pair = X509_check_private_key(leaf.get(), private_key.get()) == 1;
  ERR_clear_error();
  return pair ? std::string() : fmt::format("{} does not belong to {}", key_name, chain_name);
}

bool is_certificate(std::string_view pem) {
  BioPtr bytes = memory(pem);
  std::unique_ptr<X509, Freed<X509_free>> one(
      PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return one != nullptr;
}

std::string certificates_in(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kDashes = "-----";
  std::string out;
  for (std::size_t at = pem.find(kBegin); at != pem.npos; at = pem.find(kBegin, at)) {
    const std::size_t name = at + kBegin.size();
    if (at > 0 && pem[at - 1] != '\n') {  // in the middle of a line it is text
      at = name;
      continue;
    }
    const std::size_t name_end = pem.find(kDashes, name);
    if (name_end == pem.npos) break;
    const std::string_view what = pem.substr(name, name_end - name);
    const std::string last = fmt::format("-----END {}-----", what);
    const std::size_t end = pem.find(last, name_end);
    if (end == pem.npos) break;
    // One without an end takes nothing of others with it.
    if (const std::size_t next = pem.find("\n-----BEGIN ", name_end); next < end) {
      at = next + 1;
      continue;
    }
    if (what.ends_with("CERTIFICATE")) {
      out += pem.substr(at, end + last.size() - at);
      out += '\n';
    }
    at = end + last.size();
  }
  return out;
}

ResolvedCertificate resolve_certificate(const config::ObjectSet& objects,
                                        std::string_view from_kind,
                                        const std::string& from_namespace,
                                        const config::SecretRef& ref, proxy::Snapshot& snapshot) {
  const std::string space = ref.namespace_.value_or(from_namespace);
  if (!ref.group.empty() || ref.kind != "Secret") {
    return {"", "InvalidCertificateRef",
            fmt::format("a certificate is a Secret, not a {}{}{}", ref.group,
                        ref.group.empty() ? "" : "/", ref.kind)};
  }
  if (!permitted(objects, {config::kGatewayGroup, from_kind, from_namespace, "", "Secret", space,
                           ref.name})) {
    return {"", "RefNotPermitted",
            fmt::format("no ReferenceGrant lets it use Secret {}/{}", space, ref.name)};
  }
  const auto* secret = objects.find<config::SecretObject>(space, ref.name);
  std::string wrong = secret ? certificate_problem(*secret) : "does not exist";
  if (!wrong.empty()) {
    return {"", "InvalidCertificateRef", fmt::format("Secret {}/{} {}", space, ref.name, wrong)};
  }
  std::string name = space + "/" + ref.name;
  proxy::Certificate& certificate = snapshot.certificates[name];
  certificate.origin = {"Secret", space, ref.name, "", secret->meta.file, secret->meta.line};
  certificate.chain_pem = certificates_in(secret->data.at("tls.crt").reveal());
  certificate.key_pem = secret->data.at("tls.key");
  return {std::move(name), "", ""};
}

}  // namespace tidegate::controlloop::translate
