#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/cel/value.h"

namespace tidegate::proxy::cel {

/// What an expression may ask of an exchange, by Envoy's names. Source: Envoy, "Attributes".
enum class Attribute : std::uint8_t {
  kRequestPath,
  kRequestUrlPath,
  kRequestHost,
  kRequestScheme,
  kRequestMethod,
  kRequestHeaders,
  kRequestHeadersBytes,
  kRequestReferer,
  kRequestUseragent,
  kRequestTime,
  kRequestId,
  kRequestProtocol,
  kRequestQuery,
  kRequestDuration,
  kRequestSize,
  kRequestTotalSize,
  kResponseCode,
  kResponseCodeDetails,
  kResponseFlags,
  kResponseGrpcStatus,
  kResponseHeaders,
  kResponseHeadersBytes,
  kResponseTrailers,
  kResponseSize,
  kResponseTotalSize,
  kResponseBackendLatency,
  kSourceAddress,
  kSourcePort,
  kDestinationAddress,
  kDestinationPort,
  kConnectionId,
  kConnectionMtls,
  kConnectionRequestedServerName,
  kConnectionTlsVersion,
  kConnectionSubjectLocalCertificate,
  kConnectionSubjectPeerCertificate,
  kConnectionDnsSanLocalCertificate,
  kConnectionDnsSanPeerCertificate,
  kConnectionUriSanLocalCertificate,
  kConnectionUriSanPeerCertificate,
  kConnectionSha256PeerCertificateDigest,
  kConnectionPeerCertificate,
  kConnectionTransportFailureReason,
  kConnectionTerminationDetails,
  kUpstreamAddress,
  kUpstreamNumEndpoints,
  kUpstreamPort,
  kUpstreamTlsVersion,
  kUpstreamSubjectLocalCertificate,
  kUpstreamSubjectPeerCertificate,
  kUpstreamDnsSanLocalCertificate,
  kUpstreamDnsSanPeerCertificate,
  kUpstreamUriSanLocalCertificate,
  kUpstreamUriSanPeerCertificate,
  kUpstreamSha256PeerCertificateDigest,
  kUpstreamPeerCertificate,
  kUpstreamLocalAddress,
  kUpstreamTransportFailureReason,
  kUpstreamRequestAttemptCount,
  kUpstreamCxPoolReadyDuration,
  kUpstreamLocality,
  kMetadataFilterMetadata,
  kMetadataTypedFilterMetadata,
  kFilterState,
  kXdsClusterName,
  kXdsRouteName,
  kXdsVirtualHostName,
  kXdsFilterChainName,
  kXdsNode,
  kXdsClusterMetadata,
  kXdsListenerDirection,
  kXdsListenerMetadata,
  kXdsRouteMetadata,
  kXdsVirtualHostMetadata,
  kXdsUpstreamHostMetadata,
};
inline constexpr std::size_t kAttributeCount =
    static_cast<std::size_t>(Attribute::kXdsUpstreamHostMetadata) + 1;

/// "request.path"; `filter_state` stands alone.
std::string_view name(Attribute attribute);
std::optional<Attribute> attribute_from(std::string_view name);
/// "request", "metadata": what attributes hang below.
bool is_attribute_group(std::string_view name);
/// The known attribute that looks most like this one; empty where none does.
std::string_view nearest_attribute(std::string_view name);

/// Known when a request comes in, before anything is sent anywhere. An access decision that asks
/// for others would be decided by their absence.
bool known_on_request(Attribute attribute);

/// The exchange that an expression looks at. Each is looked up when the expression needs it.
class Attributes {
 public:
  virtual ~Attributes() = default;
  /// False: absent here (the expression sees no_such_field). Map attributes give a Map that is
  /// asked key by key.
  virtual bool get(Attribute attribute, Heap& heap, Value& out) const = 0;
};

/// No attribute at all: for expressions over constants.
class NoAttributes final : public Attributes {
 public:
  bool get(Attribute, Heap&, Value&) const override { return false; }
};

}  // namespace tidegate::proxy::cel
