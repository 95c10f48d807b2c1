#include "proxy/admin/envoy_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/secret.h"
#include "proxy/admin/envoy_routes.h"
#include "proxy/snapshot/json.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

constexpr char kAdmin[] = "type.googleapis.com/envoy.admin.v3.";
constexpr char kType[] = "type.googleapis.com/envoy.";

json::object dump(const char* name) { return {{"@type", std::string(kAdmin) + name}}; }

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:g}s", static_cast<double>(time.count()) / 1000);
}

json::object origin_metadata(const Origin& origin) {
  json::object ours;
  ours["object"] = fmt::format("{} {}/{}", origin.kind, origin.namespace_, origin.name);
  ours["at"] = fmt::format("{}:{}", origin.file, origin.line);
  json::object filter_metadata{{"tidegate", std::move(ours)}};
  return {{"filter_metadata", std::move(filter_metadata)}};
}

json::object thresholds(const Cluster& cluster, bool high) {
  json::object out;
  if (high) out["priority"] = "HIGH";
  out["max_connections"] =
      cluster.breakers ? cluster.breakers->connections_max : cluster.connections_max;
  out["max_pending_requests"] =
      cluster.breakers ? cluster.breakers->pending_max : cluster.pending_max;
  out["max_requests"] = cluster.breakers ? cluster.breakers->requests_max : cluster.requests_max;
  out["max_retries"] = cluster.breakers ? cluster.breakers->retries_max : 3;
  return out;
}

json::object tcp_keepalive(const std::optional<std::uint32_t>& probes,
                           const std::optional<std::chrono::seconds>& time,
                           const std::optional<std::chrono::seconds>& interval) {
  json::object out;
  if (probes) out["keepalive_probes"] = *probes;
  if (time) out["keepalive_time"] = time->count();
  if (interval) out["keepalive_interval"] = interval->count();
  return out;
}

/// What a policy says of HTTP with the endpoints, and which version they speak where that is not
/// HTTP/1.1. Empty: nothing.
json::object protocol_options(const Cluster& cluster) {
  json::object common;
  if (cluster.idle_timeout != Cluster().idle_timeout)
    common["idle_timeout"] = seconds(cluster.idle_timeout);
  if (cluster.fields_max) common["max_headers_count"] = *cluster.fields_max;
  if (cluster.stream_duration_max)
    common["max_stream_duration"] = seconds(*cluster.stream_duration_max);
  if (cluster.requests_per_connection_max)
    common["max_requests_per_connection"] = *cluster.requests_per_connection_max;
  json::object out;
  if (!common.empty()) out["common_http_protocol_options"] = std::move(common);
  if (cluster.protocol != UpstreamProtocol::kHttp2) return out;
  json::object http2;
  if (const auto& from = cluster.http2) {
    if (from->stream_window_bytes) http2["initial_stream_window_size"] = *from->stream_window_bytes;
    if (from->connection_window_bytes)
      http2["initial_connection_window_size"] = *from->connection_window_bytes;
    if (from->streams_max) http2["max_concurrent_streams"] = *from->streams_max;
    if (from->keepalive) {
      json::object keepalive;
      if (from->keepalive->interval.count() > 0)
        keepalive["interval"] = seconds(from->keepalive->interval);
      keepalive["timeout"] = seconds(from->keepalive->timeout);
      if (from->keepalive->idle.count() > 0)
        keepalive["connection_idle_interval"] = seconds(from->keepalive->idle);
      http2["connection_keepalive"] = std::move(keepalive);
    }
  }
  out["explicit_http_config"] = json::object{{"http2_protocol_options", std::move(http2)}};
  return out;
}

json::object zone_aware(const LoadBalancing& balancing) {
  using Kind = LoadBalancing::Kind;
  const std::string name = balancing.kind == Kind::kLeastRequest ? "least_request"
                           : balancing.kind == Kind::kRandom     ? "random"
                                                                 : "round_robin";
  const std::string type = balancing.kind == Kind::kLeastRequest ? "LeastRequest"
                           : balancing.kind == Kind::kRandom     ? "Random"
                                                                 : "RoundRobin";
  const ZoneAware& from = *balancing.zone_aware;
  json::object zones{{"routing_enabled", json::object{{"value", from.percent}}},
                     {"min_cluster_size", std::to_string(from.endpoints_min)}};
  if (from.forced_min) zones["force_local_zone"] = json::object{{"min_size", *from.forced_min}};
  json::object typed{
      {"@type", fmt::format("{}extensions.load_balancing_policies.{}.v3.{}", kType, name, type)}};
  typed["locality_lb_config"] = json::object{{"zone_aware_lb_config", std::move(zones)}};
  json::object policy{{"name", "envoy.load_balancing_policies." + name},
                      {"typed_config", std::move(typed)}};
  return {{"policies", json::array{json::object{{"typed_extension_config", std::move(policy)}}}}};
}

json::object cluster_json(const Cluster& cluster) {
  json::object out{{"@type", std::string(kType) + "config.cluster.v3.Cluster"}};
  out["name"] = cluster.name;
  const bool dns =
      std::any_of(cluster.endpoints.begin(), cluster.endpoints.end(), [](const Endpoint& endpoint) {
        return endpoint.host.find_first_not_of("0123456789.") != std::string::npos &&
               endpoint.host.find(':') == std::string::npos;
      });
  out["type"] = dns ? "STRICT_DNS" : "EDS";
  out["connect_timeout"] = seconds(cluster.connect_timeout);
  out["circuit_breakers"] = json::object{
      {"thresholds", json::array{thresholds(cluster, false), thresholds(cluster, true)}}};
  if (cluster.buffer_max) out["per_connection_buffer_limit_bytes"] = *cluster.buffer_max;
  if (cluster.dns) {
    out["dns_refresh_rate"] = seconds(cluster.dns->refresh);
    if (cluster.dns->jitter.count() > 0) out["dns_jitter"] = seconds(cluster.dns->jitter);
    out["respect_dns_ttl"] = cluster.dns->respect_ttl;
  }
  if (cluster.keepalive) {
    out["upstream_connection_options"] = json::object{
        {"tcp_keepalive", tcp_keepalive(cluster.keepalive->probes, cluster.keepalive->time,
                                        cluster.keepalive->interval)}};
  }
  if (json::object options = protocol_options(cluster); !options.empty()) {
    options["@type"] = std::string(kType) + "extensions.upstreams.http.v3.HttpProtocolOptions";
    out["typed_extension_protocol_options"] = json::object{
        {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions", std::move(options)}};
  }
  if (cluster.balancing && cluster.balancing->zone_aware)
    out["load_balancing_policy"] = zone_aware(*cluster.balancing);
  if (cluster.tls) {
    json::object context{
        {"@type", std::string(kType) + "extensions.transport_sockets.tls.v3.UpstreamTlsContext"}};
    if (!cluster.tls->sni.empty()) context["sni"] = cluster.tls->sni;
    out["transport_socket"] =
        json::object{{"name", "envoy.transport_sockets.tls"}, {"typed_config", std::move(context)}};
  }
  out["metadata"] = origin_metadata(cluster.origin);
  return out;
}

json::object versioned(const DumpVersion& version, const char* what, json::object value) {
  json::object out;
  out["version_info"] = version.version;
  out[what] = std::move(value);
  out["last_updated"] = version.last_updated;
  return out;
}

/// Names of the filters that rules of the site use, as Envoy calls them, and the router.
json::array http_filters(const Snapshot& snapshot, const Site& site) {
  std::set<std::string> used;
  for (const Rule& rule : site.routes.rules) {
    for (const Filter& filter : rule.filters) {
      if (std::string name = envoy_filter_name(filter, snapshot); !name.empty()) used.insert(name);
    }
  }
  json::array out;
  for (const std::string& name : used) out.push_back(json::object{{"name", name}});
  out.push_back(json::object{
      {"name", "envoy.filters.http.router"},
      {"typed_config",
       json::object{{"@type", std::string(kType) + "extensions.filters.http.router.v3.Router"}}}});
  return out;
}

json::object http_manager(const Snapshot& snapshot, const Listener& listener, const Site& site) {
  json::object config{
      {"@type", std::string(kType) +
                    "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"}};
  config["stat_prefix"] = "http";
  config["rds"] = json::object{{"route_config_name", route_config_name(listener, site)}};
  config["http_filters"] = http_filters(snapshot, site);
  return {{"name", "envoy.filters.network.http_connection_manager"},
          {"typed_config", std::move(config)}};
}

json::object tcp_proxy(const StreamRoute& route) {
  json::object config{
      {"@type", std::string(kType) + "extensions.filters.network.tcp_proxy.v3.TcpProxy"}};
  config["stat_prefix"] = fmt::format("{}.{}-rule-0", route.origin.namespace_, route.origin.name);
  add_clusters(config, route.clusters);
  return {{"name", "envoy.filters.network.tcp_proxy"}, {"typed_config", std::move(config)}};
}

json::object transport_socket(const TlsTermination& tls) {
  json::array secrets;
  for (const std::string& name : tls.certificates) secrets.push_back(json::object{{"name", name}});
  json::object common{{"tls_certificate_sds_secret_configs", std::move(secrets)}};
  json::array alpn;
  for (const std::string& name : tls.alpn) alpn.push_back(json::string(name));
  if (!alpn.empty()) common["alpn_protocols"] = std::move(alpn);
  json::object context{
      {"@type", std::string(kType) + "extensions.transport_sockets.tls.v3.DownstreamTlsContext"}};
  context["common_tls_context"] = std::move(common);
  if (tls.client)
    context["require_client_certificate"] = tls.client->mode == ClientValidation::Mode::kRequire;
  return {{"name", "envoy.transport_sockets.tls"}, {"typed_config", std::move(context)}};
}

json::object chain(const std::vector<std::string>& names, json::object filter,
                   const std::optional<TlsTermination>& tls) {
  json::object out;
  json::array servers;
  for (const std::string& name : names) {
    if (!name.empty()) servers.push_back(json::string(name));
  }
  if (!servers.empty())
    out["filter_chain_match"] = json::object{{"server_names", std::move(servers)}};
  out["filters"] = json::array{std::move(filter)};
  if (tls) out["transport_socket"] = transport_socket(*tls);
  return out;
}

json::object listener_json(const Snapshot& snapshot, const Listener& listener) {
  json::object out{{"@type", std::string(kType) + "config.listener.v3.Listener"}};
  out["name"] = listener.name;
  json::array more;
  for (const std::string& address : listener.addresses) {
    json::object one = socket_address(address, listener.port);
    if (listener.udp) one["socket_address"].get_object()["protocol"] = "UDP";
    if (out.contains("address")) {
      more.push_back(json::object{{"address", std::move(one)}});
    } else {
      out["address"] = std::move(one);
    }
  }
  if (!more.empty()) out["additional_addresses"] = std::move(more);
  if (listener.connection && listener.connection->keepalive) {
    const ConnectionOptions::Keepalive& from = *listener.connection->keepalive;
    auto given = [](auto value, auto none) {
      return value == none ? std::nullopt : std::optional(value);
    };
    out["tcp_keepalive"] = tcp_keepalive(given(from.probes, std::uint32_t{0}),
                                         given(from.idle, std::chrono::seconds(0)),
                                         given(from.interval, std::chrono::seconds(0)));
  }
  if (listener.connection && listener.connection->buffer_max)
    out["per_connection_buffer_limit_bytes"] = *listener.connection->buffer_max;
  json::array chains;
  bool tls = false;
  bool plain_http = false;
  for (const Site& site : listener.sites) {
    tls = tls || site.protocol == SiteProtocol::kHttps || site.protocol == SiteProtocol::kTls;
    if (site.protocol == SiteProtocol::kHttp) {
      // All plain sites of a port share one chain; the host tells them apart.
      if (!plain_http) chains.push_back(chain({}, http_manager(snapshot, listener, site), {}));
      plain_http = true;
    } else if (site.protocol == SiteProtocol::kHttps) {
      chains.push_back(chain({site.hostname}, http_manager(snapshot, listener, site), site.tls));
    } else {
      for (const StreamRoute& route : site.streams)
        chains.push_back(chain(route.hostnames, tcp_proxy(route), site.tls));
    }
  }
  out["filter_chains"] = std::move(chains);
  if (tls)
    out["listener_filters"] =
        json::array{json::object{{"name", "envoy.filters.listener.tls_inspector"}}};
  if (!listener.sites.empty()) out["metadata"] = origin_metadata(listener.sites[0].origin);
  return out;
}

}  // namespace

json::object socket_address(const std::string& address, int port) {
  json::object inner;
  inner["address"] = address;
  inner["port_value"] = port;
  return {{"socket_address", std::move(inner)}};
}

json::object clusters_dump(const Snapshot& snapshot, const DumpVersion& version) {
  json::object out = dump("ClustersConfigDump");
  out["version_info"] = version.version;
  json::array list;
  for (const auto& [name, cluster] : snapshot.clusters)
    list.push_back(versioned(version, "cluster", cluster_json(cluster)));
  if (!list.empty()) out["dynamic_active_clusters"] = std::move(list);
  return out;
}

json::object endpoints_dump(
    const Snapshot& snapshot,
    const std::map<std::string, std::vector<upstream::Address>>& addresses) {
  json::array list;
  for (const auto& [name, cluster] : snapshot.clusters) {
    json::array endpoints;
    auto found = addresses.find(name);
    if (found != addresses.end()) {
      for (const upstream::Address& address : found->second) {
        json::object endpoint{
            {"address", socket_address(address.at.address().to_string(), address.at.port())}};
        json::object one{{"endpoint", std::move(endpoint)}};
        one["health_status"] = address.healthy() ? "HEALTHY" : "UNHEALTHY";
        one["load_balancing_weight"] = address.weight;
        endpoints.push_back(std::move(one));
      }
    }
    json::object group{{"locality", json::object()}};
    group["lb_endpoints"] = std::move(endpoints);
    json::object config{{"cluster_name", name}};
    config["endpoints"] = json::array{std::move(group)};
    list.push_back(json::object{{"endpoint_config", std::move(config)}});
  }
  json::object out = dump("EndpointsConfigDump");
  if (!list.empty()) out["dynamic_endpoint_configs"] = std::move(list);
  return out;
}

json::object listeners_dump(const Snapshot& snapshot, const DumpVersion& version) {
  json::object out = dump("ListenersConfigDump");
  out["version_info"] = version.version;
  json::array list;
  for (const Listener& listener : snapshot.listeners) {
    json::object one{{"name", listener.name}};
    one["active_state"] = versioned(version, "listener", listener_json(snapshot, listener));
    list.push_back(std::move(one));
  }
  if (!list.empty()) out["dynamic_listeners"] = std::move(list);
  return out;
}

json::object routes_dump(const Snapshot& snapshot, const DumpVersion& version) {
  json::object out = dump("RoutesConfigDump");
  json::array list;
  for (const Listener& listener : snapshot.listeners) {
    for (json::object& config : route_configs(listener))
      list.push_back(versioned(version, "route_config", std::move(config)));
  }
  if (!list.empty()) out["dynamic_route_configs"] = std::move(list);
  return out;
}

json::object secrets_dump(const Snapshot& snapshot, const DumpVersion& version) {
  json::object out = dump("SecretsConfigDump");
  json::array list;
  for (const auto& [name, certificate] : snapshot.certificates) {
    json::object pair;
    pair["certificate_chain"] = json::object{{"inline_string", certificate.chain_pem}};
    pair["private_key"] = json::object{{"inline_string", kRedacted}};
    json::object secret{{"name", name}, {"tls_certificate", std::move(pair)}};
    json::object one = versioned(version, "secret", std::move(secret));
    one["name"] = name;
    list.push_back(std::move(one));
  }
  if (!list.empty()) out["dynamic_active_secrets"] = std::move(list);
  return out;
}

}  // namespace tidegate::proxy::admin
