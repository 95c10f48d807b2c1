#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "proxy/snapshot/origin.h"

namespace tidegate::proxy {

/// One address that requests may go to.
struct Endpoint {
  std::string
      host;  // IP address, or a DNS name: then it stands for all addresses that the name has
  std::uint16_t port = 0;
  std::uint32_t weight = 1;
  std::string zone;
  bool operator==(const Endpoint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (host, port, weight, zone))

/// TLS towards the endpoints. Source: BackendTLSPolicy; Gateway.spec.tls.backend.
struct UpstreamTls {
  std::string sni;  // also the name that the certificate must have, unless SANs are given
  std::vector<std::string> sans;   // DNS names or URIs, one of which the certificate must have
  std::string ca_pem;              // trusted authorities; empty: the system's
  std::string client_certificate;  // name in Snapshot::certificates; empty: none
  bool operator==(const UpstreamTls&) const = default;
};
BOOST_DESCRIBE_STRUCT(UpstreamTls, (), (sni, sans, ca_pem, client_certificate))

/// The HTTP that the endpoints speak, where they do: a cluster may carry relays besides, which do
/// not care. Source: Service appProtocol (GEP-1911): kubernetes.io/h2c, kubernetes.io/ws.
enum class UpstreamProtocol { kHttp1, kHttp2 };
BOOST_DESCRIBE_ENUM(UpstreamProtocol, kHttp1, kHttp2)

/// What a route names: endpoints and how to talk to them.
struct Cluster {
  std::string name;  // kgateway's: kube_NAMESPACE_SERVICE_PORT
  Origin origin;
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  std::vector<Endpoint> endpoints;
  std::optional<UpstreamTls> tls;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{60000};  // of a pooled connection
  std::uint32_t connections_max = 1024;           // a worker (circuit breaker)
  std::uint32_t pending_max = 1024;
  std::uint32_t requests_max = 1024;
  bool operator==(const Cluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(Cluster, (),
                      (name, origin, protocol, endpoints, tls, connect_timeout, idle_timeout,
                       connections_max, pending_max, requests_max))

}  // namespace tidegate::proxy
