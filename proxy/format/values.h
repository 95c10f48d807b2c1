#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/format/response_flags.h"
#include "proxy/http/message.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/snapshot/origin.h"

namespace tidegate::proxy::format {

/// Moments of an exchange, as %COMMON_DURATION% names them: DS is the client's side, US the
/// backend's (of the last attempt), RX what we receive, TX what we send, CX the connection, HS its
/// TLS handshake.
enum class Point : std::uint8_t {
  kDownstreamConnectionBegin,
  kDownstreamConnectionEnd,
  kDownstreamReceiveBegin,
  kDownstreamReceiveEnd,
  kUpstreamConnectionBegin,
  kUpstreamConnectionEnd,
  kUpstreamHandshakeEnd,
  kUpstreamSendBegin,
  kUpstreamSendEnd,
  kUpstreamReceiveBegin,
  kUpstreamReceiveBodyBegin,
  kUpstreamReceiveEnd,
  kDownstreamSendBegin,
  kDownstreamSendEnd,
};
inline constexpr std::size_t kPoints = 14;
/// One that has not been reached (or is not recorded) has the clock's epoch.
using Points = std::array<std::chrono::steady_clock::time_point, kPoints>;

/// An endpoint that an attempt was made on.
struct AttemptedHost {
  std::string_view address;  // "127.0.0.1:9000"
  std::string_view name;     // DNS name; empty: it was given as an address
};

/// What is known of an exchange, or of a connection below HTTP, when somebody asks. All is borrowed
/// for the call; what is not known is null or empty and renders as missing.
struct Values {
  const http::RequestHead* request = nullptr;    // null: a connection, or no head was understood
  const http::ResponseHead* response = nullptr;  // the fields that Needs::response asked for
  const http::Fields* response_trailers = nullptr;
  const net::ConnectionFacts* downstream = nullptr;
  const net::ConnectionFacts* upstream = nullptr;  // of the connection that was used last
  std::string_view client_ip;      // by X-Forwarded-For; empty: the connection's peer
  std::string_view original_path;  // before a rewrite; empty: it is the request's
  bool http = true;                // false: bytes below HTTP

  std::chrono::system_clock::time_point started;  // first byte of the request, or the connection
  std::chrono::steady_clock::duration duration{};
  const Points* points = nullptr;  // null: not recorded

  int status = 0;  // 0: nothing was sent
  ResponseFlags flags;
  std::string_view details;             // RESPONSE_CODE_DETAILS
  std::string_view termination;         // why the connection was ended
  std::string_view upstream_failure;    // of connecting, TLS included
  std::string_view downstream_failure;  // of the client's handshake
  std::uint64_t bytes_received = 0;     // of bodies; below HTTP all
  std::uint64_t bytes_sent = 0;
  std::uint32_t attempts = 0;

  std::string_view upstream_host;  // "127.0.0.1:9000"
  std::string_view upstream_host_name;
  std::string_view upstream_cluster;
  bool upstream_http2 = false;
  std::span<const AttemptedHost> hosts_attempted;
  const Origin* route = nullptr;  // of the rule that was taken
  std::string_view route_name;
  std::string_view listener_name;  // FILTER_CHAIN_NAME

  const boost::json::object* dynamic_metadata = nullptr;  // by name space
  std::string_view trace_id, span_id;                     // lower-case hex
  std::string_view local_reply_body;                      // in formats of local replies
  bool health_check = false;                              // answered by the health-check filter
  bool traced = false;                                    // the trace decision was yes
  Random* random = nullptr;                               // of this worker, for UNIQUE_ID
};

/// A request field by name, pseudo headers included; a missing one has no data(). `several`: there
/// are more lines of that name.
std::string_view request_field(const Values& values, std::string_view name, bool& several);
std::string_view response_field(const Values& values, std::string_view name, bool& several);

/// gRPC's status: of the trailers, else of the head, else what the HTTP status stands for where the
/// request was gRPC's. -1: none.
int grpc_status(const Values& values);
/// "InvalidArgument" or "INVALID_ARGUMENT"; empty: no such status.
std::string_view grpc_status_name(int status, bool camel_case);
/// -1: there is no status of that name, in either form.
int grpc_status_from(std::string_view name);

}  // namespace tidegate::proxy::format
