#include "proxy/server/compiled.h"

#include <fmt/format.h>

#include "proxy/router/virtual_host_name.h"
#include "proxy/snapshot/closed.h"

namespace tidegate::proxy::server {
namespace {

/// envoy_listener_address: "0.0.0.0_8080", "[__]_8080".
std::string stats_address(const Listener& listener) {
  std::string address = listener.addresses.empty() ? "0.0.0.0" : listener.addresses.back();
  if (address.find(':') != address.npos) {
    for (char& c : address) c = c == ':' ? '_' : c;
    address = "[" + address + "]";
  }
  return fmt::format("{}_{}", address, listener.port);
}

/// Circuit breakers outlive a snapshot, with what they count.
void set_limits(const Cluster& config, StatsStore& stats, upstream::CompiledCluster& cluster) {
  if (!config.breakers) {
    auto known = stats.all_limits().find(config.name);
    if (known != stats.all_limits().end()) stats.limits(config.name).active = false;
    return;
  }
  ClusterLimits& limits = stats.limits(config.name);
  limits.connections_max = config.breakers->connections_max;
  limits.pending_max = config.breakers->pending_max;
  limits.requests_max = config.breakers->requests_max;
  limits.retries_max = config.breakers->retries_max;
  limits.track_remaining = config.breakers->track_remaining;
  limits.active = true;
  cluster.limits = &limits;
}

}  // namespace

const exchange::SiteOptions& CompiledListener::options_of(const net::ConnectionFacts& facts) const {
  const router::CompiledSite* site = facts.tls ? sites->by_sni(facts.sni) : nullptr;
  return options[site ? site->index : plain_site];
}

std::shared_ptr<const Compiled> compile(SnapshotPtr snapshot, std::uint64_t version,
                                        Lasting& lasting, std::vector<std::string>& problems) {
  StatsStore& stats = lasting.stats;
  auto out = std::make_shared<Compiled>();
  out->snapshot = snapshot;
  out->version = version;
  for (const auto& [name, config] : snapshot->clusters) {
    auto cluster = std::make_shared<upstream::CompiledCluster>();
    cluster->id = lasting.cluster_id(name);
    cluster->config = config;
    cluster->stats = &stats.cluster(name);
    set_limits(config, stats, *cluster);
    if (config.dynamic) cluster->look_up = lasting.look_up;
    if (config.tls) {
      Result<std::shared_ptr<SSL_CTX>> context =
          tls::make_client_context(*config.tls, snapshot->certificates);
      if (!context) {
        // Never in the clear instead: without endpoints the answer is 503.
        problems.push_back(fmt::format("cluster {}: TLS: {}", name, context.error().message()));
        close(cluster->config);
      } else {
        cluster->tls = *context;
        const auto own = snapshot->certificates.find(config.tls->client_certificate);
        if (own != snapshot->certificates.end())
          cluster->client_certificate = own->second.chain_pem;
      }
    }
    out->clusters.emplace(name, std::move(cluster));
  }
  lasting.kept.sweep();
  filters::Compiler filters({*snapshot, lasting.kept});
  auto id_of = [&](const std::string& name) {
    return snapshot->clusters.contains(name) ? lasting.cluster_id(name) : 0;
  };
  for (const Listener& listener : snapshot->listeners) {
    auto compiled = std::make_shared<CompiledListener>();
    compiled->snapshot = snapshot;
    compiled->listener = &listener;
    compiled->sites = std::make_unique<router::SiteTable>(listener.sites);
    compiled->stats = &stats.listener(stats_address(listener));
    for (const Site& site : listener.sites) {
      compiled->plans.emplace_back(
          site.routes, filters, id_of, [&](const VirtualHost& host, const std::string& prefix) {
            return stats.route(router::virtual_host_name(listener, site, host), prefix);
          });
      compiled->options.push_back(exchange::SiteOptions::compile(
          site.http ? &*site.http : nullptr, listener.declared_port, lasting.default_logs,
          *lasting.log_writer, lasting.sinks, problems));
      compiled->options.back().listener = listener.name;
    }
    while (compiled->plain_site < listener.sites.size() &&
           !listener.sites[compiled->plain_site].http)
      ++compiled->plain_site;
    if (compiled->plain_site == listener.sites.size()) compiled->plain_site = 0;
    std::vector<tls::ServerContexts::Entry> contexts;
    for (const Site& site : listener.sites) {
      if (!site.tls) continue;
      Result<std::shared_ptr<SSL_CTX>> context =
          tls::make_server_context(*site.tls, snapshot->certificates);
      if (!context) {
        problems.push_back(fmt::format("Gateway {}/{} listener {}: TLS: {}", site.origin.namespace_,
                                       site.origin.name, site.origin.section,
                                       context.error().message()));
      }
      // Without one its name is refused: no other listener's is to serve it.
      contexts.push_back({site.hostname, context ? *context : nullptr});
    }
    bool secure = false;
    for (const Site& site : listener.sites) {
      const bool tls = site.protocol == SiteProtocol::kTls;
      secure = secure || tls || site.protocol == SiteProtocol::kHttps;
      compiled->passthrough = compiled->passthrough || (tls && !site.tls);
      for (const StreamRoute& route : site.streams) {
        const std::string prefix =
            fmt::format("{}.{}-rule-0", route.origin.namespace_, route.origin.name);
        if (listener.udp) {
          compiled->udp_stats[&route] = &stats.udp(prefix);
        } else {
          compiled->tcp_stats[&route] = &stats.tcp(prefix);
        }
      }
    }
    if (secure) compiled->tls = std::make_unique<tls::ServerContexts>(std::move(contexts));
    out->listeners.emplace(listener.name, std::move(compiled));
  }
  out->sinks = lasting.sinks.take_given();
  return out;
}

}  // namespace tidegate::proxy::server
