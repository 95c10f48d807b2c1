#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::telemetry {

/// What is known of an exchange when it has ended. All is borrowed for the call.
struct LogEntry {
  const http::RequestHead* request = nullptr;
  const net::ConnectionFacts* facts = nullptr;
  std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
  int status = 0;           // 0: nothing was sent
  const char* flags = "-";  // Envoy's response flags
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  double duration_ms = 0;
  std::string_view upstream_host;
  std::string_view upstream_cluster;
  std::string_view route_name;
};

/// A line of text with Envoy's operators: `%NAME%`, `%NAME(PARAMETER)%`, `%NAME(PARAMETER):N%` (at
/// most N bytes), `%%`. Knows START_TIME, PROTOCOL, RESPONSE_CODE, RESPONSE_FLAGS, BYTES_RECEIVED,
/// BYTES_SENT, DURATION, REQ(X?Y), UPSTREAM_HOST, UPSTREAM_CLUSTER, ROUTE_NAME,
/// DOWNSTREAM_REMOTE_ADDRESS, DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT, DOWNSTREAM_LOCAL_ADDRESS,
/// REQUESTED_SERVER_NAME, DOWNSTREAM_TLS_VERSION, DOWNSTREAM_TLS_CIPHER. A value that is missing is
/// "-".
class LogFormat {
 public:
  /// Envoy's default line.
  static const char kDefault[];

  /// `problem` says where and why a format is wrong; empty where it is right.
  static LogFormat compile(std::string_view text, std::string& problem);

  void render(const LogEntry& entry, std::string& out) const;

 private:
  enum class Operator : std::uint8_t {
    kText,
    kStartTime,
    kProtocol,
    kResponseCode,
    kResponseFlags,
    kBytesReceived,
    kBytesSent,
    kDuration,
    kRequestField,
    kUpstreamHost,
    kUpstreamCluster,
    kRouteName,
    kRemoteAddress,
    kRemoteAddressWithoutPort,
    kLocalAddress,
    kServerName,
    kTlsVersion,
    kTlsCipher,
  };
  struct Part {
    Operator what = Operator::kText;
    std::string text;         // literal, or field name
    std::string alternative;  // REQ(X?Y)
    std::size_t bytes_max = std::string::npos;
  };
  static std::string_view request_value(const LogEntry& entry, std::string_view name);
  static void render_part(const Part& part, const LogEntry& entry, std::string& out);

  std::vector<Part> parts_;
};

}  // namespace tidegate::proxy::telemetry
