#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "proxy/snapshot/cluster.h"
#include "proxy/snapshot/filter_settings.h"
#include "proxy/snapshot/http_options.h"
#include "proxy/snapshot/origin.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy {

struct Certificate {
  Origin origin;          // the Secret
  std::string chain_pem;  // leaf first
  Secret key_pem;
  bool operator==(const Certificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(Certificate, (), (origin, chain_pem, key_pem))

/// Whether and how a client must show a certificate. Source: Gateway.spec.tls.frontend (GEP-91).
struct ClientValidation {
  enum class Mode { kRequire, kAllowInsecureFallback, kOptional };  // kOptional: one shown is right
  Mode mode = Mode::kRequire;
  std::string ca_pem;
  bool operator==(const ClientValidation&) const = default;
};
BOOST_DESCRIBE_ENUM(ClientValidation::Mode, kRequire, kAllowInsecureFallback, kOptional)
BOOST_DESCRIBE_STRUCT(ClientValidation, (), (mode, ca_pem))

/// TLS that ends here.
struct TlsTermination {
  std::vector<std::string> certificates;  // names in Snapshot::certificates; at least one
  std::vector<std::string> alpn;          // in order of preference; HTTP: h2, http/1.1
  std::optional<ClientValidation> client;
  std::string min_version, max_version;  // "1.2", "1.3"; empty: what we take by default
  std::string ciphers;                   // of TLS 1.2, as OpenSSL has it; empty: ours, all of these
  std::string ciphersuites;              // of TLS 1.3
  std::string groups;                    // key exchange
  std::string signature_algorithms;
  bool operator==(const TlsTermination&) const = default;
};
BOOST_DESCRIBE_STRUCT(TlsTermination, (),
                      (certificates, alpn, client, min_version, max_version, ciphers, ciphersuites,
                       groups, signature_algorithms))

enum class SiteProtocol { kHttp, kHttps, kTls, kTcp, kUdp };
BOOST_DESCRIBE_ENUM(SiteProtocol, kHttp, kHttps, kTls, kTcp, kUdp)

/// One listener of a Gateway (or ListenerSet). Those that share address and port share a socket; a
/// connection or request belongs to the site whose host name matches it most specifically
/// (GEP-1713, listener isolation).
struct Site {
  Origin origin;  // Gateway; section is the listener's name
  SiteProtocol protocol = SiteProtocol::kHttp;
  std::string hostname;  // exact, "*.example.com", or empty: any
  std::optional<TlsTermination>
      tls;            // kHttps always; kTls only where it terminates (else passthrough)
  RouteTable routes;  // kHttp, kHttps
  std::vector<StreamRoute> streams;  // kTls, kTcp, kUdp
  std::optional<HttpOptions> http;   // absent: as usual
  bool operator==(const Site&) const = default;
};
BOOST_DESCRIBE_STRUCT(Site, (), (origin, protocol, hostname, tls, routes, streams, http))

/// One bound port.
struct Listener {
  std::string name;                    // listener~8080; see admin.md
  std::vector<std::string> addresses;  // IP addresses to bind
  std::uint16_t port = 0;              // that is bound, --port-offset included
  std::uint16_t declared_port = 0;     // that the Gateway names
  bool udp = false;
  std::optional<ConnectionOptions> connection;  // absent: as usual
  std::vector<Site> sites;
  bool operator==(const Listener&) const = default;
};
BOOST_DESCRIBE_STRUCT(Listener, (), (name, addresses, port, declared_port, udp, connection, sites))

/// Everything that the proxy needs to know to serve: the contract between the control loop and the
/// proxy. Plain values; immutable once published.
struct Snapshot {
  std::vector<Listener> listeners;                           // sorted by name
  std::map<std::string, Cluster> clusters;                   // by name
  std::map<std::string, Certificate> certificates;           // by "NAMESPACE/NAME"
  std::map<std::string, FilterSettings> shared_filters;      // that SharedFilter names
  std::map<std::string, std::vector<PolicyField>> policies;  // that Rule::policy names
  bool operator==(const Snapshot&) const = default;
};
BOOST_DESCRIBE_STRUCT(Snapshot, (), (listeners, clusters, certificates, shared_filters, policies))

using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// The whole snapshot as JSON, secrets redacted, durations as "1.5s", what is empty or absent left
/// out: /config_dump and golden files.
boost::json::value to_json(const Snapshot& snapshot);

}  // namespace tidegate::proxy
