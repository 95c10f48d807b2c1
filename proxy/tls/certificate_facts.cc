#include "proxy/tls/certificate_facts.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <memory>

namespace tidegate::proxy::tls {
namespace {

std::time_t time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

std::string serial_of(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  if (number == nullptr) return {};
  char* text = BN_bn2hex(number);
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  BN_free(number);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::string ip_text(const ASN1_OCTET_STRING* bytes) {
  const unsigned char* data = ASN1_STRING_get0_data(bytes);
  if (ASN1_STRING_length(bytes) == 4) {
    boost::asio::ip::address_v4::bytes_type four;
    std::memcpy(four.data(), data, 4);
    return boost::asio::ip::address_v4(four).to_string();
  }
  if (ASN1_STRING_length(bytes) == 16) {
    boost::asio::ip::address_v6::bytes_type sixteen;
    std::memcpy(sixteen.data(), data, 16);
    return boost::asio::ip::address_v6(sixteen).to_string();
  }
  return {};
}

void read_names(const X509* certificate, CertificateFacts& out) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    auto text = [](const ASN1_IA5STRING* from) {
      return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(from)),
                         static_cast<std::size_t>(ASN1_STRING_length(from)));
    };
    if (name->type == GEN_DNS) out.sans.emplace_back("dns", text(name->d.dNSName));
    if (name->type == GEN_URI)
      out.sans.emplace_back("uri", text(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) out.sans.emplace_back("ip_address", ip_text(name->d.iPAddress));
  }
  GENERAL_NAMES_free(names);
}

}  // namespace

std::vector<CertificateFacts> read_certificates(const std::string& pem) {
  std::vector<CertificateFacts> out;
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bytes(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  while (bytes) {
    std::unique_ptr<X509, decltype(&X509_free)> one(
        PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr), X509_free);
    if (!one) break;
    CertificateFacts& facts = out.emplace_back();
    facts.serial = serial_of(one.get());
    facts.valid_from = time_of(X509_get0_notBefore(one.get()));
    facts.expires = time_of(X509_get0_notAfter(one.get()));
    read_names(one.get(), facts);
  }
  ERR_clear_error();  // the end of the text counts as one
  return out;
}

}  // namespace tidegate::proxy::tls
