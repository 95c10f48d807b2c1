#pragma once

#include <boost/describe/class.hpp>

#include "proxy/runtime/counters.h"

namespace tidegate::proxy {

/// `tidegate_limit_hits_total{limit}`: work that was turned away because it is above a limit. A
/// member's name is the label, and docs/reference/options.md has each one's size. What Envoy
/// counts one to one (connections, streams' heads that are late) is not counted twice: telemetry
/// adds it from there. Each worker has its own.
struct LimitStats {
  Counter head_bytes, head_fields, target_bytes, trailers;  // of requests; trailers of bodies too
  Counter body_time, send_time;                             // in which nothing moved
  Counter request_body, response_body;                      // that a policy has to gather
  Counter informational;                                    // 1xx of a backend
  Counter http2_streams, http2_window, http2_resets, http2_frames, http2_continuations;
  Counter memory_held;  // connections that were closed for it
};
BOOST_DESCRIBE_STRUCT(LimitStats, (),
                      (head_bytes, head_fields, target_bytes, trailers, body_time, send_time,
                       request_body, response_body, informational, http2_streams, http2_window,
                       http2_resets, http2_frames, http2_continuations, memory_held))

}  // namespace tidegate::proxy
