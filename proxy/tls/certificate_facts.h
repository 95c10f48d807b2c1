#pragma once

#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace tidegate::proxy::tls {

/// What a certificate says of itself, for people.
struct CertificateFacts {
  std::string serial;                                     // hexadecimal, lower case
  std::vector<std::pair<std::string, std::string>> sans;  // kind ("dns", "uri", "ip_address"), name
  std::time_t valid_from = 0;
  std::time_t expires = 0;
};

/// The certificates of a PEM text, in order; what cannot be read is left out.
std::vector<CertificateFacts> read_certificates(const std::string& pem);

}  // namespace tidegate::proxy::tls
