#pragma once

#include <string>

#include "config/kinds/kgateway/backend_config_policy.h"
#include "proxy/snapshot/cluster.h"

/// The parts of a BackendConfigPolicy, as the proxy has them.
namespace tidegate::controlloop::translate {

proxy::LoadBalancing load_balancing(const config::kgateway::LoadBalancer& from,
                                    const std::string& zone);
/// `name`: the Host of a check that names none.
proxy::HealthCheck health_check(const config::kgateway::HealthCheck& from, const std::string& name);
proxy::OutlierDetection outlier_detection(const config::kgateway::OutlierDetection& from);
proxy::CircuitBreakers circuit_breakers(const config::kgateway::CircuitBreakers& from);
proxy::DnsRefresh dns_refresh(const config::kgateway::BackendDns& from);
proxy::TcpKeepalive keepalive(const config::kgateway::TcpKeepalive& from);
proxy::Http2Options http2_options(const config::kgateway::Http2Options& from);
void set_common_http(const config::kgateway::CommonHttpOptions& from, proxy::Cluster& cluster);
/// `tls` has its names and authorities already.
proxy::UpstreamTlsOptions tls_options(const config::kgateway::BackendTls& from,
                                      const proxy::UpstreamTls& tls);

}  // namespace tidegate::controlloop::translate
