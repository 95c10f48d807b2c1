#pragma once

#include "proxy/filters/filter.h"

namespace tidegate::proxy::filters {

/// For filters that have to see a whole body: Call::reply, and the verdict that it is the answer.
inline Verdict answer_request_too_large(Call& call) {
  call.stats.downstream_rq_too_large.add();
  call.stats.limits.request_body.add();
  call.reply = Reply{413, {}, "request body too large\n", "-", "request_payload_too_large"};
  return Verdict::kReply;
}
inline Verdict answer_too_large(Call& call) {
  call.stats.limits.response_body.add();
  call.reply =
      Reply{500, {}, "the backend's answer is too large\n", "-", "response_payload_too_large"};
  return Verdict::kReply;
}
inline Verdict answer_broken_off(Call& call) {
  call.reply = Reply{502,
                     {},
                     "the backend failed before its answer was whole\n",
                     "UC",
                     "upstream_reset_before_response_body_ended"};
  return Verdict::kReply;
}

}  // namespace tidegate::proxy::filters
