#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proxy/format/values.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/loop.h"
#include "proxy/telemetry/otlp.h"
#include "proxy/telemetry/sampling.h"
#include "proxy/telemetry/tracer.h"

namespace tidegate::proxy::exchange {

/// The spans of one exchange, where its site has tracing. Ids go to the backend and into logs also
/// where nothing is recorded. Source: tracing.md; W3C Trace Context; Envoy, "Tracing".
class Trace {
 public:
  /// All outlive it.
  Trace(const telemetry::Tracer& tracer, Loop& loop, Arena& arena)
      : tracer_(tracer), loop_(loop), arena_(arena) {}

  /// Once the rule is known, `route` what it says, null: nothing. Decides, and reads what the
  /// request brings. `internal`: the client is one of ours.
  void begin(http::RequestHead& request, const RouteTracing* route, bool internal,
             bool health_check, HttpStats& stats);

  /// Before an attempt: the request tells the backend whose child it is.
  void attempt_begins(http::RequestHead& request);
  /// The backend has answered.
  void attempt_answered(int status) { attempt_status_ = status; }
  /// `failed`: why there was no answer that counts.
  void attempt_ends(const std::optional<error_code>& failed, const format::Values& values);

  /// Before an answer is sent: it may name the span.
  void answer(http::ResponseHead& head, const http::RequestHead& request);
  void describe(format::Values& values) const;
  /// The exchange is over; `values` is all that is known of it.
  void finish(const format::Values& values) const;

 private:
  bool valid() const { return trace_.valid(); }
  std::string_view traceparent(telemetry::SpanId of) const;
  telemetry::Span span(telemetry::SpanId id) const;
  void print_attempt(rpc::ProtoWriter& out, const std::optional<error_code>& failed,
                     const format::Values& values) const;
  void print_exchange(rpc::ProtoWriter& out, const format::Values& values) const;
  void print_grpc(rpc::ProtoWriter& out, const format::Values& values) const;
  void print_events(rpc::ProtoWriter& out, const format::Values& values) const;

  const telemetry::Tracer& tracer_;
  Loop& loop_;
  Arena& arena_;
  const RouteTracing* route_ = nullptr;
  telemetry::TraceReason reason_ = telemetry::TraceReason::kNotTraceable;
  bool recorded_ = false;
  telemetry::TraceId trace_;    // invalid: what the request brings is malformed, and left alone
  telemetry::SpanId server_;    // the exchange's span
  telemetry::SpanId parent_;    // the client's; invalid: none
  std::string_view state_;      // tracestate
  std::string_view path_;       // as it came
  std::string_view operation_;  // the span's name; empty: the usual one
  char hex_[48] = {};           // of trace and span, for logs
  // Of the attempt under way:
  telemetry::SpanId attempt_;
  std::chrono::system_clock::time_point attempt_began_;
  int attempt_status_ = 0;
  std::uint32_t attempts_ = 0;
};

}  // namespace tidegate::proxy::exchange
