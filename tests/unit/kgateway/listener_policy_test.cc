#include "tests/unit/kgateway/read.h"

namespace tidegate::config::kgateway {
namespace {

/// Every member of HTTPSettings, indented by `spaces`.
std::string settings(std::size_t spaces) {
  constexpr std::string_view text = R"(accessLog:
- fileSink: {path: /dev/stdout, jsonFormat: {start: '%START_TIME%', code: '%RESPONSE_CODE%'}}
  filter:
    andFilter:
    - {statusCodeFilter: {op: GE, value: 400}}
    - {durationFilter: {op: LE, value: 1000}}
    - {notHealthCheckFilter: true}
    - {headerFilter: {header: {name: x, value: y, type: RegularExpression}}}
    - {responseFlagFilter: {flags: [UF]}}
    - {grpcStatusFilter: {statuses: [OK, NOT_FOUND], exclude: true}}
    - {celFilter: {match: 'response.code >= 400'}}
    - {runtimeFilter: {runtimeKey: k, percentSampled: {numerator: 1, denominator: MILLION}}}
- grpcService:
    logName: als
    backendRef: {name: als, port: 8080}
    additionalRequestHeadersToLog: [a]
    retryPolicy: {retryBackOff: {baseInterval: 1s}, numRetries: 2}
- openTelemetry:
    grpcService: {logName: otel, backendRef: {name: otel, port: 4317}, initialMetadata: [{key: a}]}
    body: '%REQ(:path)%'
    attributes:
      values:
      - {key: a, value: {stringValue: b}}
      - {key: c, value: {kvListValue: {values: [{key: d, value: {arrayValue: [{stringValue: e}]}}]}}}
tracing:
  provider:
    openTelemetry:
      grpcService: {backendRef: {name: otel, port: 4317}, timeout: 1s, skipEnvoyHeaders: true}
      serviceName: gw
      resourceDetectors: [{environmentResourceDetector: {}}]
      sampler: {alwaysOnConfig: {}}
  randomSampling: 50
  maxPathTagLength: 128
  attributes: [{name: a, environment: {name: HOME, defaultValue: b}}]
  spawnUpstreamSpan: true
localReplies:
  defaultBodyFormat: {text: '%LOCAL_REPLY_BODY%'}
  mappers:
  - filter: {statusCodeFilter: {op: EQ, value: 404}}
    statusCode: 400
    headers: {add: [{name: a, value: b}]}
upgradeConfig: {enabledUpgrades: [websocket]}
useRemoteAddress: false
preserveExternalRequestId: true
generateRequestId: false
xffTrustedCIDRs: [10.0.0.0/8]
skipXFFAppend: true
serverHeaderTransformation: AppendIfAbsent
serverName: tide
streamIdleTimeout: 30s
idleTimeout: 30s
maxRequestsPerConnection: 5
maxHeadersCount: 20
http2ProtocolOptions: {initialStreamWindowSize: 1Mi, maxConcurrentStreams: 5, allowConnect: true}
healthCheck: {path: /healthz}
preserveHttp1HeaderCase: true
acceptHttp10: true
defaultHostForHttp10: a.example
earlyRequestHeaderModifier: {remove: [x-internal]}
forwardClientCertDetails: {mode: SanitizeSet, details: {subject: true, dns: true}}
maxRequestHeadersKb: 96
uuidRequestIdConfig: {packTraceReason: false}
stripHostPortMode: AnyPort
)";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    out += std::string(spaces, ' ') + std::string(text.substr(at, end - at));
    at = end;
  }
  return out;
}

const std::string kTarget =
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]\n";

}  // namespace

TEST_CASE("a ListenerPolicy with every field decodes", "[kgateway]") {
  const auto r = read<ListenerPolicy>(kTarget +
                                      R"(default:
  clientCertificateValidation: {mode: Optional, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}
  proxyProtocol: {allowRequestsWithoutProxyProtocol: true}
  tcpKeepalive: {keepAliveTime: 1s}
  perConnectionBufferLimitBytes: 65536
  transportSocketConnectTimeout: 5s
  httpSettings:
)" + settings(4) + "perPort:\n- {port: 8443, listener: {proxyProtocol: {}}}\n");
  check_clean(r);
  const HttpSettings& http = *r.object.default_->http_settings;
  CHECK(http.access_log.size() == 3);
  CHECK(http.access_log[0].filter->and_filter.size() == 8);
  const auto& values = http.access_log[2].open_telemetry->attributes->values;
  CHECK((*(*values.at(1).value.kv_list_value)[0].value.array_value)[0].string_value == "e");
  CHECK(http.tracing->client_sampling == 100);
  CHECK(http.tracing->provider.open_telemetry->grpc_service.timeout == Millis(1000));
  CHECK(r.object.per_port[0].port == 8443);
}

TEST_CASE("an HTTPListenerPolicy has the same fields in its spec", "[kgateway]") {
  const auto old = read<HttpListenerPolicy>(kTarget + settings(0));
  check_clean(old);
  const auto now = read<ListenerPolicy>(kTarget + "default:\n  httpSettings:\n" + settings(4));
  CHECK(static_cast<const HttpSettings&>(old.object) == *now.object.default_->http_settings);
}

TEST_CASE("a wrong value in a ListenerPolicy is told with its path", "[kgateway]") {
  const auto [spec, message] = GENERATE(table<std::string, std::string>({
      {"targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}]",
       "spec.targetRefs: Invalid value: \"array\": targetRefs may only reference Gateway resource"},
      {"perPort: [{port: 80, listener: {}}, {port: 80, listener: {}}]",
       "spec.perPort: Invalid value: \"array\": Port for listener configuration must be unique "
       "within the Gateway"},
      {"default: {httpSettings: {xffTrustedCIDRs: [10.0.0.0/8]}}",
       "spec.default.httpSettings: Invalid value: \"object\": useRemoteAddress must be set to "
       "false "
       "if xffTrustedCIDRs is set"},
      {"default: {httpSettings: {useRemoteAddress: false, xffTrustedCIDRs: [10.0.0.1]}}",
       "spec.default.httpSettings.xffTrustedCIDRs[0]: Invalid value: \"10.0.0.1\": "
       "spec.default.httpSettings.xffTrustedCIDRs[0] in body should match 'an IP address with a "
       "prefix length'"},
      {"default: {httpSettings: {accessLog: [{fileSink: {path: a}}]}}",
       "spec.default.httpSettings.accessLog[0].fileSink: Invalid value: \"object\": exactly one of "
       "the fields in [stringFormat jsonFormat] must be set"},
      {"default: {httpSettings: {accessLog: [{filter: {orFilter: [{celFilter: {match: a}}]}}]}}",
       "spec.default.httpSettings.accessLog[0].filter.orFilter: Invalid value: 1: "
       "spec.default.httpSettings.accessLog[0].filter.orFilter in body should have at least 2 "
       "items"},
      {"default: {httpSettings: {localReplies: {mappers: [{filter: {traceableFilter: true}}]}}}",
       "spec.default.httpSettings.localReplies.mappers[0]: Invalid value: \"object\": at least one "
       "of the fields in [statusCode body bodyFormatOverride headers] must be set"},
      {"default: {httpSettings: {forwardClientCertDetails: {mode: Sanitize, details: {}}}}",
       "spec.default.httpSettings: Invalid value: \"object\": forwardClientCertDetails.details "
       "requires mode to be AppendForward or SanitizeSet (or unset)"},
      {"default: {httpSettings: {healthCheck: {path: /}}}",
       "spec.default.httpSettings.healthCheck.path: Invalid value: \"/\": "
       "spec.default.httpSettings.healthCheck.path in body should match "
       "'^/[-a-zA-Z0-9@:%.+~#?&/=_]+$'"},
  }));
  CHECK(read<ListenerPolicy>(spec + "\n").error() == message);
}

TEST_CASE("an unknown field of a ListenerPolicy is told with the name that was meant") {
  CHECK(read<ListenerPolicy>("default: {httpSettings: {accesslogs: []}}\n").warning() ==
        "unknown field spec.default.httpSettings.accesslogs, did you mean accessLog?");
}

}  // namespace tidegate::config::kgateway
