#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "proxy/snapshot/aws.h"
#include "proxy/snapshot/load_balancing.h"
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

/// Source: BackendConfigPolicy.spec.tls.
struct UpstreamTlsOptions {
  bool insecure = false;                 // the certificate is not verified
  bool any_name = false;                 // the chain is, but not whose it is
  std::string min_version, max_version;  // "1.0" ... "1.3"; empty: TLS 1.2 to 1.3
  std::string ciphers;                   // of TLS 1.2, as OpenSSL has it; empty: its choice
  std::string groups;                    // key exchange
  std::string signature_algorithms;
  std::vector<std::string> alpn;  // what is offered; empty: what the cluster speaks
  bool renegotiation = false;     // the peer may ask for it
  bool operator==(const UpstreamTlsOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(UpstreamTlsOptions, (),
                      (insecure, any_name, min_version, max_version, ciphers, groups,
                       signature_algorithms, alpn, renegotiation))

/// TLS towards the endpoints. Source: BackendTLSPolicy; Gateway.spec.tls.backend.
struct UpstreamTls {
  std::string sni;  // also the name that the certificate must have, unless SANs are given
  std::vector<std::string> sans;   // DNS names or URIs, one of which the certificate must have
  std::string ca_pem;              // trusted authorities; empty: the system's
  std::string client_certificate;  // name in Snapshot::certificates; empty: none
  std::optional<UpstreamTlsOptions> options;
  bool operator==(const UpstreamTls&) const = default;
};
BOOST_DESCRIBE_STRUCT(UpstreamTls, (), (sni, sans, ca_pem, client_certificate, options))

/// The HTTP that the endpoints speak, where they do: a cluster may carry relays besides, which do
/// not care. Source: Service appProtocol (GEP-1911): kubernetes.io/h2c, kubernetes.io/ws.
enum class UpstreamProtocol { kHttp1, kHttp2 };
BOOST_DESCRIBE_ENUM(UpstreamProtocol, kHttp1, kHttp2)

/// The kernel asks a silent peer whether it is there. What is absent is the kernel's.
struct TcpKeepalive {
  std::optional<std::uint32_t> probes;
  std::optional<std::chrono::seconds> time;  // of silence before the first
  std::optional<std::chrono::seconds> interval;
  bool operator==(const TcpKeepalive&) const = default;
};
BOOST_DESCRIBE_STRUCT(TcpKeepalive, (), (probes, time, interval))

/// A connection is asked by PING whether it is alive, and closed where no answer comes. Bytes of
/// any kind put the end off. Source: Envoy, KeepaliveSettings.
struct Http2Keepalive {
  std::chrono::milliseconds timeout{0};  // for an answer
  std::chrono::milliseconds interval{
      0};  // from an answer to the next PING, and up to 15 % more; 0: none
  std::chrono::milliseconds idle{
      0};  // of silence, after which a request has a PING before it; 0: none
  bool operator==(const Http2Keepalive&) const = default;
};
BOOST_DESCRIBE_STRUCT(Http2Keepalive, (), (timeout, interval, idle))

/// Of connections to HTTP/2 endpoints. What is absent is ours (http2::upstream_limits).
struct Http2Options {
  std::optional<std::uint32_t> stream_window_bytes;      // 65 535 ... 2^31-1
  std::optional<std::uint32_t> connection_window_bytes;  // the same
  std::optional<std::uint32_t> streams_max;              // at a time on a connection
  std::optional<Http2Keepalive> keepalive;
  bool operator==(const Http2Options&) const = default;
};
BOOST_DESCRIBE_STRUCT(Http2Options, (),
                      (stream_window_bytes, connection_window_bytes, streams_max, keepalive))

/// The head that tells the endpoint who the client is. Source: the PROXY protocol.
enum class ProxyProtocol { kV1, kV2 };
BOOST_DESCRIBE_ENUM(ProxyProtocol, kV1, kV2)

/// When an endpoint's name is looked up again. Source: BackendConfigPolicy.spec.dns.
struct DnsRefresh {
  std::chrono::milliseconds refresh{5000};
  std::chrono::milliseconds jitter{0};  // up to this much more, by chance
  bool respect_ttl = false;             // sooner, where the answer's time to live is shorter
  bool operator==(const DnsRefresh&) const = default;
};
BOOST_DESCRIBE_STRUCT(DnsRefresh, (), (refresh, jitter, respect_ttl))

/// Requests say themselves where they go: Host or :authority is looked up. With TLS, that is also
/// the SNI and the name that the certificate must have. Source: Backend.spec.dynamicForwardProxy.
struct DynamicForward {
  bool operator==(const DynamicForward&) const = default;
};
BOOST_DESCRIBE_STRUCT(DynamicForward, (), ())

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
  // All below: absent where no policy asks for it.
  std::optional<CircuitBreakers> breakers;  // of the whole process, instead of the three above
  std::optional<LoadBalancing> balancing;   // absent: round robin
  std::optional<HealthCheck> health_check;
  std::optional<OutlierDetection> outliers;
  std::vector<std::vector<Endpoint>> failover;  // endpoints of the next priorities, in order
  std::optional<DnsRefresh> dns;  // absent: when the time to live is over, 1 s to 5 min
  std::optional<TcpKeepalive> keepalive;
  std::optional<std::uint32_t> buffer_max;  // bytes that the kernel may hold for us, each way
  std::optional<std::uint32_t> requests_per_connection_max;
  std::optional<std::uint32_t> fields_max;                       // of an answer
  std::optional<std::chrono::milliseconds> stream_duration_max;  // of one attempt, to its end
  std::optional<std::chrono::milliseconds>
      connection_duration_max;  // then it takes no further requests
  std::optional<Http2Options> http2;
  std::optional<ProxyProtocol> proxy_protocol;
  std::optional<DynamicForward> dynamic;  // there are no endpoints then
  std::optional<Ec2Discovery> ec2;        // endpoints besides those above
  bool operator==(const Cluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(Cluster, (),
                      (name, origin, protocol, endpoints, tls, connect_timeout, idle_timeout,
                       connections_max, pending_max, requests_max, breakers, balancing,
                       health_check, outliers, failover, dns, keepalive, buffer_max,
                       requests_per_connection_max, fields_max, stream_duration_max,
                       connection_duration_max, http2, proxy_protocol, dynamic, ec2))

}  // namespace tidegate::proxy
