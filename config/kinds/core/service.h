#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/fields/meta.h"

namespace tidegate::config {

/// A port by number or by name.
using IntOrString = std::variant<int, std::string>;

struct ServicePort {
  std::string name;
  int port = 0;
  std::optional<IntOrString> target_port;  // absent: the same as `port`
  std::string protocol = "TCP";            // TCP, UDP, SCTP
  std::string
      app_protocol;  // kubernetes.io/h2c, kubernetes.io/ws, kubernetes.io/wss, http2, grpc, ...
  std::optional<int> node_port;
  bool operator==(const ServicePort&) const = default;
};

/// Source: Kubernetes core/v1 Service.
struct Service {
  Meta meta;
  std::string type = "ClusterIP";  // ClusterIP, NodePort, LoadBalancer, ExternalName
  std::string external_name;       // ExternalName only
  std::string cluster_ip;          // as written: "None" is headless; may be empty
  std::map<std::string, std::string> selector;
  std::vector<ServicePort> ports;
  std::string session_affinity = "None";  // None, ClientIP
  bool publish_not_ready_addresses = false;
  std::string traffic_distribution;  // PreferClose, ...; may be empty
  bool operator==(const Service&) const = default;
};

}  // namespace tidegate::config
