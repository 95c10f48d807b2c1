#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tidegate::proxy::net {

/// What is printed of a certificate: in access logs, in X-Forwarded-Client-Cert.
struct CertificateFacts {
  std::string subject;          // RFC 2253: "O=Acme,CN=client one"
  std::string issuer;           // RFC 2253
  std::string serial;           // lower-case hex, as the two below
  std::string fingerprint_256;  // SHA-256 of the DER form
  std::string fingerprint_1;    // SHA-1
  std::string pem;
  std::string chain_pem;  // it and what the peer sent with it
  std::vector<std::string> uri_sans, dns_sans, ip_sans, email_sans;
  std::vector<std::string> chain_fingerprints_256, chain_fingerprints_1, chain_serials;
  std::chrono::system_clock::time_point valid_from, valid_until;
};

}  // namespace tidegate::proxy::net
