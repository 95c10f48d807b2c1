#pragma once

#include "base/result.h"
#include "proxy/net/facts.h"
#include "proxy/runtime/stats.h"

namespace tidegate::proxy::tls {

/// A handshake that went well, by what it came to.
void count_handshake(const net::ConnectionFacts& facts, SslStats& stats);
/// One that did not: refused certificates apart from other errors. Source: metrics.md.
void count_failure(error_code failed, SslStats& stats);

}  // namespace tidegate::proxy::tls
