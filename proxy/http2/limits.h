#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proxy/http/limits.h"

namespace tidegate::proxy::http2 {

/// What a peer may ask of one connection. Memory a connection can take: windows, heads of its
/// streams, output.
struct Limits {
  http::HeadLimits head;
  /// That the peer may open (what is done above is in session.cc); client: that we open.
  std::uint32_t concurrent_streams = 100;
  std::uint32_t streams_total_max = 0;  // client: that we open in its life; 0: any number
  std::uint32_t stream_window_bytes =
      256 * 1024;  // DATA the peer may send on a stream that nobody reads
  /// What a stream begins with: it gets the whole once somebody has read half of it. 0: the whole.
  std::uint32_t first_window_bytes = 0;
  std::uint32_t connection_window_bytes = 1024 * 1024;  // the same, of all streams
  std::size_t output_bytes =
      64 * 1024;  // gathered for one write; streams wait when it is not taken
  std::uint32_t resets_max =
      200;  // unfinished streams the peer cancels or breaks per `guard_period`
  std::uint32_t empty_frames_max =
      1000;  // SETTINGS, PING, PRIORITY, unknown ones, DATA without bytes, HEADERS of streams above
             // the limit per `guard_period`
  std::chrono::seconds guard_period{10};
  std::size_t acks_waiting_max = 1000;  // answers to PING and SETTINGS that the peer does not take
  std::size_t continuations_max = 16;   // CONTINUATION frames of one head
  std::size_t informational_max = 16;   // 1xx heads of one response
  bool extended_connect = true;         // announce RFC 8441 (server)
};

/// Limits for a connection to an upstream. Its window is as large as those of all streams that we
/// open: clients who are slow to take their answers must not hold up the others that share the
/// connection. A stream whose client takes nothing holds a quarter of its window.
inline Limits upstream_limits() {
  Limits out;
  out.connection_window_bytes = out.stream_window_bytes * out.concurrent_streams;
  out.first_window_bytes = out.stream_window_bytes / 4;
  return out;
}

}  // namespace tidegate::proxy::http2
