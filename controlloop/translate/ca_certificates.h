#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "config/object_set.h"

namespace tidegate::controlloop::translate {

/// What a list of references to certificate authorities led to.
struct CaCertificates {
  std::string pem;     // of those that could be read; empty: none could
  std::string reason;  // of ResolvedRefs: False; empty: all could be read
  std::string message;
};

/// The authorities in `ca.crt` of ConfigMaps (or Secrets). Reasons: InvalidCACertificateRef,
/// InvalidCACertificateKind, RefNotPermitted. Source: Gateway API FrontendTLSValidation,
/// BackendTLSPolicyValidation.
CaCertificates ca_certificates(const config::ObjectSet& objects, std::string_view from_kind,
                               const std::string& from_namespace,
                               const std::vector<config::ObjectRef>& refs);

}  // namespace tidegate::controlloop::translate
