#pragma once

#include <string>
#include <string_view>

#include "proxy/format/values.h"
#include "proxy/rpc/protobuf.h"
#include "proxy/snapshot/telemetry.h"

/// Entries of Envoy's gRPC access log service.
/// Source: envoy.data.accesslog.v3, envoy.service.accesslog.v3 (Envoy 1.40).
namespace tidegate::proxy::telemetry {

inline constexpr std::string_view kEnvoyLogPath =
    "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/// HTTPAccessLogEntry; TCPAccessLogEntry where the values are those of a connection below HTTP.
void print_envoy_entry(const RemoteLog& log, const format::Values& values, rpc::ProtoWriter& out);

/// StreamAccessLogsMessage with who sends it, of entries that are fields 1 each.
std::string envoy_log_message(const Collector& collector, std::string_view entries,
                              bool connections);

}  // namespace tidegate::proxy::telemetry
