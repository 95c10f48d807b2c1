#pragma once

#include <openssl/ossl_typ.h>
#include <openssl/x509.h>

#include <memory>

#include "proxy/net/certificate_facts.h"

namespace tidegate::proxy::tls {

/// Reads out what is printed of a peer's certificate. `chain` is what it sent, or null.
std::shared_ptr<const net::CertificateFacts> describe_certificate(X509* certificate,
                                                                  const STACK_OF(X509) * chain);

}  // namespace tidegate::proxy::tls
