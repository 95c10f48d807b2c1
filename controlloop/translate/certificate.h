#pragma once

#include <string>
#include <string_view>

#include "config/kinds/core/secret_object.h"
#include "config/kinds/gateway/references.h"
#include "config/object_set.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// Why a Secret is no certificate with its key; empty where it is one. The message never holds a
/// part of the key.
std::string certificate_problem(const config::SecretObject& secret);

/// The same of two texts, which the message calls by these names.
std::string pair_problem(std::string_view chain, std::string_view key, std::string_view chain_name,
                         std::string_view key_name);

/// Whether the text begins with a certificate that can be read.
bool is_certificate(std::string_view pem);

/// The certificates of a text alone: those who put the key beside them do not mean to show it.
std::string certificates_in(std::string_view pem);

/// What a reference to a certificate with its key led to.
struct ResolvedCertificate {
  std::string name;    // in Snapshot::certificates
  std::string reason;  // InvalidCertificateRef or RefNotPermitted; empty: it resolves
  std::string message;
};

/// Adds the certificate to the snapshot. Source: Gateway API SecretObjectReference.
ResolvedCertificate resolve_certificate(const config::ObjectSet& objects,
                                        std::string_view from_kind,
                                        const std::string& from_namespace,
                                        const config::SecretRef& ref, proxy::Snapshot& snapshot);

}  // namespace tidegate::controlloop::translate
