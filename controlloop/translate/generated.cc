#include "controlloop/translate/generated.h"

#include <fmt/format.h>

#include <set>

#include "config/kinds/core/service.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;

namespace {

json::object strings(const std::map<std::string, std::string>& from) {
  json::object out;
  for (const auto& [key, value] : from) out[key] = value;
  return out;
}

json::object service_of(const GatewayState& state) {
  const config::Gateway& gateway = *state.gateway;
  json::object owner;
  owner["apiVersion"] = std::string(config::kGatewayGroup) + "/v1";
  owner["kind"] = "Gateway";
  owner["name"] = gateway.meta.name;
  owner["uid"] = gateway.meta.uid;
  owner["controller"] = true;

  json::object meta;
  meta["name"] = gateway.meta.name;
  meta["namespace"] = gateway.meta.namespace_;
  json::object labels;
  json::object annotations;
  if (gateway.infrastructure) {
    labels = strings(gateway.infrastructure->labels);
    annotations = strings(gateway.infrastructure->annotations);
  }
  labels["gateway.networking.k8s.io/gateway-name"] = gateway.meta.name;
  labels["gateway.networking.k8s.io/gateway-class-name"] = gateway.gateway_class_name;
  meta["labels"] = std::move(labels);
  if (!annotations.empty()) meta["annotations"] = std::move(annotations);
  meta["ownerReferences"] = {std::move(owner)};

  json::array ports;
  std::set<std::pair<int, bool>> seen;
  for (const ListenerState& listener : state.listeners) {
    const bool udp = listener.spec->protocol == "UDP";
    if (!listener.served() || !seen.insert({listener.spec->port, udp}).second) continue;
    json::object port;
    port["name"] = fmt::format("{}-{}", udp ? "udp" : "tcp", listener.spec->port);
    port["port"] = listener.spec->port;
    port["protocol"] = udp ? "UDP" : "TCP";
    ports.push_back(std::move(port));
  }
  json::object spec;
  spec["type"] = "LoadBalancer";
  spec["ports"] = std::move(ports);

  json::array ingress;
  for (const config::GatewayAddress& address : state.published) {
    json::object one;
    one["ip"] = address.value;
    ingress.push_back(std::move(one));
  }
  json::object balancer;
  balancer["ingress"] = std::move(ingress);
  json::object status;
  status["loadBalancer"] = std::move(balancer);

  json::object out;
  out["apiVersion"] = "v1";
  out["kind"] = "Service";
  out["metadata"] = std::move(meta);
  out["spec"] = std::move(spec);
  out["status"] = std::move(status);
  return out;
}

}  // namespace

std::vector<json::object> generated_services(
    const config::ObjectSet& objects, const std::vector<std::shared_ptr<GatewayState>>& gateways) {
  std::vector<json::object> out;
  for (const auto& state : gateways) {
    const config::Meta& meta = state->gateway->meta;
    if (objects.object("Service", meta.namespace_, meta.name) == nullptr)
      out.push_back(service_of(*state));
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
