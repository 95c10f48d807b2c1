#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// What kgateway deploys for a Gateway. Nobody deploys Tidegate: `kube` is read so that what is
/// wrong in it is told, and does nothing. Kubernetes' own types stay as they are written. Source:
/// KubernetesProxyConfig.
struct KubeDeployment {
  using Any = std::optional<boost::json::value>;
  using Labels = std::map<std::string, std::string>;
  struct Image {
    std::optional<std::string> registry, repository, tag, digest, pull_policy;
    bool operator==(const Image&) const = default;
  };
  struct LogFormat {  // exactly one
    Any json;
    std::optional<std::string> text;
    bool operator==(const LogFormat&) const = default;
  };
  struct DnsResolver {
    std::optional<int> udp_max_queries;
    bool operator==(const DnsResolver&) const = default;
  };
  struct Bootstrap {
    std::optional<LogFormat> log_format;
    std::optional<std::string> log_level;
    Labels component_log_levels;
    std::optional<DnsResolver> dns_resolver;
    std::optional<bool> enable_readiness_probe_proxy_protocol;
    bool operator==(const Bootstrap&) const = default;
  };
  struct EnvoyContainer {
    std::optional<Bootstrap> bootstrap;
    std::optional<Image> image;
    Any security_context, resources;
    std::vector<std::string> extra_args;
    std::vector<boost::json::value> env, extra_volume_mounts;
    bool operator==(const EnvoyContainer&) const = default;
  };
  struct SdsBootstrap {
    std::optional<std::string> log_level;
    bool operator==(const SdsBootstrap&) const = default;
  };
  struct SdsContainer {
    std::optional<Image> image;
    Any security_context, resources;
    std::optional<SdsBootstrap> bootstrap;
    bool operator==(const SdsContainer&) const = default;
  };
  struct IstioContainer {
    std::optional<Image> image;
    Any security_context, resources;
    std::optional<std::string> log_level, istio_discovery_address, istio_meta_mesh_id,
        istio_meta_cluster_id;
    bool operator==(const IstioContainer&) const = default;
  };
  struct Istio {
    std::optional<IstioContainer> istio_proxy_container;
    std::vector<boost::json::value> custom_sidecars;
    bool operator==(const Istio&) const = default;
  };
  struct StatsMatcher {  // exactly one
    std::vector<StringMatcher> inclusion_list, exclusion_list;
    bool operator==(const StatsMatcher&) const = default;
  };
  struct Stats {
    std::optional<bool> enabled, enable_stats_route;
    std::optional<std::string> route_prefix_rewrite, stats_route_prefix_rewrite;
    std::optional<StatsMatcher> matcher;
    bool operator==(const Stats&) const = default;
  };
  struct Deployment {
    std::optional<int> replicas;
    Any strategy;
    bool operator==(const Deployment&) const = default;
  };
  struct Port {
    int port = 0;
    std::optional<int> node_port;
    bool operator==(const Port&) const = default;
  };
  struct Service {
    std::optional<std::string> type, cluster_ip, external_traffic_policy, load_balancer_class;
    Labels extra_labels, extra_annotations;
    std::vector<Port> ports;
    std::vector<std::string> load_balancer_source_ranges;
    bool operator==(const Service&) const = default;
  };
  struct ServiceAccount {
    Labels extra_labels, extra_annotations;
    bool operator==(const ServiceAccount&) const = default;
  };
  struct GracefulShutdown {
    std::optional<bool> enabled;
    std::optional<std::int64_t> sleep_time_seconds;
    bool operator==(const GracefulShutdown&) const = default;
  };
  struct Pod {
    Labels extra_labels, extra_annotations, node_selector;
    Any security_context, affinity, startup_probe, readiness_probe, liveness_probe;
    std::vector<LocalName> image_pull_secrets;
    std::vector<boost::json::value> tolerations, topology_spread_constraints, extra_volumes;
    std::optional<GracefulShutdown> graceful_shutdown;
    std::optional<std::int64_t> termination_grace_period_seconds;
    std::optional<std::string> priority_class_name;
    bool operator==(const Pod&) const = default;
  };
  struct Metadata {
    Labels labels, annotations;
    bool operator==(const Metadata&) const = default;
  };
  struct Overlay {
    std::optional<Metadata> metadata;
    Any spec;
    bool operator==(const Overlay&) const = default;
  };
  std::optional<Deployment> deployment;
  std::optional<EnvoyContainer> envoy_container;
  std::optional<SdsContainer> sds_container;
  std::optional<Pod> pod_template;
  std::optional<Service> service;
  std::optional<ServiceAccount> service_account;
  std::optional<Istio> istio;
  std::optional<Stats> stats;
  std::optional<bool> omit_default_security_context;
  std::optional<Overlay> deployment_overlay, service_overlay, service_account_overlay,
      pod_disruption_budget, horizontal_pod_autoscaler, vertical_pod_autoscaler;
  bool operator==(const KubeDeployment&) const = default;
};

/// Exactly one member is set. Source: GatewayParametersSpec.
struct GatewayParameters {
  Meta meta;
  std::optional<KubeDeployment> kube;
  std::optional<boost::json::value> self_managed;  // somebody else runs the proxy, as here
  bool operator==(const GatewayParameters&) const = default;
};

}  // namespace tidegate::config::kgateway
