#include "config/kinds/kgateway/gateway_parameters.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config::fields {
using namespace kgateway;

template <>
const Description& description<KubeDeployment::Image>() {
  using T = KubeDeployment::Image;
  static const Description description = Fields<T>()
                                             .field<&T::registry>("registry")
                                             .field<&T::repository>("repository")
                                             .field<&T::tag>("tag")
                                             .field<&T::digest>("digest")
                                             .field<&T::pull_policy>("pullPolicy");
  return description;
}

template <>
const Description& description<KubeDeployment::LogFormat>() {
  using T = KubeDeployment::LogFormat;
  static const Description description = [] {
    Fields<T> f;
    f.field<&T::json>("json").field<&T::text>("text");
    exactly_one<&T::json, &T::text>(f, "json text");
    return f;
  }();
  return description;
}

template <>
const Description& description<KubeDeployment::DnsResolver>() {
  using T = KubeDeployment::DnsResolver;
  static const Description description =
      Fields<T>().field<&T::udp_max_queries>("udpMaxQueries", Bounds().at_least(0));
  return description;
}

template <>
const Description& description<KubeDeployment::Bootstrap>() {
  using T = KubeDeployment::Bootstrap;
  static const Description description =
      Fields<T>()
          .field<&T::log_format>("logFormat")
          .field<&T::log_level>("logLevel")
          .field<&T::component_log_levels>("componentLogLevels")
          .field<&T::dns_resolver>("dnsResolver")
          .field<&T::enable_readiness_probe_proxy_protocol>("enableReadinessProbeProxyProtocol");
  return description;
}

template <>
const Description& description<KubeDeployment::EnvoyContainer>() {
  using T = KubeDeployment::EnvoyContainer;
  static const Description description =
      Fields<T>()
          .field<&T::bootstrap>("bootstrap")
          .field<&T::image>("image")
          .field<&T::security_context>("securityContext")
          .field<&T::resources>("resources")
          .field<&T::extra_args>("extraArgs", Bounds().items(1, 32).length(1, 256))
          .field<&T::env>("env")
          .field<&T::extra_volume_mounts>("extraVolumeMounts");
  return description;
}

template <>
const Description& description<KubeDeployment::SdsBootstrap>() {
  using T = KubeDeployment::SdsBootstrap;
  static const Description description = Fields<T>().field<&T::log_level>("logLevel");
  return description;
}

template <>
const Description& description<KubeDeployment::SdsContainer>() {
  using T = KubeDeployment::SdsContainer;
  static const Description description = Fields<T>()
                                             .field<&T::image>("image")
                                             .field<&T::security_context>("securityContext")
                                             .field<&T::resources>("resources")
                                             .field<&T::bootstrap>("bootstrap");
  return description;
}

template <>
const Description& description<KubeDeployment::IstioContainer>() {
  using T = KubeDeployment::IstioContainer;
  static const Description description =
      Fields<T>()
          .field<&T::image>("image")
          .field<&T::security_context>("securityContext")
          .field<&T::resources>("resources")
          .field<&T::log_level>("logLevel")
          .field<&T::istio_discovery_address>("istioDiscoveryAddress")
          .field<&T::istio_meta_mesh_id>("istioMetaMeshId")
          .field<&T::istio_meta_cluster_id>("istioMetaClusterId");
  return description;
}

template <>
const Description& description<KubeDeployment::Istio>() {
  using T = KubeDeployment::Istio;
  static const Description description =
      Fields<T>()
          .field<&T::istio_proxy_container>("istioProxyContainer")
          .field<&T::custom_sidecars>("customSidecars");
  return description;
}

template <>
const Description& description<KubeDeployment::StatsMatcher>() {
  using T = KubeDeployment::StatsMatcher;
  static const Description description = [] {
    Fields<T> f;
    f.field<&T::inclusion_list>("inclusionList", Bounds().items(0, 16))
        .field<&T::exclusion_list>("exclusionList", Bounds().items(0, 16));
    exactly_one<&T::inclusion_list, &T::exclusion_list>(f, "inclusionList exclusionList");
    return f;
  }();
  return description;
}

template <>
const Description& description<KubeDeployment::Stats>() {
  using T = KubeDeployment::Stats;
  static const Description description =
      Fields<T>()
          .field<&T::enabled>("enabled")
          .field<&T::route_prefix_rewrite>("routePrefixRewrite")
          .field<&T::enable_stats_route>("enableStatsRoute")
          .field<&T::stats_route_prefix_rewrite>("statsRoutePrefixRewrite")
          .field<&T::matcher>("matcher");
  return description;
}

template <>
const Description& description<KubeDeployment::Deployment>() {
  using T = KubeDeployment::Deployment;
  static const Description description = Fields<T>()
                                             .field<&T::replicas>("replicas", Bounds().at_least(0))
                                             .field<&T::strategy>("strategy");
  return description;
}

template <>
const Description& description<KubeDeployment::Port>() {
  using T = KubeDeployment::Port;
  static const Description description = Fields<T>()
                                             .required<&T::port>("port", port_bounds())
                                             .field<&T::node_port>("nodePort", port_bounds());
  return description;
}

template <>
const Description& description<KubeDeployment::Service>() {
  using T = KubeDeployment::Service;
  static const Description description =
      Fields<T>()
          .field<&T::type>(
              "type", Bounds().one_of({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}))
          .field<&T::cluster_ip>("clusterIP")
          .field<&T::extra_labels>("extraLabels")
          .field<&T::extra_annotations>("extraAnnotations")
          .field<&T::ports>("ports")
          .field<&T::external_traffic_policy>("externalTrafficPolicy")
          .field<&T::load_balancer_class>("loadBalancerClass")
          .field<&T::load_balancer_source_ranges>("loadBalancerSourceRanges");
  return description;
}

template <>
const Description& description<KubeDeployment::ServiceAccount>() {
  using T = KubeDeployment::ServiceAccount;
  static const Description description = Fields<T>()
                                             .field<&T::extra_labels>("extraLabels")
                                             .field<&T::extra_annotations>("extraAnnotations");
  return description;
}

template <>
const Description& description<KubeDeployment::GracefulShutdown>() {
  using T = KubeDeployment::GracefulShutdown;
  static const Description description =
      Fields<T>().field<&T::enabled>("enabled").field<&T::sleep_time_seconds>(
          "sleepTimeSeconds", Bounds().range(0, 31'536'000));
  return description;
}

template <>
const Description& description<KubeDeployment::Pod>() {
  using T = KubeDeployment::Pod;
  static const Description description =
      Fields<T>()
          .field<&T::extra_labels>("extraLabels")
          .field<&T::extra_annotations>("extraAnnotations")
          .field<&T::security_context>("securityContext")
          .field<&T::image_pull_secrets>("imagePullSecrets")
          .field<&T::node_selector>("nodeSelector")
          .field<&T::affinity>("affinity")
          .field<&T::tolerations>("tolerations")
          .field<&T::graceful_shutdown>("gracefulShutdown")
          .field<&T::termination_grace_period_seconds>("terminationGracePeriodSeconds",
                                                       Bounds().range(0, 31'536'000))
          .field<&T::startup_probe>("startupProbe")
          .field<&T::readiness_probe>("readinessProbe")
          .field<&T::liveness_probe>("livenessProbe")
          .field<&T::topology_spread_constraints>("topologySpreadConstraints")
          .field<&T::extra_volumes>("extraVolumes")
          .field<&T::priority_class_name>("priorityClassName");
  return description;
}

template <>
const Description& description<KubeDeployment::Metadata>() {
  using T = KubeDeployment::Metadata;
  static const Description description =
      Fields<T>().field<&T::labels>("labels").field<&T::annotations>("annotations");
  return description;
}

template <>
const Description& description<KubeDeployment::Overlay>() {
  using T = KubeDeployment::Overlay;
  static const Description description =
      Fields<T>().field<&T::metadata>("metadata").field<&T::spec>("spec");
  return description;
}

template <>
const Description& description<KubeDeployment>() {
  using T = KubeDeployment;
  static const Description description =
      Fields<T>()
          .field<&T::deployment>("deployment")
          .field<&T::envoy_container>("envoyContainer")
          .field<&T::sds_container>("sdsContainer")
          .field<&T::pod_template>("podTemplate")
          .field<&T::service>("service")
          .field<&T::service_account>("serviceAccount")
          .field<&T::istio>("istio")
          .field<&T::stats>("stats")
          .field<&T::omit_default_security_context>("omitDefaultSecurityContext")
          .field<&T::deployment_overlay>("deploymentOverlay")
          .field<&T::service_overlay>("serviceOverlay")
          .field<&T::service_account_overlay>("serviceAccountOverlay")
          .field<&T::pod_disruption_budget>("podDisruptionBudget")
          .field<&T::horizontal_pod_autoscaler>("horizontalPodAutoscaler")
          .field<&T::vertical_pod_autoscaler>("verticalPodAutoscaler");
  return description;
}

template <>
const Description& description<GatewayParameters>() {
  using T = GatewayParameters;
  static const Description description = [] {
    Fields<T> f;
    f.field<&T::kube>("kube",
                      Bounds().no_effect("nobody deploys this process; its options, and the "
                                         "Gateway, say what it does"))
        .field<&T::self_managed>("selfManaged", Bounds().doc("somebody else runs the proxy"));
    exactly_one<&T::kube, &T::self_managed>(f, "kube selfManaged");
    return f;
  }();
  return description;
}

}  // namespace tidegate::config::fields
