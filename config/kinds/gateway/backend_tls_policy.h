#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/references.h"

namespace tidegate::config {

struct SubjectAltName {
  enum class Type { kHostname, kUri };
  Type type = Type::kHostname;
  std::string hostname;
  std::string uri;
  bool operator==(const SubjectAltName&) const = default;
};

/// Source: Gateway API BackendTLSPolicy.
struct BackendTlsPolicy {
  struct Validation {
    std::vector<LocalObjectRef> ca_certificate_refs;
    std::string well_known_ca_certificates;  // "System" or empty
    std::string hostname;                    // SNI, and what the certificate must name
    std::vector<SubjectAltName> subject_alt_names;
    bool operator==(const Validation&) const = default;
  };
  Meta meta;
  std::vector<PolicyTargetRef> target_refs;
  Validation validation;
  std::map<std::string, std::string> options;
  bool operator==(const BackendTlsPolicy&) const = default;
};

}  // namespace tidegate::config
