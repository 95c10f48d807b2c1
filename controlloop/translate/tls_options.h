#pragma once

#include <map>
#include <string>
#include <vector>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What a listener's `tls.options` came to.
struct TlsOptions {
  std::string error;                  // a value that cannot be: the listener is refused
  std::vector<std::string> warnings;  // options and names that are passed over
};

/// Sets what kgateway's options say: kgateway.dev/min-tls-version, max-tls-version, cipher-suites
/// (names of IANA or OpenSSL), ecdh-curves, signature-algorithms, alpn-protocols; lists are
/// separated by commas. An option under kgateway.dev/ that is not known is an error, since it may
/// have been meant to restrict; others are none of ours.
TlsOptions read_tls_options(const std::map<std::string, std::string>& options,
                            proxy::TlsTermination& to);

}  // namespace tidegate::controlloop::translate
