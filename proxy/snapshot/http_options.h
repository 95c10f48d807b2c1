#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/snapshot/body_format.h"
#include "proxy/snapshot/filters.h"
#include "proxy/snapshot/origin.h"
#include "proxy/snapshot/telemetry.h"

namespace tidegate::proxy {

/// Which exchanges are meant: by an access log, by a mapper of local replies.
/// Source: kgateway, AccessLogFilter.
struct LogFilter {
  enum class Kind {
    kStatus,
    kDuration,
    kNotHealthCheck,
    kTraceable,
    kHeader,
    kFlags,
    kGrpcStatus,
    kCel,
    kSample,
    kAll,
    kAny
  };
  enum class Comparison { kEqual, kAtLeast, kAtMost };
  Kind kind = Kind::kAll;
  Comparison comparison = Comparison::kEqual;  // kStatus, kDuration
  std::uint64_t value = 0;                     // kDuration: milliseconds
  std::string header;                          // kHeader: lower case
  std::string text;                            // kHeader: its value; kCel: the expression
  bool regex = false;                          // kHeader
  std::vector<std::string> flags;              // kFlags: short names; empty: any at all
  std::vector<int> grpc_statuses;              // kGrpcStatus
  bool exclude = false;                        // kGrpcStatus: those that are not in the list
  std::uint32_t numerator = 100;               // kSample
  std::uint32_t denominator = 100;
  bool independent = false;        // kSample: not by the request's id
  std::vector<LogFilter> filters;  // kAll, kAny
  bool operator==(const LogFilter&) const = default;
};
BOOST_DESCRIBE_ENUM(LogFilter::Kind, kStatus, kDuration, kNotHealthCheck, kTraceable, kHeader,
                    kFlags, kGrpcStatus, kCel, kSample, kAll, kAny)
BOOST_DESCRIBE_ENUM(LogFilter::Comparison, kEqual, kAtLeast, kAtMost)
BOOST_DESCRIBE_STRUCT(LogFilter, (),
                      (kind, comparison, value, header, text, regex, flags, grpc_statuses, exclude,
                       numerator, denominator, independent, filters))

/// One access log, into a file or to a collector. Source: kgateway, AccessLog.
struct AccessLog {
  std::string path;  // of a file, or /dev/stdout, /dev/stderr
  std::string text;  // with Envoy's operators
  std::string json;  // an object, serialized; empty: `text` is the format
  std::optional<LogFilter> filter;
  std::optional<RemoteLog> remote;  // instead of a file: path, text and json mean nothing
  bool operator==(const AccessLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(AccessLog, (), (path, text, json, filter, remote))

/// Source: kgateway, LocalReplyMapper.
struct LocalReplyMapper {
  LogFilter filter;
  int status = 0;  // 0: as it is
  std::optional<std::string> body;
  std::optional<BodyFormat> format;
  HeaderChanges headers;
  bool operator==(const LocalReplyMapper&) const = default;
};
BOOST_DESCRIBE_STRUCT(LocalReplyMapper, (), (filter, status, body, format, headers))

struct LocalReplies {
  std::vector<LocalReplyMapper> mappers;  // the first that is meant acts
  std::optional<BodyFormat> format;       // where no mapper has one
  bool empty() const { return mappers.empty() && !format; }
  bool operator==(const LocalReplies&) const = default;
};
BOOST_DESCRIBE_STRUCT(LocalReplies, (), (mappers, format))

/// X-Forwarded-Client-Cert. Source: kgateway, ForwardClientCertDetails; Envoy, "HTTP header
/// manipulation".
struct ClientCertForwarding {
  enum class Mode { kSanitize, kForwardOnly, kAppendForward, kSanitizeSet, kAlwaysForwardOnly };
  Mode mode = Mode::kSanitize;
  bool subject = false, cert = false, chain = false, dns = false, uri = false;
  bool operator==(const ClientCertForwarding&) const = default;
};
BOOST_DESCRIBE_ENUM(ClientCertForwarding::Mode, kSanitize, kForwardOnly, kAppendForward,
                    kSanitizeSet, kAlwaysForwardOnly)
BOOST_DESCRIBE_STRUCT(ClientCertForwarding, (), (mode, subject, cert, chain, dns, uri))

/// How a site speaks HTTP with its clients, where that is not as usual.
/// Source: kgateway, ListenerPolicy.spec.*.httpSettings.
struct HttpOptions {
  enum class ServerField { kOverwrite, kAppendIfAbsent, kPassThrough };
  enum class StripPort { kNever, kMatching, kAny };
  Origin origin;  // the policy
  std::vector<AccessLog> access_logs;
  std::optional<Tracing> tracing;
  LocalReplies local_replies;

  bool use_remote_address = true;
  std::uint32_t trusted_hops = 0;            // proxies in front, that X-Forwarded-For names
  std::vector<std::string> trusted_cidrs;    // the same, by address
  std::optional<bool> append_forwarded_for;  // absent: as use_remote_address
  std::optional<ClientCertForwarding> client_cert;

  bool generate_request_id = true;
  bool preserve_request_id = true;  // also one of a client outside

  std::string server_name;                               // empty: ours
  std::optional<ServerField> server_field;               // absent: what the backend says
  std::optional<std::chrono::milliseconds> stream_idle;  // 0: none
  std::optional<std::chrono::milliseconds> idle;         // of a connection; 0: none
  std::optional<std::uint32_t> requests_max;             // of a connection; 0: any number
  std::optional<std::uint32_t> fields_max;               // of a request's head
  std::optional<std::uint32_t> head_kb_max;              // KiB
  std::optional<bool> http10;                            // absent: taken
  std::string default_host;                              // of HTTP/1.0 requests without one
  StripPort strip_port = StripPort::kNever;
  bool strip_host_dot = false;        // "a.example.": the same host as without the dot
  std::string health_check_path;      // answered here; empty: none
  HeaderChanges early_changes;        // before a route is looked for
  std::vector<std::string> upgrades;  // lower case; with `restrict_upgrades` only these
  bool restrict_upgrades = false;
  std::optional<bool> http2_connect;  // extended CONNECT; absent: announced
  std::optional<std::uint32_t> http2_streams_max;
  std::optional<std::uint32_t> http2_stream_window;      // bytes
  std::optional<std::uint32_t> http2_connection_window;  // bytes
  bool operator==(const HttpOptions&) const = default;
};
BOOST_DESCRIBE_ENUM(HttpOptions::ServerField, kOverwrite, kAppendIfAbsent, kPassThrough)
BOOST_DESCRIBE_ENUM(HttpOptions::StripPort, kNever, kMatching, kAny)
BOOST_DESCRIBE_STRUCT(HttpOptions, (),
                      (origin, access_logs, tracing, local_replies, use_remote_address,
                       trusted_hops, trusted_cidrs, append_forwarded_for, client_cert,
                       generate_request_id, preserve_request_id, server_name, server_field,
                       stream_idle, idle, requests_max, fields_max, head_kb_max, http10,
                       default_host, strip_port, strip_host_dot, health_check_path, early_changes,
                       upgrades, restrict_upgrades, http2_connect, http2_streams_max,
                       http2_stream_window, http2_connection_window))

/// What a listener does with a connection before any protocol.
/// Source: kgateway, ListenerPolicy.spec.default, spec.perPort.
struct ConnectionOptions {
  enum class ProxyHeader { kNone, kRequired, kAllowed };
  struct Keepalive {
    std::uint32_t probes = 0;  // 0: as the system has it
    std::chrono::seconds idle{0};
    std::chrono::seconds interval{0};
    bool operator==(const Keepalive&) const = default;
  };
  ProxyHeader proxy_header = ProxyHeader::kNone;
  std::optional<Keepalive> keepalive;
  std::optional<std::chrono::milliseconds> handshake_timeout;
  std::optional<std::uint32_t> buffer_max;  // bytes that the kernel may hold for us, each way
  bool operator==(const ConnectionOptions&) const = default;
};
BOOST_DESCRIBE_ENUM(ConnectionOptions::ProxyHeader, kNone, kRequired, kAllowed)
BOOST_DESCRIBE_STRUCT(ConnectionOptions::Keepalive, (), (probes, idle, interval))
BOOST_DESCRIBE_STRUCT(ConnectionOptions, (),
                      (proxy_header, keepalive, handshake_timeout, buffer_max))

}  // namespace tidegate::proxy
