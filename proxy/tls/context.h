#pragma once

#include <openssl/ossl_typ.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proxy/snapshot/cluster.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::tls {

using ContextPtr = std::shared_ptr<SSL_CTX>;

/// The contexts of one listener by the SNI that they answer to. Immutable; shared by all workers.
class ServerContexts {
 public:
  struct Entry {
    std::string hostname;  // exact, "*.example.com", or empty: any
    ContextPtr context;    // null: it could not be made; handshakes for the name are refused
  };
  explicit ServerContexts(std::vector<Entry> entries);

  /// The most specific one: exact, the longest wildcard, any. Null where none matches: the
  /// handshake is refused.
  SSL_CTX* find(std::string_view sni) const;
  /// What a handshake begins with, before the client has named anybody: it demands and restricts
  /// nothing; null where there is none at all.
  SSL_CTX* any() const { return beginning_.get(); }
  /// The handshake goes on with this one, with all that it demands and restricts.
  static void choose(SSL* ssl, SSL_CTX* context);

 private:
  std::vector<Entry> entries_;
  ContextPtr beginning_;
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;
};

/// TLS 1.2 and 1.3, the server's order of ciphers, no renegotiation, stateless tickets whose keys
/// all contexts of the process share. Several certificates are picked by the client's algorithms.
/// Errors: a certificate or key that OpenSSL does not read, a pair that does not belong together.
Result<ContextPtr> make_server_context(const TlsTermination& termination,
                                       const std::map<std::string, Certificate>& certificates);

/// Verifies the peer, against `tls.ca_pem` or the system's authorities, unless the options say
/// "insecure".
Result<ContextPtr> make_client_context(const UpstreamTls& tls,
                                       const std::map<std::string, Certificate>& certificates);

}  // namespace tidegate::proxy::tls
