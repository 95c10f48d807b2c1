#include "config/kinds/core/service.h"

#include <set>

#include "config/kinds/core/descriptions.h"

namespace tidegate::config::fields {

template <>
const Description& description<ServicePort>() {
  static const Description description =
      Fields<ServicePort>()
          .field<&ServicePort::name>("name", Bounds().length(0, 63))
          .required<&ServicePort::port>("port", Bounds().range(1, 65535))
          .field<&ServicePort::target_port>("targetPort", Bounds().range(1, 65535).length(1, 63))
          .field<&ServicePort::protocol>("protocol", Bounds().one_of({"TCP", "UDP", "SCTP"}))
          .field<&ServicePort::app_protocol>("appProtocol")
          .field<&ServicePort::node_port>(
              "nodePort",
              Bounds().range(0, 65535).effect(Effect::kNoEffect).doc("nodes are a cluster's"));
  return description;
}

template <>
const Description& description<Service>() {
  static const Description description =
      Fields<Service>()
          .field<&Service::type>(
              "type", Bounds().one_of({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}))
          .field<&Service::external_name>("externalName", Bounds().length(0, 253))
          .field<&Service::cluster_ip>(
              "clusterIP",
              Bounds().effect(Effect::kNoEffect).doc("endpoints are spoken to directly"))
          .field<&Service::selector>(
              "selector",
              Bounds().effect(Effect::kNoEffect).doc("endpoints come from EndpointSlices"))
          .field<&Service::ports>("ports")
          .field<&Service::session_affinity>("sessionAffinity",
                                             Bounds()
                                                 .one_of({"None", "ClientIP"})
                                                 .effect(Effect::kNoEffect)
                                                 .doc("see sessionPersistence of HTTPRoute"))
          .field<&Service::publish_not_ready_addresses>("publishNotReadyAddresses")
          .field<&Service::traffic_distribution>("trafficDistribution",
                                                 Bounds().effect(Effect::kNoEffect))
          .ignored({"clusterIPs", "externalIPs", "loadBalancerIP", "loadBalancerSourceRanges",
                    "externalTrafficPolicy", "healthCheckNodePort", "sessionAffinityConfig",
                    "ipFamilies", "ipFamilyPolicy", "allocateLoadBalancerNodePorts",
                    "loadBalancerClass", "internalTrafficPolicy"})
          .rule_at("externalName", "must be a host name when type is ExternalName",
                   [](const Service& s) {
                     return s.type != "ExternalName" || kDnsSubdomain.matches(s.external_name);
                   })
          .rule_at("ports", "must have at least one port",
                   [](const Service& s) {
                     return s.type == "ExternalName" || s.cluster_ip == "None" || !s.ports.empty();
                   })
          .rule_at("ports", "every port must have a name of its own when there are several",
                   [](const Service& s) {
                     std::set<std::string_view> names;
                     for (const ServicePort& port : s.ports) names.insert(port.name);
                     return s.ports.size() < 2 ||
                            (names.size() == s.ports.size() && names.count("") == 0);
                   });
  return description;
}

}  // namespace tidegate::config::fields
