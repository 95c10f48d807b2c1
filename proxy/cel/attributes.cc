#include "proxy/cel/attributes.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tidegate::proxy::cel {
namespace {

// In the order of Attribute.
constexpr std::array<std::string_view, kAttributeCount> kNames = {
    "request.path",
    "request.url_path",
    "request.host",
    "request.scheme",
    "request.method",
    "request.headers",
    "request.headers_bytes",
    "request.referer",
    "request.useragent",
    "request.time",
    "request.id",
    "request.protocol",
    "request.query",
    "request.duration",
    "request.size",
    "request.total_size",
    "response.code",
    "response.code_details",
    "response.flags",
    "response.grpc_status",
    "response.headers",
    "response.headers_bytes",
    "response.trailers",
    "response.size",
    "response.total_size",
    "response.backend_latency",
    "source.address",
    "source.port",
    "destination.address",
    "destination.port",
    "connection.id",
    "connection.mtls",
    "connection.requested_server_name",
    "connection.tls_version",
    "connection.subject_local_certificate",
    "connection.subject_peer_certificate",
    "connection.dns_san_local_certificate",
    "connection.dns_san_peer_certificate",
    "connection.uri_san_local_certificate",
    "connection.uri_san_peer_certificate",
    "connection.sha256_peer_certificate_digest",
    "connection.peer_certificate",
    "connection.transport_failure_reason",
    "connection.termination_details",
    "upstream.address",
    "upstream.num_endpoints",
    "upstream.port",
    "upstream.tls_version",
    "upstream.subject_local_certificate",
    "upstream.subject_peer_certificate",
    "upstream.dns_san_local_certificate",
    "upstream.dns_san_peer_certificate",
    "upstream.uri_san_local_certificate",
    "upstream.uri_san_peer_certificate",
    "upstream.sha256_peer_certificate_digest",
    "upstream.peer_certificate",
    "upstream.local_address",
    "upstream.transport_failure_reason",
    "upstream.request_attempt_count",
    "upstream.cx_pool_ready_duration",
    "upstream.locality",
    "metadata.filter_metadata",
    "metadata.typed_filter_metadata",
    "filter_state",
    "xds.cluster_name",
    "xds.route_name",
    "xds.virtual_host_name",
    "xds.filter_chain_name",
    "xds.node",
    "xds.cluster_metadata",
    "xds.listener_direction",
    "xds.listener_metadata",
    "xds.route_metadata",
    "xds.virtual_host_metadata",
    "xds.upstream_host_metadata",
};

/// How many letters have to be added, dropped or changed.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view name(Attribute attribute) { return kNames[static_cast<std::size_t>(attribute)]; }

std::optional<Attribute> attribute_from(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Attribute>(found - kNames.begin());
}

bool is_attribute_group(std::string_view name) {
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view one) {
    return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '.';
  });
}

std::string_view nearest_attribute(std::string_view name) {
  std::string_view best;
  std::size_t distance = 4;  // more than three edits: a guess, not help
  if (name.size() > 64) return best;
  for (std::string_view one : kNames) {
    if (std::size_t found = edits(name, one); found < distance) {
      distance = found;
      best = one;
    }
  }
  return best;
}

bool known_on_request(Attribute attribute) {
  switch (attribute) {
    case Attribute::kRequestPath:
    case Attribute::kRequestUrlPath:
    case Attribute::kRequestHost:
    case Attribute::kRequestScheme:
    case Attribute::kRequestMethod:
    case Attribute::kRequestHeaders:
    case Attribute::kRequestHeadersBytes:
    case Attribute::kRequestReferer:
    case Attribute::kRequestUseragent:
    case Attribute::kRequestTime:
    case Attribute::kRequestId:
    case Attribute::kRequestProtocol:
    case Attribute::kRequestQuery:
    case Attribute::kRequestSize:
    case Attribute::kRequestTotalSize:
    case Attribute::kSourceAddress:
    case Attribute::kSourcePort:
    case Attribute::kDestinationAddress:
    case Attribute::kDestinationPort:
    case Attribute::kConnectionRequestedServerName:
    case Attribute::kConnectionTlsVersion:
    case Attribute::kMetadataFilterMetadata:
      return true;
    default:
      return false;
  }
}

}  // namespace tidegate::proxy::cel
