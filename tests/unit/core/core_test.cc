#include <catch2/catch.hpp>

#include "config/fields/object.h"
#include "config/kinds/core/base64.h"
#include "config/kinds/core/descriptions.h"
#include "config/yaml/document.h"

namespace tidegate::config {
namespace {

template <class T>
struct Read {
  T object;
  std::vector<fields::Finding> findings;
};

template <class T>
Read<T> read(std::string_view text, fields::Body body = fields::Body::kTopLevel,
             bool namespaced = true) {
  const auto parsed = yaml::parse_yaml(text, yaml::Budgets());
  REQUIRE(parsed);
  Read<T> out;
  fields::Findings findings;
  fields::read_object(findings, {&parsed.value->root, &parsed.value->lines}, {body, namespaced},
                      fields::description<T>(), &out.object, out.object.meta);
  out.findings = findings.take();
  return out;
}

}  // namespace

TEST_CASE("a Service decodes with its ports", "[core]") {
  const auto r = read<Service>(R"(
apiVersion: v1
kind: Service
metadata: {name: a, labels: {app: x}, annotations: {note: 'y'}}
spec:
  selector: {app: x}
  clusterIPs: [10.0.0.1]
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: h2, port: 81, targetPort: web, appProtocol: kubernetes.io/h2c}
)",
                               fields::Body::kSpec);
  CHECK(r.findings.empty());
  CHECK(r.object.meta.namespace_ == "default");
  CHECK(r.object.meta.labels.at("app") == "x");
  CHECK(r.object.meta.line == 2);
  REQUIRE(r.object.ports.size() == 2);
  CHECK(std::get<int>(*r.object.ports[0].target_port) == 8080);
  CHECK(std::get<std::string>(*r.object.ports[1].target_port) == "web");
  CHECK(r.object.ports[1].app_protocol == "kubernetes.io/h2c");
}

TEST_CASE("an ExternalName Service needs a host name", "[core]") {
  const std::string head = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n";
  auto r = read<Service>(head + "  type: ExternalName\n  externalName: example.com\n",
                         fields::Body::kSpec);
  CHECK(r.findings.empty());
  CHECK(r.object.external_name == "example.com");
  r = read<Service>(head + "  type: ExternalName\n", fields::Body::kSpec);
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message.find("spec.externalName") == 0);
}

TEST_CASE("an EndpointSlice decodes, with addresses that are names", "[core]") {
  const auto r = read<EndpointSlice>(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a-1, labels: {kubernetes.io/service-name: a}}
addressType: FQDN
endpoints:
- addresses: [backend.internal]
  conditions: {ready: false}
  zone: z1
  hints: {forZones: [{name: z1}, {name: z2}]}
ports:
- {name: http, port: 8080}
)");
  CHECK(r.findings.empty());
  REQUIRE(r.object.endpoints.size() == 1);
  CHECK(r.object.endpoints[0].addresses.front() == "backend.internal");
  CHECK(r.object.endpoints[0].conditions.ready == false);
  CHECK_FALSE(r.object.endpoints[0].conditions.serving.has_value());
  CHECK(r.object.endpoints[0].hint_zones == std::vector<std::string>{"z1", "z2"});
  CHECK(r.object.ports[0].port == 8080);
}

TEST_CASE("a Secret decodes base64, and stringData wins", "[core]") {
  const auto r = read<SecretObject>(R"(
apiVersion: v1
kind: Secret
metadata: {name: a, namespace: b}
stringData: {x: plain}
data: {x: b3RoZXI=, y: AAEC}
)");
  CHECK(r.findings.empty());
  CHECK(r.object.meta.namespace_ == "b");
  CHECK(r.object.data.at("x").reveal() == "plain");
  CHECK(r.object.data.at("y").reveal() == std::string("\0\1\2", 3));
}

TEST_CASE("what is wrong with a Secret never shows its value", "[core]") {
  auto r = read<SecretObject>(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  k: 'hunter2!'\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].line == 5);
  CHECK(r.findings[0].message == "data.k: Invalid value: [redacted]: illegal base64 data");
  r = read<SecretObject>(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message.find("tls.crt and tls.key") != std::string::npos);
}

TEST_CASE("ConfigMap and Namespace decode", "[core]") {
  const auto map = read<ConfigMap>(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {ca.crt: x}\n"
      "binaryData: {b: AA==}\n");
  CHECK(map.findings.empty());
  CHECK(map.object.data.at("ca.crt") == "x");
  CHECK(map.object.binary_data.at("b").size() == 1);
  const auto space =
      read<Namespace>("apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: red}}\n",
                      fields::Body::kTopLevel, false);
  CHECK(space.findings.empty());
  CHECK(space.object.meta.namespace_.empty());
  CHECK(space.object.meta.labels.at("team") == "red");
}

TEST_CASE("names and namespaces are checked", "[core]") {
  auto r = read<ConfigMap>("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message.find("metadata.name: Invalid value: \"A_b\"") == 0);
  r = read<ConfigMap>("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message == "metadata.name: Required value");
  r = read<ConfigMap>("apiVersion: v1\nkind: ConfigMap\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].message == "metadata: Required value");
}

TEST_CASE("base64 is strict", "[core]") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("Zg==") == "f");
  CHECK(decode_base64("Zm9v\nYmFy\n") == "foobar");
  CHECK_FALSE(decode_base64("Zg="));
  CHECK_FALSE(decode_base64("Zg"));
  CHECK_FALSE(decode_base64("Zg==Zg=="));
  CHECK_FALSE(decode_base64("Z=g="));
  CHECK_FALSE(decode_base64("Z g="));
  CHECK_FALSE(decode_base64("===="));
}

}  // namespace tidegate::config
