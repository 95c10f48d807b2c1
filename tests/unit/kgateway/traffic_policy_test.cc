#include "tests/unit/kgateway/read.h"

namespace tidegate::config::kgateway {
namespace {

std::string targeted(std::string_view rest) {
  return "targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]\n" +
         std::string(rest);
}
Read<TrafficPolicy> policy(std::string_view rest) { return read<TrafficPolicy>(targeted(rest)); }

}  // namespace

TEST_CASE("a TrafficPolicy with every field decodes", "[kgateway]") {
  const auto r = policy(R"(targetSelectors:
- {group: gateway.networking.k8s.io, kind: HTTPRoute, matchLabels: {app: a}, sectionName: one}
transformation:
  request:
    set: [{name: x-a, value: '{{ header("x-b") }}'}, {name: ':path', value: /x}]
    add: [{name: x-c}]
    remove: [x-d]
    body: {parseAs: AsJson, value: '{{ body() }}'}
    dynamicMetadata: [{namespace: n, key: k, value: {stringValue: v}}]
  response: {body: {parseAs: None}}
extProc: {extensionRef: {name: e, namespace: n}, processingMode: {requestBodyMode: STREAMED}}
extAuth:
  extensionRef: {name: e}
  withRequestBody: {maxRequestBytes: 10, allowPartialMessage: true, packAsBytes: true}
  contextExtensions: {a: b}
rateLimit:
  local:
    tokenBucket: {maxTokens: 10, tokensPerFill: 2, fillInterval: 1s}
    percentEnabled: 50
    percentEnforced: 0
  global:
    extensionRef: {name: limits}
    descriptors:
    - entries:
      - {type: Generic, generic: {key: a, value: b}}
      - {type: Header, header: x-user}
      - {type: RemoteAddress}
      - {type: Path}
cors: {allowOrigins: ['https://a.example'], allowMethods: [GET], allowCredentials: true, maxAge: 9}
csrf: {percentageEnabled: 100, additionalOrigins: [{exact: a.example, ignoreCase: true}]}
headerModifiers:
  request: {set: [{name: a, value: b}], add: [{secretRef: {name: s}}], remove: [c]}
  response: {add: [{name: a, secretRef: {name: s, key: k, namespace: n}}]}
autoHostRewrite: true
buffer: {maxRequestSize: 64Ki}
timeouts: {request: 20s, streamIdle: 0s}
retry: {retryOn: [5xx, gateway-error, unavailable], attempts: 0, perTryTimeout: 5s, statusCodes: [500]}
internalRedirect:
  redirectResponseCodes: [301, 302]
  allowCrossSchemeRedirect: true
  responseHeadersToCopy: [x-a]
  maxRedirects: 3
rbac: {action: Deny, policy: {matchExpressions: ['request.path == "/x"']}}
jwtAuth: {extensionRef: {name: j}}
urlRewrite: {pathRegex: {pattern: '^/a/(.*)', substitution: '/b/\1'}}
compression:
  responseCompression: {libraries: [Brotli, Gzip, Zstd]}
  requestDecompression: {}
basicAuth: {users: ['u:{SHA}d95o2uzYI7q7tY7bHI4U1xBug7s=']}
apiKeyAuth:
  keySources: [{header: x-key}, {query: k, cookie: c}]
  forwardCredential: true
  clientIdHeader: x-client
  secretSelector: {matchLabels: {a: b}}
oauth2: {extensionRef: {name: o}}
tracing:
  clientSampling: 1
  randomSampling: 0
  overallSampling: 100
  attributes: [{name: a, literal: {value: b}}, {name: c, requestHeader: {name: x, defaultValue: d}}]
faultInjection:
  delay: {fixedDelay: 10ms, percentage: 5}
  abort: {httpStatus: 503}
  responseRateLimit: {kbitsPerSecond: 10}
  maxActiveFaults: 5
acl:
  defaultAction: deny
  rules: [{name: office, cidrs: [10.0.0.0/8, '2001:db8::/32', 192.0.2.1], action: allow}]
  denyResponse: {statusCode: 404, headers: [{name: a, value: b}], blockedByHeaderName: x-by}
statPrefix: '{{ route_namespace }}.{{route_name}}_x'
)");
  check_clean(r);
  const TrafficPolicy& p = r.object;
  CHECK(p.target_refs.front().kind == "HTTPRoute");
  CHECK(p.target_selectors.front().section_name == "one");
  CHECK(p.transformation->request->set.at(1).name == ":path");
  CHECK(p.transformation->response->body->parse_as == Transformation::Body::ParseAs::kNone);
  CHECK(p.rate_limit->local->token_bucket->fill_interval == Millis(1000));
  CHECK(p.rate_limit->local->percent_enforced == 0);
  CHECK(p.rate_limit->global->descriptors[0].entries.size() == 4);
  CHECK(p.cors->allow_credentials);
  CHECK(!p.cors->disable);
  CHECK(p.buffer->max_request_size->bytes == 65536);
  CHECK(p.retry->retry_on.back() == RetryOn::kUnavailable);
  CHECK(p.retry->backoff_base_interval == Millis(25));
  CHECK(p.compression->request_decompression->libraries == std::vector{CompressionLibrary::kGzip});
  CHECK(p.basic_auth->users[0].reveal() == "u:{SHA}d95o2uzYI7q7tY7bHI4U1xBug7s=");
  CHECK(p.fault_injection->abort->percentage == 100);
  CHECK(p.acl->default_action == AclAction::kDeny);
}

TEST_CASE("what a TrafficPolicy does not speak of is absent, so that it can be merged") {
  const auto r = policy("cors: {disable: {}}\njwtAuth: {disable: {}}\nbuffer: {disable: {}}\n");
  check_clean(r);
  CHECK(r.object.cors->disable);
  CHECK(r.object.jwt_auth->disable);
  CHECK(r.object.buffer->disable);
  CHECK(!r.object.csrf);
  CHECK(!r.object.retry);
}

TEST_CASE("a wrong value in a TrafficPolicy is told with its path", "[kgateway]") {
  const auto [spec, message] = GENERATE(table<std::string, std::string>({
      {"rateLimit: {local: {tokenBucket: {maxTokens: 0, fillInterval: 1s}}}",
       "spec.rateLimit.local.tokenBucket.maxTokens: Invalid value: 0: "
       "spec.rateLimit.local.tokenBucket.maxTokens in body should be greater than or equal to 1"},
      {"rateLimit: {local: {tokenBucket: {maxTokens: 1, fillInterval: 10ms}}}",
       "spec.rateLimit.local.tokenBucket.fillInterval: Invalid value: \"10ms\": must be at least "
       "50ms"},
      {"rateLimit: {local: {tokenBucket: {maxTokens: 1}}}",
       "spec.rateLimit.local.tokenBucket.fillInterval: Required value"},
      {"rateLimit: {global: {extensionRef: {name: a}, descriptors: [{entries: [{type: "
       "Generic}]}]}}",
       "spec.rateLimit.global.descriptors[0].entries[0]: Invalid value: \"object\": exactly one "
       "entry type must be specified"},
      {"retry: {attempts: 2}",
       "spec.retry: Invalid value: \"object\": retryOn or statusCodes must "
       "be set."},
      {"retry: {retryOn: [sometimes]}",
       "spec.retry.retryOn[0]: Unsupported value: \"sometimes\": supported values: \"5xx\", "
       "\"gateway-error\", \"reset\", \"reset-before-request\", \"connect-failure\", "
       "\"envoy-ratelimited\", \"retriable-4xx\", \"refused-stream\", \"retriable-status-codes\", "
       "\"http3-post-connect-failure\", \"cancelled\", \"deadline-exceeded\", \"internal\", "
       "\"resource-exhausted\", \"unavailable\""},
      {"buffer: {}",
       "spec.buffer: Invalid value: \"object\": exactly one of the fields in "
       "[maxRequestSize disable] must be set"},
      {"buffer: {maxRequestSize: 4Gi}",
       "spec.buffer.maxRequestSize: Invalid value: \"4Gi\": must be between 1 and 4294967295 "
       "bytes"},
      {"buffer: {maxRequestSize: many}",
       "spec.buffer.maxRequestSize: Invalid value: \"many\": quantities must be a number of bytes, "
       "with a unit such as Ki or M"},
      {"acl: {defaultAction: allow, rules: [{cidrs: [10.0.0.0/33], action: deny}]}",
       "spec.acl.rules[0].cidrs[0]: Invalid value: \"10.0.0.0/33\": spec.acl.rules[0].cidrs[0] in "
       "body should match 'an IP address, or one with a prefix length'"},
      {"headerModifiers: {request: {set: [{value: b}]}}",
       "spec.headerModifiers.request.set[0]: Invalid value: \"object\": name is required when "
       "using "
       "an inline value"},
      {"basicAuth: {disable: {}, users: [a]}",
       "spec.basicAuth: Invalid value: \"object\": exactly one of the fields in [users secretRef "
       "disable] must be set"},
      {"csrf: {percentageEnabled: 1, percentageShadowed: 1}",
       "spec.csrf: Invalid value: \"object\": at most one of the fields in [percentageEnabled "
       "percentageShadowed] may be set"},
      {"faultInjection: {delay: {fixedDelay: 2h}}",
       "spec.faultInjection.delay.fixedDelay: Invalid value: \"2h\": must not exceed 3600000ms"},
      {"internalRedirect: {redirectResponseCodes: [304]}",
       "spec.internalRedirect.redirectResponseCodes: Invalid value: \"array\": Unsupported value: "
       "supported values: \"301\", \"302\", \"303\", \"307\", \"308\""},
      {"statPrefix: 'a {{route_name}}'",
       "spec.statPrefix: Invalid value: \"a {{route_name}}\": spec.statPrefix in body should match "
       "'^([a-zA-Z0-9_%.-]|\\{\\{\\s*(route_name|route_namespace|rule_name)\\s*\\}\\})+$'"},
      {"retry: {statusCodes: [500], perTryTimeout: 5s}\ntimeouts: {request: 5s}",
       "spec: Invalid value: \"object\": retry.perTryTimeout must be less than timeouts.request"},
      {"tracing: {disable: {}, randomSampling: 1}",
       "spec.tracing: Invalid value: \"object\": disable is mutually exclusive with other tracing "
       "fields"},
  }));
  CHECK(policy(spec).error() == message);
}

TEST_CASE("some fields of a TrafficPolicy ask for routes as targets", "[kgateway]") {
  const std::string gateway =
      "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]\n";
  CHECK(
      read<TrafficPolicy>(gateway + "autoHostRewrite: true\n").error() ==
      "spec: Invalid value: \"object\": autoHostRewrite can only be used when targeting HTTPRoute "
      "resources");
  CHECK(read<TrafficPolicy>(gateway + "tracing: {randomSampling: 1}\n").error() ==
        "spec: Invalid value: \"object\": tracing can only be used when targeting HTTPRoute or "
        "GRPCRoute resources");
  CHECK(read<TrafficPolicy>("targetRefs: [{group: '', kind: Service, name: s}]\n").error() ==
        "spec.targetRefs: Invalid value: \"array\": targetRefs may only reference Gateway, "
        "HTTPRoute, GRPCRoute, or ListenerSet resources");
  CHECK(read<TrafficPolicy>(gateway + "csrf: {percentageEnabled: 1}\n").error() == "none");
}

TEST_CASE("an unknown field of a TrafficPolicy is told with the name that was meant") {
  CHECK(policy("rateLimits: {}\n").warning() ==
        "unknown field spec.rateLimits, did you mean rateLimit?");
  CHECK(policy("cors: {allowOrigin: ['*']}\n").warning() ==
        "unknown field spec.cors.allowOrigin, did you mean allowOrigins?");
}

TEST_CASE("quantities are bytes", "[kgateway]") {
  CHECK(parse_quantity("1Mi") == 1048576);
  CHECK(parse_quantity("1.5k") == 1500);
  CHECK(parse_quantity("100m") == 1);
  CHECK(parse_quantity("2e3") == 2000);
  CHECK(parse_quantity("1E") == 1'000'000'000'000'000'000U);
  CHECK(!parse_quantity(""));
  CHECK(!parse_quantity("-1"));
  CHECK(!parse_quantity("1KB"));
  CHECK(!parse_quantity("1e99"));
  CHECK(!parse_quantity("."));
}

}  // namespace tidegate::config::kgateway
