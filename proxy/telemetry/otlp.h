#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/rpc/protobuf.h"
#include "proxy/snapshot/telemetry.h"
#include "proxy/telemetry/trace_context.h"

/// OpenTelemetry's protocol: what spans and log entries look like on the wire.
/// Source: opentelemetry-proto 1 (trace.proto, logs.proto, resource.proto, ..._service.proto).
namespace tidegate::proxy::telemetry {

inline constexpr std::string_view kTraceExportPath =
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
inline constexpr std::string_view kLogsExportPath =
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// One span, but for its attributes and events, which follow it in the same message.
struct Span {
  enum class Kind : std::uint8_t { kServer = 2, kClient = 3 };
  TraceId trace;
  SpanId id;
  SpanId parent;  // all zeros: it is the first
  bool parent_remote = false;
  std::string_view trace_state;  // as `tracestate` came
  std::string_view name;
  Kind kind = Kind::kServer;
  std::chrono::system_clock::time_point start, end;
  bool error = false;
};
void print(const Span& span, rpc::ProtoWriter& out);
void add_span_attribute(rpc::ProtoWriter& out, std::string_view key, std::string_view value);
void add_span_event(rpc::ProtoWriter& out, std::string_view name,
                    std::chrono::system_clock::time_point time);

/// A KeyValue whose value is a string, also an empty one.
void add_attribute(rpc::ProtoWriter& out, std::uint32_t field, std::string_view key,
                   std::string_view value);

/// A Resource message: attributes of the collector's settings, ours, and what the variable
/// OTEL_RESOURCE_ATTRIBUTES adds. `environment`: its content; null: it is not looked at.
/// Source: OpenTelemetry, "Resource SDK" (percent-encoded values; a malformed list is none).
std::string resource_of(const Collector& collector, const char* environment);

/// ExportTraceServiceRequest or ExportLogsServiceRequest, which have the same shape, of records
/// that are fields 2 each.
std::string export_request(std::string_view resource, std::string_view records);

/// How many of what was sent the collector has refused. Source: ExportTracePartialSuccess.
std::uint64_t rejected_by(std::string_view response);

/// Whether the same call may go better later. Source: OTLP 1, "Failures".
bool retryable_grpc(int status);
bool retryable_http(int status);

}  // namespace tidegate::proxy::telemetry
