#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "config/fields/object.h"
#include "config/kinds/gateway/descriptions.h"
#include "config/yaml/document.h"

namespace tidegate::config {
namespace {

template <class T>
struct Read {
  T object;
  std::vector<fields::Finding> findings;
  std::string first() const { return findings.empty() ? "none" : findings.front().message; }
};

/// `spec` is the body of spec, not indented.
template <class T>
Read<T> read(std::string_view spec) {
  std::string text = "kind: X\napiVersion: x/v1\nmetadata: {name: a}\nspec:\n";
  for (std::size_t at = 0; at < spec.size();) {
    const std::size_t end = std::min(spec.find('\n', at), spec.size() - 1) + 1;
    text += "  ";
    text += spec.substr(at, end - at);
    at = end;
  }
  const auto parsed = yaml::parse_yaml(text, yaml::Budgets());
  INFO(parsed.problem.message);
  REQUIRE(parsed);
  Read<T> out;
  fields::Findings findings;
  fields::read_object(findings, {&parsed.value->root, &parsed.value->lines},
                      {fields::Body::kSpec, true}, fields::description<T>(), &out.object,
                      out.object.meta);
  out.findings = findings.take();
  return out;
}

}  // namespace

TEST_CASE("an HTTPRoute with every field decodes", "[gateway]") {
  const auto r = read<HttpRoute>(R"(parentRefs:
- {name: gw, namespace: infra, sectionName: http, port: 80}
useDefaultGateways: None
hostnames: [a.example.com, '*.b.example.com']
rules:
- name: first
  matches:
  - path: {type: Exact, value: /x}
    headers: [{name: X-A, value: '1'}, {name: X-B, type: RegularExpression, value: 'a.*'}]
    queryParams: [{name: q, value: a b}]
    method: GET
  - path: {value: /y}
  filters:
  - type: RequestHeaderModifier
    requestHeaderModifier: {set: [{name: a, value: b}], add: [{name: c, value: d}], remove: [e]}
  - type: ResponseHeaderModifier
    responseHeaderModifier: {remove: [x]}
  - type: RequestMirror
    requestMirror: {backendRef: {name: m, port: 1}, percent: 42}
  - type: RequestMirror
    requestMirror: {backendRef: {name: m, port: 1}, fraction: {numerator: 1, denominator: 1000}}
  - type: URLRewrite
    urlRewrite: {hostname: z.example.com, path: {type: ReplaceFullPath, replaceFullPath: /z}}
  - type: CORS
    cors: {allowOrigins: ['https://*.foo.com'], allowMethods: [GET], allowHeaders: [X], exposeHeaders: [Y], allowCredentials: true, maxAge: 10}
  - type: ExternalAuth
    externalAuth: {protocol: GRPC, backendRef: {name: auth, port: 9000}, grpc: {allowedHeaders: [x]}, forwardBody: {maxSize: 100}}
  - type: ExtensionRef
    extensionRef: {group: gateway.kgateway.dev, kind: DirectResponse, name: d}
  backendRefs:
  - {name: s1, port: 8080, weight: 9}
  - name: s2
    namespace: other
    port: 8080
    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [f]}}]
  timeouts: {request: 10s, backendRequest: 2s}
  retry: {attempts: 3, codes: [500, 503], backoff: 100ms}
  sessionPersistence: {sessionName: s, type: Cookie, absoluteTimeout: 1h, cookieConfig: {lifetimeType: Permanent}}
)");
  CHECK(r.first() ==
        "spec.useDefaultGateways is accepted without effect: routes name their Gateways");
  REQUIRE(r.object.rules.size() == 1);
  const HttpRouteRule& rule = r.object.rules[0];
  CHECK(rule.matches[0].path.type == PathMatchType::kExact);
  CHECK(rule.matches[1].path.type == PathMatchType::kPathPrefix);
  CHECK(rule.matches[0].headers[1].type == ValueMatchType::kRegularExpression);
  REQUIRE(rule.filters.size() == 8);
  CHECK(rule.filters[5].cors->allow_credentials);
  CHECK(rule.filters[6].external_auth->forward_body->max_size == 100);
  CHECK(rule.backend_refs[0].weight == 9);
  CHECK(rule.backend_refs[1].weight == 1);
  CHECK(rule.backend_refs[1].namespace_ == "other");
  CHECK(rule.backend_refs[1].filters.size() == 1);
  CHECK(rule.timeouts.request == std::chrono::seconds(10));
  CHECK(rule.retry->codes == std::vector<int>{500, 503});
  CHECK(r.object.parent_refs[0].kind == "Gateway");
  CHECK(r.object.use_default_gateways == DefaultScope::kNone);
}

TEST_CASE("an HTTPRoute without rules or matches matches every path", "[gateway]") {
  auto r = read<HttpRoute>("parentRefs: [{name: gw}]\n");
  REQUIRE(r.object.rules.size() == 1);
  CHECK(r.object.rules[0].matches == std::vector<HttpRouteMatch>(1));
  r = read<HttpRoute>("rules: [{matches: []}]\n");
  CHECK(r.first() == "none");
  CHECK(r.object.rules[0].matches[0].path.value == "/");
  r = read<HttpRoute>("rules: [{matches: [{method: GET}]}]\n");
  CHECK(r.object.rules[0].matches[0].path == HttpPathMatch{});
}

TEST_CASE("the rules of an HTTPRoute's CRD hold", "[gateway]") {
  const auto first = [](std::string_view spec) { return read<HttpRoute>(spec).first(); };
  CHECK(first("rules: [{backendRefs: [{name: s}]}]\n") ==
        "spec.rules[0].backendRefs[0]: Invalid value: \"object\": Must have port for Service "
        "reference");
  CHECK(first("rules: [{backendRefs: [{name: s, kind: Backend, group: x.y}]}]\n") == "none");
  CHECK(first("rules: [{filters: [{type: CORS}]}]\n") ==
        "spec.rules[0].filters[0]: Invalid value: \"object\": filter.cors must be specified for "
        "CORS filter.type");
  CHECK(
      first("rules: [{filters: [{type: ExtensionRef, cors: {}, extensionRef: {group: '', kind: K, "
            "name: n}}]}]\n") ==
      "spec.rules[0].filters[0]: Invalid value: \"object\": filter.cors must be nil if the "
      "filter.type is not CORS");
  CHECK(first("rules: [{filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: "
              "[{name: s, port: 1}]}]\n")
            .find("RequestRedirect filter must not be used together with backendRefs") !=
        std::string::npos);
  CHECK(first("rules: [{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, "
              "urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]}]\n")
            .find("exactly one PathPrefix match") != std::string::npos);
  CHECK(first("rules: [{matches: [{path: {value: a}}]}]\n").find("start with '/'") !=
        std::string::npos);
  CHECK(first("rules: [{matches: [{path: {value: /a//b}}]}]\n").find("must not contain '//'") !=
        std::string::npos);
  CHECK(first("rules: [{matches: [{path: {type: RegularExpression, value: 'a//b'}}]}]\n") ==
        "none");
  CHECK(
      first("rules: [{timeouts: {request: 1s, backendRequest: 2s}}]\n").find("cannot be longer") !=
      std::string::npos);
  CHECK(first("rules: [{timeouts: {request: 0s, backendRequest: 2s}}]\n") == "none");
  CHECK(first("rules: [{name: a}, {name: a}]\n").find("Rule name must be unique") !=
        std::string::npos);
  CHECK(first("parentRefs: [{name: a}, {name: a}]\n").find("must be unique when parentRefs") !=
        std::string::npos);
  CHECK(first("parentRefs: [{name: a}, {name: a, sectionName: x}]\n")
            .find("must be specified when parentRefs") != std::string::npos);
  CHECK(first("hostnames: [1.2.3.4/x]\n").find("spec.hostnames[0]: Invalid value") == 0);
  CHECK(first("rulez: []\n") == "unknown field spec.rulez, did you mean rules?");
  CHECK(first("rules: [{filters: [{type: RequestRedirect, requestRedirect: {statusCode: 200}}]}]\n")
            .find("Unsupported value") != std::string::npos);
}

TEST_CASE("a Gateway decodes with listeners, addresses and TLS", "[gateway]") {
  const auto r = read<Gateway>(R"(gatewayClassName: kgateway
addresses: [{value: 10.0.0.1}, {type: Hostname, value: a.example.com}]
infrastructure: {labels: {a: b}, annotations: {c: d}, parametersRef: {group: g.x, kind: K, name: n}}
allowedListeners: {namespaces: {from: All}}
tls:
  backend: {clientCertificateRef: {name: c}}
  frontend:
    default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}
    perPort:
    - {port: 8443, tls: {validation: {mode: AllowInsecureFallback, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}
listeners:
- {name: http, port: 80, protocol: HTTP, hostname: '*.example.com'}
- name: https
  port: 443
  protocol: HTTPS
  tls: {certificateRefs: [{name: cert}]}
  allowedRoutes:
    kinds: [{kind: HTTPRoute}]
    namespaces: {from: Selector, selector: {matchLabels: {a: b}, matchExpressions: [{key: k, operator: Exists}]}}
- {name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}}
)");
  CHECK(r.first() == "none");
  REQUIRE(r.object.listeners.size() == 3);
  CHECK(r.object.listeners[0].allowed_routes.namespaces.from == FromNamespaces::kSame);
  CHECK(r.object.listeners[1].tls->certificate_refs[0].kind == "Secret");
  const LabelSelector& selector = *r.object.listeners[1].allowed_routes.namespaces.selector;
  CHECK(selector.matches({{"a", "b"}, {"k", "x"}}));
  CHECK_FALSE(selector.matches({{"a", "b"}}));
  CHECK(r.object.listeners[2].tls->mode == TlsMode::kPassthrough);
  CHECK(r.object.allowed_listeners.from == FromNamespaces::kAll);
  CHECK(r.object.tls->backend_client_certificate->name == "c");
  CHECK(r.object.tls->frontend_validation->ca_certificate_refs.size() == 1);
  CHECK(r.object.tls->frontend_per_port[0].validation->mode ==
        FrontendValidationMode::kAllowInsecureFallback);
}

TEST_CASE("the rules of a Gateway's CRD hold", "[gateway]") {
  const auto first = [](std::string listeners) {
    return read<Gateway>("gatewayClassName: x\nlisteners: [" + listeners + "]\n").first();
  };
  CHECK(first("{name: a, port: 80, protocol: HTTP}") == "none");
  CHECK(first("").find("spec.listeners") == 0);
  CHECK(first("{name: a, port: 0, protocol: HTTP}").find("greater than or equal to 1") !=
        std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}}")
            .find("tls must not be specified") != std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: HTTPS, tls: {}}")
            .find("certificateRefs or options must be specified") != std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: TLS}").find("tls mode must be set") !=
        std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP}")
            .find("Listener name must be unique") != std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}")
            .find("Combination of port") != std::string::npos);
  CHECK(first("{name: a, port: 80, protocol: TCP, hostname: x.y}").find("hostname must not") !=
        std::string::npos);
}

TEST_CASE("the other kinds decode", "[gateway]") {
  CHECK(
      read<ReferenceGrant>("from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: "
                           "a}]\nto: [{group: '', kind: Service}]\n")
          .first() == "none");
  CHECK(read<ReferenceGrant>("from: []\nto: [{group: '', kind: Service}]\n").first() ==
        "spec.from: Invalid value: 0: spec.from in body should have at least 1 items");
  const auto grpc = read<GrpcRoute>(
      "rules: [{matches: [{method: {service: a.B, method: C}}], backendRefs: [{name: s, port: "
      "1}]}]\n");
  CHECK(grpc.first() == "none");
  CHECK(grpc.object.rules[0].matches[0].method->service == "a.B");
  CHECK(read<GrpcRoute>("rules: [{matches: [{method: {type: Exact}}]}]\n")
            .first()
            .find("One or both of") != std::string::npos);
  CHECK(
      read<TlsRoute>("hostnames: [a.b]\nrules: [{backendRefs: [{name: s, port: 1}]}]\n").first() ==
      "none");
  CHECK(read<TlsRoute>("hostnames: [1.2.3.4]\nrules: [{backendRefs: [{name: s, port: 1}]}]\n")
            .first()
            .find("cannot contain an IP") != std::string::npos);
  CHECK(read<TcpRoute>("rules: [{backendRefs: [{name: s, port: 1}]}]\n").first() == "none");
  CHECK(read<UdpRoute>("rules: []\n").first().find("at least 1 items") != std::string::npos);
  CHECK(read<GatewayClass>("controllerName: kgateway.dev/kgateway\n").first() == "none");
  CHECK(read<BackendTlsPolicy>("targetRefs: [{group: '', kind: Service, name: s}]\nvalidation: "
                               "{hostname: a.b, wellKnownCACertificates: System}\n")
            .first() == "none");
  CHECK(read<BackendTlsPolicy>("targetRefs: [{group: '', kind: Service, name: s}]\nvalidation: "
                               "{hostname: a.b}\n")
            .first()
            .find("must specify either") != std::string::npos);
  CHECK(read<ListenerSet>("parentRef: {name: gw}\nlisteners: [{name: a, port: 80, protocol: "
                          "HTTP}]\n")
            .first() == "none");
}

}  // namespace tidegate::config
