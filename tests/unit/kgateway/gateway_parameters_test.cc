#include "tests/unit/kgateway/read.h"

namespace tidegate::config::kgateway {

TEST_CASE("GatewayParameters decode; what is of a deployment is told to have no effect") {
  const auto r = read<GatewayParameters>(R"(kube:
  deployment: {replicas: 2, strategy: {type: Recreate}}
  envoyContainer:
    bootstrap:
      logLevel: debug
      logFormat: {json: {level: '%l'}}
      componentLogLevels: {upstream: debug}
      dnsResolver: {udpMaxQueries: 0}
    image: {registry: a, repository: b, tag: c, pullPolicy: Always}
    securityContext: {runAsUser: 1}
    resources: {requests: {cpu: 100m}}
    extraArgs: [--concurrency, '2']
    env: [{name: A, value: b}]
  podTemplate:
    extraLabels: {a: b}
    nodeSelector: {a: b}
    tolerations: [{key: a}]
    gracefulShutdown: {enabled: true, sleepTimeSeconds: 10}
    terminationGracePeriodSeconds: 60
  service: {type: NodePort, ports: [{port: 80, nodePort: 30080}], extraAnnotations: {a: b}}
  serviceAccount: {extraLabels: {a: b}}
  stats: {enabled: true, matcher: {inclusionList: [{prefix: cluster.}]}}
  deploymentOverlay: {metadata: {labels: {a: b}}, spec: {replicas: 3}}
)");
  check_clean(r);
  CHECK(r.object.kube->service->ports[0].node_port == 30080);
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message ==
        "spec.kube is accepted without effect: nobody deploys this process; its options, and the "
        "Gateway, say what it does");
  CHECK(read<GatewayParameters>("selfManaged: {}\n").findings.empty());
}

TEST_CASE("a wrong value in GatewayParameters is told with its path", "[kgateway]") {
  CHECK(read<GatewayParameters>("kube: {}\nselfManaged: {}\n").error() ==
        "spec: Invalid value: \"object\": exactly one of the fields in [kube selfManaged] must be "
        "set");
  CHECK(read<GatewayParameters>("kube: {service: {type: Cloud}}\n").error() ==
        "spec.kube.service.type: Unsupported value: \"Cloud\": supported values: \"ClusterIP\", "
        "\"NodePort\", \"LoadBalancer\", \"ExternalName\"");
  CHECK(read<GatewayParameters>("kube: {deployment: {replica: 1}}\n").warning() ==
        "unknown field spec.kube.deployment.replica, did you mean replicas?");
}

}  // namespace tidegate::config::kgateway
