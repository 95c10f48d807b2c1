#include "tests/unit/kgateway/read.h"

namespace tidegate::config::kgateway {

TEST_CASE("Backends of every type decode", "[kgateway]") {
  const auto hosts = read<Backend>(
      "type: Static\nstatic: {hosts: [{host: api.example.com, port: 80}], appProtocol: "
      "kubernetes.io/h2c}\n");
  check_clean(hosts);
  CHECK(hosts.object.static_->app_protocol == StaticBackend::AppProtocol::kKubernetesH2c);
  check_clean(read<Backend>("type: DynamicForwardProxy\ndynamicForwardProxy: {enableTls: true}\n"));
  check_clean(read<Backend>("gcp: {host: a.run.app, audience: 'https://a.run.app'}\n"));
  const auto groups = read<Backend>(
      "priorityGroups: [{backendRefs: [{name: a}, {name: b}]}, {backendRefs: [{name: c}]}]\n");
  check_clean(groups);
  CHECK(groups.object.priority_groups.size() == 2);
  const auto lambda = read<Backend>(R"(type: AWS
aws:
  region: eu-west-1
  accountId: "000000000000"
  auth: {type: Secret, secretRef: {name: aws-creds}}
  lambda:
    functionName: hello
    qualifier: $LATEST
    invocationMode: Async
    endpointURL: http://172.18.0.2:31566
    payloadTransformMode: None
)");
  check_clean(lambda);
  CHECK(lambda.object.aws->lambda->invocation_mode == AwsBackend::Lambda::Mode::kAsync);
  const auto ec2 = read<Backend>(R"(aws:
  auth: {type: AssumeRole, assumeRole: {roleArn: 'arn:aws:iam::123456789012:role/a'}}
  ec2: {port: 8080, addressType: PublicIP, filters: [{key: a}, {keyValue: {key: a, value: b}}]}
)");
  check_clean(ec2);
  CHECK(ec2.object.aws->region == "us-east-1");
}

TEST_CASE("a wrong value in a Backend is told with its path", "[kgateway]") {
  const auto [spec, message] = GENERATE(table<std::string, std::string>({
      {"type: Static",
       "spec: Invalid value: \"object\": static backend must be specified when type is 'Static'"},
      {"static: {hosts: [{host: a, port: 0}]}",
       "spec.static.hosts[0].port: Invalid value: 0: spec.static.hosts[0].port in body should be "
       "greater than or equal to 1"},
      {"static: {hosts: []}",
       "spec.static.hosts: Invalid value: 0: spec.static.hosts in body should have at least 1 "
       "items"},
      {"static: {hosts: [{host: a, port: 1}]}\ngcp: {host: a}",
       "spec: Invalid value: \"object\": exactly one of the fields in [aws static "
       "dynamicForwardProxy gcp priorityGroups] must be set"},
      {"aws: {lambda: {functionName: a}}",
       "spec.aws: Invalid value: \"object\": accountId must be specified on aws or aws.lambda for "
       "lambda backends"},
      {"aws: {accountId: '12', lambda: {functionName: a}}",
       "spec.aws.accountId: Invalid value: \"12\": spec.aws.accountId in body should match "
       "'^[0-9]{12}$'"},
      {"aws: {ec2: {}, auth: {type: Secret}}",
       "spec.aws.auth: Invalid value: \"object\": secretRef must be specified when type is "
       "'Secret'"},
  }));
  CHECK(read<Backend>(spec + "\n").error() == message);
}

TEST_CASE("a BackendConfigPolicy with every field decodes", "[kgateway]") {
  const auto r = read<BackendConfigPolicy>(R"(targetRefs: [{group: '', kind: Service, name: s}]
targetSelectors: [{group: gateway.kgateway.dev, kind: Backend, matchLabels: {a: b}}]
connectTimeout: 5s
dns: {refreshRate: 10s, jitter: 1s, respectTTL: true}
perConnectionBufferLimitBytes: 1024
tcpKeepalive: {keepAliveProbes: 3, keepAliveTime: 30s, keepAliveInterval: 5s}
commonHttpProtocolOptions:
  idleTimeout: 10s
  maxHeadersCount: 15
  maxStreamDuration: 30s
  maxRequestsPerConnection: 100
http2ProtocolOptions:
  initialStreamWindowSize: 64Ki
  initialConnectionWindowSize: 65535
  maxConcurrentStreams: 10
  overrideStreamErrorOnInvalidHttpMessage: true
  connectionKeepalive: {timeout: 1s, interval: 1s, connectionIdleInterval: 1s}
tls:
  secretRef: {name: s}
  sni: a.example
  verifySubjectAltNames: [a.example]
  parameters:
    minVersion: "1.2"
    maxVersion: AUTO
    cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]
    ecdhCurves: [X25519]
    signatureAlgorithms: [rsa_pss_rsae_sha256]
  alpnProtocols: [h2]
  allowRenegotiation: false
  simpleTLS: true
loadBalancer:
  healthyPanicThreshold: 0
  updateMergeWindow: 1s
  ringHash:
    minimumRingSize: 16
    maximumRingSize: 64
    useHostnameForHashing: true
    hashPolicies:
    - {header: {name: x-user}, terminal: true}
    - {cookie: {name: c, path: /, ttl: 30m, secure: true, httpOnly: true, sameSite: Strict}}
    - {sourceIP: {}}
  localityType: WeightedLb
  closeConnectionsOnHostSetChange: true
healthCheck:
  timeout: 5s
  interval: 10s
  unhealthyThreshold: 3
  healthyThreshold: 2
  http: {host: a, path: /health, method: HEAD}
outlierDetection: {consecutive5xx: 0, interval: 1s, baseEjectionTime: 1s, maxEjectionPercent: 80}
circuitBreakers:
  maxConnections: 1
  maxPendingRequests: 1
  maxRequests: 1
  maxRetries: 0
  trackRemaining: true
upstreamProxyProtocol: {version: V2}
)");
  check_clean(r);
  const BackendConfigPolicy& p = r.object;
  CHECK(p.http2_protocol_options->initial_stream_window_size->bytes == 65536);
  CHECK(p.tls->parameters->min_version == BackendTls::Version::k12);
  CHECK(p.load_balancer->ring_hash->hash_policies.size() == 3);
  CHECK(p.outlier_detection->consecutive_5xx == 0);
  CHECK(!p.http1_protocol_options);
  check_clean(read<BackendConfigPolicy>(R"(tls: {wellKnownCACertificates: System}
http1ProtocolOptions: {enableTrailers: true, preserveHttp1HeaderCase: true}
loadBalancer:
  leastRequest: {choiceCount: 3, slowStart: {window: 10s, aggression: "1.5", minWeightPercent: 10}}
  zoneAware: {preferLocal: {force: {}, minEndpointsThreshold: 1, routingEnabled: 50}}
healthCheck:
  {timeout: 5s, interval: 10s, unhealthyThreshold: 3, healthyThreshold: 2, grpc: {serviceName: a}}
)"));
}

TEST_CASE("a wrong value in a BackendConfigPolicy is told with its path", "[kgateway]") {
  const auto [spec, message] = GENERATE(table<std::string, std::string>({
      {"targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: a}]",
       "spec.targetRefs: Invalid value: \"array\": TargetRefs must reference either a Kubernetes "
       "Service, a Backend, or an Istio Hostname"},
      {"http1ProtocolOptions: {}\nhttp2ProtocolOptions: {}",
       "spec: Invalid value: \"object\": at most one of the fields in [http1ProtocolOptions "
       "http2ProtocolOptions] may be set"},
      {"loadBalancer: {}",
       "spec.loadBalancer: Invalid value: \"object\": exactly one of the fields in [leastRequest "
       "roundRobin ringHash maglev random] must be set"},
      {"loadBalancer: {maglev: {}, zoneAware: {preferLocal: {}}}",
       "spec.loadBalancer: Invalid value: \"object\": zoneAware is not supported with ringHash or "
       "maglev load balancers"},
      {"loadBalancer: {roundRobin: {slowStart: {aggression: '0.0'}}}",
       "spec.loadBalancer.roundRobin.slowStart.aggression: Invalid value: \"0.0\": Aggression, if "
       "specified, must be a string representing a number greater than 0.0"},
      {"tls: {sni: a}",
       "spec.tls: Invalid value: \"object\": exactly one of the fields in [secretRef files "
       "insecureSkipVerify wellKnownCACertificates] must be set"},
      {"tls: {files: {}}",
       "spec.tls.files: Invalid value: \"object\": At least one of tlsCertificate, tlsKey, or "
       "rootCA "
       "must be set in TLSFiles"},
      {"tcpKeepalive: {keepAliveTime: 10ms}",
       "spec.tcpKeepalive.keepAliveTime: Invalid value: \"10ms\": must be at least 1000ms"},
      {"healthCheck: {timeout: 1s, interval: 1s, unhealthyThreshold: 1, healthyThreshold: 1}",
       "spec.healthCheck: Invalid value: \"object\": exactly one of http or grpc must be set"},
      {"dns: {refreshRate: 1s, jitter: 2s}",
       "spec.dns: Invalid value: \"object\": jitter must be less than or equal to refreshRate"},
      {"http2ProtocolOptions: {initialStreamWindowSize: 1}",
       "spec.http2ProtocolOptions.initialStreamWindowSize: Invalid value: 1: must be between 65535 "
       "and 2147483647 bytes"},
  }));
  CHECK(read<BackendConfigPolicy>(spec + "\n").error() == message);
}

TEST_CASE("a BackendConfigPolicy holds for whole objects", "[kgateway]") {
  CHECK(read<BackendConfigPolicy>(
            "targetRefs: [{group: '', kind: Service, name: s, sectionName: http}]\n")
            .warning() == "unknown field spec.targetRefs[0].sectionName");
}

}  // namespace tidegate::config::kgateway
