#pragma once

#include <openssl/bio.h>

#include <cstdint>

#include "proxy/net/socket.h"

namespace tidegate::proxy::tls {

/// What OpenSSL reads from and writes to. Its own socket BIO asks the kernel each time; this one
/// knows from the poller when that is in vain, which it is after nearly every request.
struct SocketBio {
  net::Socket* socket;
  bool look = false;   // ask the kernel anyway: what it has may not have been reported yet
  bool ended = false;  // the peer's FIN has been read
  bool later = false;  // what is written may go out at the end of the turn
  /// Of TLS itself, since the last byte for us. OpenSSL reads on as long as any come, and its loop
  /// serves nobody else meanwhile: beyond the limit nothing is read any more.
  std::uint32_t own_messages = 0;
  static constexpr std::uint32_t kOwnMessagesMax = 64;

  /// Speaks of `this`, which outlives it; null: out of memory.
  BIO* make();
};

}  // namespace tidegate::proxy::tls
