#include "proxy/format/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <vector>

namespace tidegate::proxy::format {
namespace {

constexpr auto kNothing = Takes::kNothing;
constexpr auto kOptional = Takes::kOptional;
constexpr auto kRequired = Takes::kRequired;
constexpr auto kText = Type::kText;
constexpr auto kNumber = Type::kNumber;

constexpr std::string_view kPointNames[kPoints] = {
    "DS_CX_BEG", "DS_CX_END", "DS_RX_BEG", "DS_RX_END",      "US_CX_BEG", "US_CX_END", "US_HS_END",
    "US_TX_BEG", "US_TX_END", "US_RX_BEG", "US_RX_BODY_BEG", "US_RX_END", "DS_TX_BEG", "DS_TX_END"};

constexpr OperatorName between(std::string_view name, Point from, Point to) {
  OperatorName out;
  out.name = name;
  out.what = Operator::kBetween;
  out.type = kNumber;
  out.from = from;
  out.to = to;
  return out;
}

constexpr OperatorName address(std::string_view name, bool upstream, AddressDetail::Side side,
                               AddressDetail::Shape shape) {
  OperatorName out;
  out.name = name;
  out.what = Operator::kAddress;
  out.takes = shape == AddressDetail::kIp ? kOptional : kNothing;
  out.type = shape == AddressDetail::kPort ? kNumber : kText;
  out.address = {side, shape, upstream};
  return out;
}

// Source: Envoy's access log documentation, "Command operators".
constexpr OperatorName kNames[] = {
    {"START_TIME", Operator::kStartTime, kOptional, kText, 0, {}},
    {"START_TIME_LOCAL", Operator::kStartTime, kOptional, kText, kLocalZone, {}},
    {"EMIT_TIME", Operator::kEmitTime, kOptional, kText, 0, {}},
    {"EMIT_TIME_LOCAL", Operator::kEmitTime, kOptional, kText, kLocalZone, {}},
    {"PROTOCOL", Operator::kProtocol, kNothing, kText, 0, {}},
    {"UPSTREAM_PROTOCOL", Operator::kUpstreamProtocol, kNothing, kText, 0, {}},
    {"RESPONSE_CODE", Operator::kStatus, kNothing, kNumber, 0, {}},
    {"RESPONSE_CODE_DETAILS", Operator::kDetails, kOptional, kText, 0, {}},
    {"RESPONSE_FLAGS", Operator::kFlags, kNothing, kText, 0, {}},
    {"RESPONSE_FLAGS_LONG", Operator::kFlagsLong, kNothing, kText, 0, {}},
    {"CONNECTION_TERMINATION_DETAILS", Operator::kTermination, kNothing, kText, 0, {}},
    {"BYTES_RECEIVED", Operator::kBytesReceived, kNothing, kNumber, 0, {}},
    {"BYTES_SENT", Operator::kBytesSent, kNothing, kNumber, 0, {}},
    {"REQUEST_HEADERS_BYTES", Operator::kRequestHeaderBytes, kNothing, kNumber, 0, {}},
    {"RESPONSE_HEADERS_BYTES", Operator::kResponseHeaderBytes, kNothing, kNumber, 0, {}},
    {"RESPONSE_TRAILERS_BYTES", Operator::kResponseTrailerBytes, kNothing, kNumber, 0, {}},
    {"UPSTREAM_WIRE_BYTES_SENT", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"UPSTREAM_WIRE_BYTES_RECEIVED", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"UPSTREAM_HEADER_BYTES_SENT", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"UPSTREAM_HEADER_BYTES_RECEIVED", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
     Operator::kRequestHeaderBytes,
     kNothing,
     kNumber,
     0,
     {}},
    {"UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
     Operator::kResponseHeaderBytes,
     kNothing,
     kNumber,
     0,
     {}},
    {"DOWNSTREAM_WIRE_BYTES_SENT", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"DOWNSTREAM_WIRE_BYTES_RECEIVED", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"DOWNSTREAM_HEADER_BYTES_SENT", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"DOWNSTREAM_HEADER_BYTES_RECEIVED", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
     Operator::kResponseHeaderBytes,
     kNothing,
     kNumber,
     0,
     {}},
    {"DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
     Operator::kRequestHeaderBytes,
     kNothing,
     kNumber,
     0,
     {}},
    {"DURATION", Operator::kDuration, kNothing, kNumber, 0, {}},
    between("REQUEST_DURATION", Point::kDownstreamReceiveBegin, Point::kDownstreamReceiveEnd),
    between("REQUEST_TX_DURATION", Point::kDownstreamReceiveBegin, Point::kUpstreamSendEnd),
    between("RESPONSE_DURATION", Point::kDownstreamReceiveBegin, Point::kUpstreamReceiveBegin),
    between("RESPONSE_TX_DURATION", Point::kUpstreamReceiveBegin, Point::kDownstreamSendEnd),
    {"COMMON_DURATION", Operator::kBetween, kRequired, kNumber, 1, {}},
    {"DOWNSTREAM_HANDSHAKE_DURATION", Operator::kMissing, kNothing, kNumber, 0, {}},
    between("UPSTREAM_CONNECTION_POOL_READY_DURATION", Point::kUpstreamConnectionBegin,
            Point::kUpstreamConnectionEnd),
    {"REQ", Operator::kRequestField, kRequired, kText, 0, {}},
    {"REQUEST_HEADER", Operator::kRequestField, kRequired, kText, 0, {}},
    {"REQ_WITHOUT_QUERY", Operator::kRequestFieldWithoutQuery, kRequired, kText, 0, {}},
    {"RESP", Operator::kResponseField, kRequired, kText, 0, {}},
    {"RESPONSE_HEADER", Operator::kResponseField, kRequired, kText, 0, {}},
    {"TRAILER", Operator::kTrailerField, kRequired, kText, 0, {}},
    {"RESPONSE_TRAILER", Operator::kTrailerField, kRequired, kText, 0, {}},
    {"PATH", Operator::kPath, kOptional, kText, 0, {}},
    {"QUERY_PARAM", Operator::kQueryParameter, kRequired, kText, 0, {}},
    {"QUERY_PARAMS", Operator::kQuery, kOptional, kText, 0, {}},
    {"UPSTREAM_HOST", Operator::kUpstreamHost, kNothing, kText, 0, {}},
    {"UPSTREAM_HOST_NAME", Operator::kUpstreamHostName, kNothing, kText, 0, {}},
    {"UPSTREAM_HOST_NAME_WITHOUT_PORT",
     Operator::kUpstreamHostName,
     kNothing,
     kText,
     kWithoutPort,
     {}},
    {"UPSTREAM_HOSTS_ATTEMPTED", Operator::kHostsAttempted, kNothing, kText, 0, {}},
    {"UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT",
     Operator::kHostsAttempted,
     kNothing,
     kText,
     kWithoutPort,
     {}},
    {"UPSTREAM_HOST_NAMES_ATTEMPTED", Operator::kHostNamesAttempted, kNothing, kText, 0, {}},
    {"UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT",
     Operator::kHostNamesAttempted,
     kNothing,
     kText,
     kWithoutPort,
     {}},
    {"UPSTREAM_CONNECTION_IDS_ATTEMPTED", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_CLUSTER", Operator::kUpstreamCluster, kNothing, kText, 0, {}},
    {"UPSTREAM_CLUSTER_RAW", Operator::kUpstreamCluster, kNothing, kText, 0, {}},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", Operator::kAttempts, kNothing, kNumber, 0, {}},
    address("UPSTREAM_LOCAL_ADDRESS", true, AddressDetail::kLocal, AddressDetail::kWhole),
    address("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", true, AddressDetail::kLocal, AddressDetail::kIp),
    address("UPSTREAM_LOCAL_PORT", true, AddressDetail::kLocal, AddressDetail::kPort),
    address("UPSTREAM_REMOTE_ADDRESS", true, AddressDetail::kRemote, AddressDetail::kWhole),
    address("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", true, AddressDetail::kRemote,
            AddressDetail::kIp),
    address("UPSTREAM_REMOTE_PORT", true, AddressDetail::kRemote, AddressDetail::kPort),
    address("DOWNSTREAM_REMOTE_ADDRESS", false, AddressDetail::kRemote, AddressDetail::kWhole),
    address("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", false, AddressDetail::kRemote,
            AddressDetail::kIp),
    address("DOWNSTREAM_REMOTE_PORT", false, AddressDetail::kRemote, AddressDetail::kPort),
    address("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", false, AddressDetail::kDirectRemote,
            AddressDetail::kWhole),
    address("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", false, AddressDetail::kDirectRemote,
            AddressDetail::kIp),
    address("DOWNSTREAM_DIRECT_REMOTE_PORT", false, AddressDetail::kDirectRemote,
            AddressDetail::kPort),
    address("DOWNSTREAM_LOCAL_ADDRESS", false, AddressDetail::kLocal, AddressDetail::kWhole),
    address("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", false, AddressDetail::kLocal,
            AddressDetail::kIp),
    address("DOWNSTREAM_LOCAL_PORT", false, AddressDetail::kLocal, AddressDetail::kPort),
    address("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", false, AddressDetail::kDirectLocal,
            AddressDetail::kWhole),
    address("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", false, AddressDetail::kDirectLocal,
            AddressDetail::kIp),
    address("DOWNSTREAM_DIRECT_LOCAL_PORT", false, AddressDetail::kDirectLocal,
            AddressDetail::kPort),
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", Operator::kUpstreamFailure, kNothing, kText, 0, {}},
    {"DOWNSTREAM_TRANSPORT_FAILURE_REASON", Operator::kDownstreamFailure, kNothing, kText, 0, {}},
    {"UPSTREAM_TLS_VERSION", Operator::kTlsVersion, kNothing, kText, kUpstreamSide, {}},
    {"UPSTREAM_TLS_CIPHER", Operator::kTlsCipher, kNothing, kText, kUpstreamSide, {}},
    {"UPSTREAM_TLS_GROUP", Operator::kTlsGroup, kNothing, kText, kUpstreamSide, {}},
    {"UPSTREAM_TLS_SESSION_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_SERVER_NAME", Operator::kUpstreamServerName, kNothing, kText, 0, {}},
    {"UPSTREAM_PEER_SUBJECT", Operator::kPeer, kNothing, kText, kUpstreamSide | kSubject, {}},
    {"UPSTREAM_PEER_ISSUER", Operator::kPeer, kNothing, kText, kUpstreamSide | kIssuer, {}},
    {"UPSTREAM_PEER_CERT", Operator::kPeer, kNothing, kText, kUpstreamSide | kPem, {}},
    {"UPSTREAM_PEER_CERT_V_START", Operator::kPeerValidFrom, kOptional, kText, kUpstreamSide, {}},
    {"UPSTREAM_PEER_CERT_V_END", Operator::kPeerValidUntil, kOptional, kText, kUpstreamSide, {}},
    {"UPSTREAM_PEER_URI_SAN", Operator::kPeer, kNothing, kText, kUpstreamSide | kUriSan, {}},
    {"UPSTREAM_PEER_DNS_SAN", Operator::kPeer, kNothing, kText, kUpstreamSide | kDnsSan, {}},
    {"UPSTREAM_PEER_IP_SAN", Operator::kPeer, kNothing, kText, kUpstreamSide | kIpSan, {}},
    {"UPSTREAM_LOCAL_URI_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_LOCAL_DNS_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_LOCAL_IP_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"REQUESTED_SERVER_NAME", Operator::kServerName, kOptional, kText, 0, {}},
    {"DOWNSTREAM_TLS_VERSION", Operator::kTlsVersion, kNothing, kText, 0, {}},
    {"DOWNSTREAM_TLS_CIPHER", Operator::kTlsCipher, kNothing, kText, 0, {}},
    {"DOWNSTREAM_TLS_GROUP", Operator::kTlsGroup, kNothing, kText, 0, {}},
    {"DOWNSTREAM_TLS_SESSION_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_PEER_SUBJECT", Operator::kPeer, kNothing, kText, kSubject, {}},
    {"DOWNSTREAM_PEER_ISSUER", Operator::kPeer, kNothing, kText, kIssuer, {}},
    {"DOWNSTREAM_PEER_URI_SAN", Operator::kPeer, kNothing, kText, kUriSan, {}},
    {"DOWNSTREAM_PEER_DNS_SAN", Operator::kPeer, kNothing, kText, kDnsSan, {}},
    {"DOWNSTREAM_PEER_IP_SAN", Operator::kPeer, kNothing, kText, kIpSan, {}},
    {"DOWNSTREAM_PEER_EMAIL_SAN", Operator::kPeer, kNothing, kText, kEmailSan, {}},
    {"DOWNSTREAM_PEER_FINGERPRINT_256", Operator::kPeer, kNothing, kText, kFingerprint256, {}},
    {"DOWNSTREAM_PEER_FINGERPRINT_1", Operator::kPeer, kNothing, kText, kFingerprint1, {}},
    {"DOWNSTREAM_PEER_SERIAL", Operator::kPeer, kNothing, kText, kSerial, {}},
    {"DOWNSTREAM_PEER_CERT", Operator::kPeer, kNothing, kText, kPem, {}},
    {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256",
     Operator::kPeer,
     kNothing,
     kText,
     kChainFingerprints256,
     {}},
    {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1",
     Operator::kPeer,
     kNothing,
     kText,
     kChainFingerprints1,
     {}},
    {"DOWNSTREAM_PEER_CHAIN_SERIALS", Operator::kPeer, kNothing, kText, kChainSerials, {}},
    {"DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_PEER_ISSUER_SERIAL", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_PEER_CERT_V_START", Operator::kPeerValidFrom, kOptional, kText, 0, {}},
    {"DOWNSTREAM_PEER_CERT_V_END", Operator::kPeerValidUntil, kOptional, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_SUBJECT", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_URI_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_DNS_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_IP_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_EMAIL_SAN", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_CLOSE_REASON", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_DETECTED_CLOSE_TYPE", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_DETECTED_CLOSE_TYPE", Operator::kMissing, kNothing, kText, 0, {}},
    {"TLS_JA3_FINGERPRINT", Operator::kMissing, kNothing, kText, 0, {}},
    {"TLS_JA4_FINGERPRINT", Operator::kMissing, kNothing, kText, 0, {}},
    {"ROUTE_NAME", Operator::kRouteName, kNothing, kText, 0, {}},
    {"VIRTUAL_CLUSTER_NAME", Operator::kMissing, kNothing, kText, 0, {}},
    {"FILTER_CHAIN_NAME", Operator::kListenerName, kNothing, kText, 0, {}},
    {"CONNECTION_ID", Operator::kConnectionId, kNothing, kNumber, 0, {}},
    {"UPSTREAM_CONNECTION_ID", Operator::kUpstreamConnectionId, kNothing, kNumber, 0, {}},
    {"STREAM_ID", Operator::kStreamId, kNothing, kText, 0, {}},
    {"UNIQUE_ID", Operator::kUniqueId, kNothing, kText, 0, {}},
    {"TRACE_ID", Operator::kTraceId, kNothing, kText, 0, {}},
    {"SPAN_ID", Operator::kSpanId, kNothing, kText, 0, {}},
    {"GRPC_STATUS", Operator::kGrpcStatus, kOptional, kText, 0, {}},
    {"GRPC_STATUS_NUMBER", Operator::kGrpcStatus, kNothing, kNumber, 2, {}},
    {"DYNAMIC_METADATA", Operator::kMetadata, kRequired, Type::kJson, kMetadataDynamic, {}},
    {"METADATA", Operator::kMetadata, kRequired, Type::kJson, kMetadataAny, {}},
    {"CLUSTER_METADATA", Operator::kMetadata, kRequired, Type::kJson, kMetadataOther, {}},
    {"UPSTREAM_METADATA", Operator::kMetadata, kRequired, Type::kJson, kMetadataOther, {}},
    {"FILTER_STATE", Operator::kMissing, kRequired, kText, 0, {}},
    {"UPSTREAM_FILTER_STATE", Operator::kMissing, kRequired, kText, 0, {}},
    {"CEL", Operator::kExpression, kRequired, kText, 0, {}},
    {"TYPED_CEL", Operator::kExpression, kRequired, Type::kJson, 1, {}},
    {"COALESCE", Operator::kCoalesce, kRequired, kText, 0, {}},
    {"ACCESS_LOG_TYPE", Operator::kLogType, kNothing, kText, 0, {}},
    {"HOSTNAME", Operator::kLiteral, kNothing, kText, 0, {}},
    {"ENVIRONMENT", Operator::kLiteral, kRequired, kText, 1, {}},
    {"LOCAL_REPLY_BODY", Operator::kLocalReplyBody, kNothing, kText, 0, {}},
    {"BYTES_RETRANSMITTED", Operator::kZero, kNothing, kNumber, 0, {}},
    {"PACKETS_RETRANSMITTED", Operator::kZero, kNothing, kNumber, 0, {}},
    {"ROUNDTRIP_DURATION", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"DOWNSTREAM_CX_RTT", Operator::kMissing, kNothing, kNumber, 0, {}},
    {"CUSTOM_FLAGS", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
    {"UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", Operator::kMissing, kNothing, kText, 0, {}},
};

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t same = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, same});
    }
  }
  return row[b.size()];
}

}  // namespace

const OperatorName* find_operator(std::string_view name) {
  for (const OperatorName& one : kNames) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

std::string nearest_operator(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  if (name.empty() || name.size() > kLongest) return {};
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const OperatorName* best = nullptr;
  // "DOWNSTREAM_CONNECTION_ID": one with a word too many in front.
  for (const OperatorName& one : kNames) {
    const bool ends = upper.size() > one.name.size() && upper.ends_with(one.name) &&
                      upper[upper.size() - one.name.size() - 1] == '_';
    if (ends && (best == nullptr || one.name.size() > best->name.size())) best = &one;
  }
  std::size_t least = best != nullptr ? 3 : std::max<std::size_t>(1, name.size() / 4) + 1;
  for (const OperatorName& one : kNames) {
    if (const std::size_t far = distance(upper, one.name); far < least) {
      least = far;
      best = &one;
    }
  }
  return best != nullptr ? "%" + std::string(best->name) + "%" : std::string();
}

std::optional<Point> point_from(std::string_view name) {
  for (std::size_t i = 0; i < kPoints; ++i) {
    if (kPointNames[i] == name) return static_cast<Point>(i);
  }
  return std::nullopt;
}

std::string nearest_point(std::string_view name) {
  std::string_view best = kPointNames[0];
  for (const std::string_view one : kPointNames) {
    if (distance(name, one) < distance(name, best)) best = one;
  }
  return std::string(best);
}

}  // namespace tidegate::proxy::format
