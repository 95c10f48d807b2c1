#include "proxy/tls/handshake_stats.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "proxy/tls/error.h"

namespace tidegate::proxy::tls {

void count_handshake(const net::ConnectionFacts& facts, SslStats& stats) {
  stats.ssl_handshake.add();
  if (facts.tls_resumed) stats.ssl_session_reused.add();
  if (!facts.peer) stats.ssl_no_certificate.add();
  stats.ssl_versions.add(facts.tls_version);
  stats.ssl_ciphers.add(facts.tls_cipher);
  if (!facts.tls_group.empty()) stats.ssl_curves.add(facts.tls_group);
}

void count_failure(error_code failed, SslStats& stats) {
  if (failed == name_mismatch()) return stats.ssl_fail_verify_san.add();
  if (failed.category() == category()) {
    const int reason =
        ERR_GET_REASON(static_cast<unsigned long>(static_cast<unsigned>(failed.value())));
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
      return stats.ssl_fail_verify_no_cert.add();
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return stats.ssl_fail_verify_error.add();
  }
  stats.ssl_connection_error.add();
}

}  // namespace tidegate::proxy::tls
