#include "proxy/tls/peer_certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string>
#include <string_view>

namespace tidegate::proxy::tls {
namespace {

std::string take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, size > 0 ? static_cast<std::size_t>(size) : 0);
  BIO_free(bio);
  return out;
}

std::string name_text(const X509_NAME* name) {
  BIO* bio = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return take(bio);
}

std::string pem_text(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return take(bio);
}

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

std::string fingerprint(X509* certificate, const EVP_MD* how) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, how, digest, &size) != 1) return {};
  return hex(digest, size);
}

std::string serial_text(X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return hex(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* at) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(at, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

/// A name as it stands in the certificate; bytes that would end a line or a quoted text are left
/// out.
std::string clean(const ASN1_STRING* text) {
  const std::string_view all(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                             static_cast<std::size_t>(ASN1_STRING_length(text)));
  std::string out;
  for (const char c : all) {
    if (static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '"' && c != ',' && c != ';')
      out += c;
  }
  return out;
}

void add_names(X509* certificate, net::CertificateFacts& out) {
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(all, i);
    if (one->type == GEN_URI) {
      out.uri_sans.push_back(clean(one->d.uniformResourceIdentifier));
    } else if (one->type == GEN_DNS) {
      out.dns_sans.push_back(clean(one->d.dNSName));
    } else if (one->type == GEN_EMAIL) {
      out.email_sans.push_back(clean(one->d.rfc822Name));
    } else if (one->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(one->d.iPAddress);
      char text[INET6_ADDRSTRLEN] = "";
      if (size == 4 || size == 16) {
        ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(one->d.iPAddress), text,
                    sizeof text);
        out.ip_sans.emplace_back(text);
      }
    }
  }
  GENERAL_NAMES_free(all);
}

}  // namespace

std::shared_ptr<const net::CertificateFacts> describe_certificate(X509* certificate,
                                                                  const STACK_OF(X509) * chain) {
  auto out = std::make_shared<net::CertificateFacts>();
  out->subject = name_text(X509_get_subject_name(certificate));
  out->issuer = name_text(X509_get_issuer_name(certificate));
  out->serial = serial_text(certificate);
  out->fingerprint_256 = fingerprint(certificate, EVP_sha256());
  out->fingerprint_1 = fingerprint(certificate, EVP_sha1());
  out->pem = pem_text(certificate);
  out->chain_pem = out->pem;
  out->valid_from = time_of(X509_get0_notBefore(certificate));
  out->valid_until = time_of(X509_get0_notAfter(certificate));
  add_names(certificate, *out);
  auto add = [&out](X509* one) {
    out->chain_fingerprints_256.push_back(fingerprint(one, EVP_sha256()));
    out->chain_fingerprints_1.push_back(fingerprint(one, EVP_sha1()));
    out->chain_serials.push_back(serial_text(one));
  };
  add(certificate);
  // A server's list does not have the peer's own certificate in it.
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* one = sk_X509_value(chain, i);
    if (X509_cmp(one, certificate) == 0) continue;
    out->chain_pem += pem_text(one);
    add(one);
  }
  return out;
}

}  // namespace tidegate::proxy::tls
