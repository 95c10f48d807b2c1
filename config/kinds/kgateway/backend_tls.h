#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// TLS to a backend. Exactly one of `secret_ref`, `files`, `insecure_skip_verify` and
/// `well_known_ca_certificates`. Source: BackendConfigPolicy TLS.
struct BackendTls {
  enum class Version { kAuto, k10, k11, k12, k13 };
  struct Files {  // on the proxy's disk; at least one
    std::optional<std::string> tls_certificate;
    std::optional<std::string> tls_key;
    std::optional<std::string> root_ca;
    bool operator==(const Files&) const = default;
  };
  struct Parameters {
    std::optional<Version> min_version;
    std::optional<Version> max_version;
    std::vector<std::string> cipher_suites;
    std::vector<std::string> ecdh_curves;
    std::vector<std::string> signature_algorithms;
    bool operator==(const Parameters&) const = default;
  };
  std::optional<LocalName> secret_ref;  // tls.crt, tls.key, ca.crt
  std::optional<Files> files;
  std::optional<std::string> well_known_ca_certificates;  // "System"
  std::optional<bool> insecure_skip_verify;
  std::optional<std::string> sni;
  std::vector<std::string> verify_subject_alt_names;
  std::optional<Parameters> parameters;
  std::vector<std::string> alpn_protocols;  // empty: h2, http/1.1
  bool allow_renegotiation = false;
  bool simple_tls = false;  // verify the backend only, even where there is a client certificate
  bool operator==(const BackendTls&) const = default;
};

}  // namespace tidegate::config::kgateway
