#pragma once

#include <boost/system/error_category.hpp>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace tidegate::proxy::http2 {

/// Why a stream, or the whole connection, has failed.
enum class Error {
  kRefused = 1,   // REFUSED_STREAM, or above the last stream of a GOAWAY: the peer did nothing with
                  // the request
  kNotUsable,     // no new stream on this connection (GOAWAY, or all stream ids used): nothing was
                  // sent
  kReset,         // RST_STREAM by the peer
  kCancelled,     // given up by us
  kClosed,        // the connection has gone
  kProtocol,      // the peer broke RFC 9113; connection error
  kMalformed,     // the message broke RFC 9113 section 8; stream error
  kHeadTooLarge,  // head or trailers above the limits
  kFlood,         // the peer made us work for nothing: ENHANCE_YOUR_CALM
  kUpgradeUnsupported,  // extended CONNECT, and the peer did not announce it
  kIdle,                // nothing to do for the idle timeout
};

/// Whether a request that failed so was certainly not processed (RFC 9113 section 8.7).
bool retry_safe(const error_code& code);
std::string_view text(Error error);
const boost::system::error_category& category();
inline error_code make_error_code(Error error) { return {static_cast<int>(error), category()}; }

}  // namespace tidegate::proxy::http2

template <>
struct boost::system::is_error_code_enum<tidegate::proxy::http2::Error> : std::true_type {};
