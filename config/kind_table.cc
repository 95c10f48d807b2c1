#include "config/kind_table.h"

#include "config/fields/object.h"
#include "config/kinds/core/descriptions.h"
#include "config/kinds/gateway/descriptions.h"
#include "config/kinds/kgateway/descriptions.h"
#include "config/object_set.h"

namespace tidegate::config {
namespace {

using fields::Body;

template <class T, Body kBody>
Decoded decode(const Kind& kind, const fields::Node& root) {
  fields::Findings findings;
  auto typed = std::make_shared<T>();
  fields::read_object(findings, root, {kBody, kind.namespaced}, fields::description<T>(),
                      typed.get(), typed->meta);
  Decoded decoded;
  decoded.meta = typed->meta;
  decoded.typed = std::move(typed);
  decoded.findings = findings.take();
  return decoded;
}

template <class T, Body kBody>
const fields::Schema& schema() {
  static const fields::Schema schema =
      fields::object_schema({kBody, true}, fields::description<T>());
  return schema;
}

template <class T>
std::shared_ptr<const void> with_meta(const std::shared_ptr<const void>& typed, const Meta& meta) {
  auto copy = std::make_shared<T>(*static_cast<const T*>(typed.get()));
  copy->meta = meta;
  return copy;
}

template <class T>
void file_under(ObjectSet& set, const std::shared_ptr<const void>& typed, bool valid) {
  set.add_typed<T>(std::static_pointer_cast<const T>(typed), valid);
}

struct Names {
  std::string_view kind;
  std::string_view plural;
  std::string_view singular;
  std::vector<std::string_view> short_names;
};

template <class T, Body kBody>
Kind make(std::string_view group, std::vector<std::string_view> versions, Names names,
          bool namespaced = true) {
  return {group,        std::move(versions), names.kind,
          names.plural, names.singular,      std::move(names.short_names),
          namespaced,   decode<T, kBody>,    schema<T, kBody>,
          with_meta<T>, file_under<T>};
}

}  // namespace

const std::vector<Kind>& kind_table() {
  constexpr Body spec = Body::kSpec;
  constexpr Body top = Body::kTopLevel;
  const std::string_view gateway = kGatewayGroup;
  const std::string_view kgw = kgateway::kGroup;
  static const std::vector<Kind> table{
      make<Namespace, top>("", {"v1"}, {"Namespace", "namespaces", "namespace", {"ns"}}, false),
      make<Service, spec>("", {"v1"}, {"Service", "services", "service", {"svc"}}),
      make<SecretObject, top>("", {"v1"}, {"Secret", "secrets", "secret", {}}),
      make<ConfigMap, top>("", {"v1"}, {"ConfigMap", "configmaps", "configmap", {"cm"}}),
      make<EndpointSlice, top>("discovery.k8s.io", {"v1", "v1beta1"},
                               {"EndpointSlice", "endpointslices", "endpointslice", {}}),
      make<GatewayClass, spec>(gateway, {"v1", "v1beta1", "v1alpha2"},
                               {"GatewayClass", "gatewayclasses", "gatewayclass", {"gc"}}, false),
      make<Gateway, spec>(gateway, {"v1", "v1beta1", "v1alpha2"},
                          {"Gateway", "gateways", "gateway", {"gtw"}}),
      make<ListenerSet, spec>(gateway, {"v1"},
                              {"ListenerSet", "listenersets", "listenerset", {"lset"}}),
      make<HttpRoute, spec>(gateway, {"v1", "v1beta1", "v1alpha2"},
                            {"HTTPRoute", "httproutes", "httproute", {}}),
      make<GrpcRoute, spec>(gateway, {"v1", "v1alpha2"},
                            {"GRPCRoute", "grpcroutes", "grpcroute", {}}),
      make<TlsRoute, spec>(gateway, {"v1", "v1alpha3", "v1alpha2"},
                           {"TLSRoute", "tlsroutes", "tlsroute", {}}),
      make<TcpRoute, spec>(gateway, {"v1", "v1alpha2"}, {"TCPRoute", "tcproutes", "tcproute", {}}),
      make<UdpRoute, spec>(gateway, {"v1", "v1alpha2"}, {"UDPRoute", "udproutes", "udproute", {}}),
      make<BackendTlsPolicy, spec>(
          gateway, {"v1", "v1alpha3"},
          {"BackendTLSPolicy", "backendtlspolicies", "backendtlspolicy", {"btlspolicy"}}),
      make<ReferenceGrant, spec>(
          gateway, {"v1", "v1beta1", "v1alpha2"},
          {"ReferenceGrant", "referencegrants", "referencegrant", {"refgrant"}}),
      make<kgateway::TrafficPolicy, spec>(
          kgw, {"v1alpha1"}, {"TrafficPolicy", "trafficpolicies", "trafficpolicy", {}}),
      make<kgateway::GatewayExtension, spec>(
          kgw, {"v1alpha1"}, {"GatewayExtension", "gatewayextensions", "gatewayextension", {}}),
      make<kgateway::DirectResponse, spec>(
          kgw, {"v1alpha1"}, {"DirectResponse", "directresponses", "directresponse", {}}),
      make<kgateway::Backend, spec>(kgw, {"v1alpha1"}, {"Backend", "backends", "backend", {}}),
      make<kgateway::BackendConfigPolicy, spec>(
          kgw, {"v1alpha1"},
          {"BackendConfigPolicy", "backendconfigpolicies", "backendconfigpolicy", {}}),
      make<kgateway::ListenerPolicy, spec>(
          kgw, {"v1alpha1"}, {"ListenerPolicy", "listenerpolicies", "listenerpolicy", {}}),
      make<kgateway::HttpListenerPolicy, spec>(
          kgw, {"v1alpha1"},
          {"HTTPListenerPolicy", "httplistenerpolicies", "httplistenerpolicy", {}}),
      make<kgateway::GatewayParameters, spec>(
          kgw, {"v1alpha1"}, {"GatewayParameters", "gatewayparameters", "gatewayparameters", {}}),
  };
  return table;
}

const Kind* find_kind(std::string_view group, std::string_view kind) {
  for (const Kind& known : kind_table()) {
    if (known.kind == kind && known.group == group) return &known;
  }
  return nullptr;
}

bool is_our_group(std::string_view group) {
  return group == kGatewayGroup || group == "gateway.networking.x-k8s.io" ||
         group == kgateway::kGroup;
}

}  // namespace tidegate::config
