#include "tests/unit/kgateway/read.h"

namespace tidegate::config::kgateway {

TEST_CASE("GatewayExtensions with every field decode", "[kgateway]") {
  const auto auth = read<GatewayExtension>(R"(type: ExtAuth
extAuth:
  httpService:
    backendRef: {name: auth, port: 80}
    pathPrefix: /verify
    requestTimeout: 1s
    authorizationRequest: {headersToAdd: {x-a: '%REQ(:path)%'}}
    authorizationResponse:
      headersToBackend: [x-user]
      headersToClient: [location]
      headersToClientOnSuccess: [set-cookie]
    retry: {attempts: 2, backoff: {baseInterval: 10ms, maxInterval: 1s}}
  headersToForward: [cookie]
  failOpen: true
  clearRouteCache: true
  withRequestBody: {maxRequestBytes: 1024}
  statusOnError: 503
  statPrefix: a
)");
  check_clean(auth);
  CHECK(auth.object.ext_auth->http_service->retry->attempts == 2);

  const auto proc = read<GatewayExtension>(R"(extProc:
  grpcService: {backendRef: {name: p, port: 4444}, authority: a, requestTimeout: 1s}
  failOpen: false
  processingMode: {requestHeaderMode: SKIP, responseBodyMode: FULL_DUPLEX_STREAMED}
  allowProcessingModeOverride: true
  allowedProcessingModeOverrides: [{requestBodyMode: BUFFERED}]
  messageTimeout: 200ms
  maxMessageTimeout: 1s
  statPrefix: p
  routeCacheAction: Retain
  metadataOptions: {forwarding: {untyped: [a], typed: [b]}}
  requestAttributes: [request.path]
  filterStage: {stage: AuthN, predicate: Before, weight: 10}
)");
  check_clean(proc);
  CHECK(proc.object.ext_proc->filter_stage->predicate == FilterStage::Predicate::kBefore);

  const auto limit = read<GatewayExtension>(R"(type: RateLimit
rateLimit:
  grpcService: {backendRef: {name: ratelimit, namespace: kgateway-system, port: 8081}}
  domain: api-gateway
)");
  check_clean(limit);
  CHECK(limit.object.rate_limit->fail_open);
  CHECK(limit.object.rate_limit->timeout == Millis(100));

  const auto jwt = read<GatewayExtension>(R"(type: JWT
jwt:
  validationMode: AllowMissing
  providers:
  - name: local
    issuer: https://dev.example.com
    audiences: [a]
    tokenSource: {header: {header: Authorization, prefix: 'Bearer '}}
    claimsToHeaders: [{name: sub, header: x-sub}]
    jwks: {local: {inline: '{"keys":[]}'}}
    forwardToken: true
  - name: remote
    jwks:
      remote:
        url: https://idp.example.com/keys
        backendRef: {name: idp, port: 8080}
        cacheDuration: 1m
        asyncFetch: {fastListener: true, failedRefetchDuration: 2s}
        retryPolicy: {numRetries: 3, backOff: {baseInterval: 1s, maxInterval: 2s}}
)");
  check_clean(jwt);
  CHECK(jwt.object.jwt->providers[0].jwks.local->inline_->reveal() == "{\"keys\":[]}");

  const auto oauth2 = read<GatewayExtension>(R"(oauth2:
  backendRef: {group: gateway.kgateway.dev, kind: Backend, name: keycloak}
  issuerURI: https://keycloak.example.com/realms/a
  redirectURI: '%REQ(x-forwarded-proto)%://%REQ(:authority)%/oauth2/redirect'
  scopes: [openid, email]
  forwardAccessToken: true
  credentials: {clientID: a, clientSecretRef: {name: s}}
  cookies: {domain: example.com, names: {accessToken: A, idToken: B}, sameSite: Strict}
  jwt: {idToken: {audiences: [a], claimsToHeaders: [{name: sub, header: x-sub}]}}
  denyRedirect: {headers: [{name: x-requested-with, value: XMLHttpRequest}]}
)");
  check_clean(oauth2);
  CHECK(oauth2.object.oauth2->logout_path == "/logout");
  CHECK(oauth2.object.oauth2->backend_ref.kind == "Backend");
}

TEST_CASE("a wrong value in a GatewayExtension is told with its path", "[kgateway]") {
  const auto [spec, message] = GENERATE(table<std::string, std::string>({
      {"type: JWT", "spec: Invalid value: \"object\": JWT must be set when type is JWT"},
      {"rateLimit: {grpcService: {backendRef: {name: a}}, domain: d}",
       "spec.rateLimit.grpcService.backendRef: Invalid value: \"object\": Must have port for "
       "Service reference"},
      {"extAuth: {statusOnError: 600}",
       "spec.extAuth.statusOnError: Invalid value: 600: spec.extAuth.statusOnError in body should "
       "be less than or equal to 511"},
      {"jwt: {providers: [{name: a, jwks: {}}]}",
       "spec.jwt.providers[0].jwks: Invalid value: \"object\": exactly one of the fields in [local "
       "remote] must be set"},
      {"jwt: {providers: [{name: a, jwks: {local: {inline: a}}}, {name: a, jwks: {local: {inline: "
       "b}}}]}",
       "spec.jwt.providers: Invalid value: \"array\": names must be unique"},
      {"oauth2: {backendRef: {name: a, port: 1}, credentials: {clientID: a, clientSecretRef: "
       "{name: "
       "s}}}",
       "spec.oauth2: Invalid value: \"object\": Either issuerURI, or both authorizationEndpoint "
       "and "
       "tokenEndpoint must be specified"},
      {"oauth2: {issuerURI: 'http://a'}",
       "spec.oauth2.issuerURI: Invalid value: \"http://a\": spec.oauth2.issuerURI in body should "
       "match 'https://HOST[:PORT][/PATH]'"},
  }));
  CHECK(read<GatewayExtension>(spec + "\n").error() == message);
}

TEST_CASE("an inline key is in no message", "[kgateway]") {
  const auto r = read<GatewayExtension>("jwt: {providers: [{name: a, jwks: {local: {inline: '" +
                                        std::string(20000, 'k') + "'}}}]}\n");
  CHECK(r.error() ==
        "spec.jwt.providers[0].jwks.local.inline: Too long: may not be more than 16384 bytes");
}

TEST_CASE("a DirectResponse decodes", "[kgateway]") {
  check_clean(read<DirectResponse>("status: 510\nbody: 'User-agent: *'\n"));
  check_clean(read<DirectResponse>("status: 200\nbodyFormat: {text: '%REQ(:path)%'}\n"));
  check_clean(read<DirectResponse>("status: 200\nbodyFormat: {json: {a: '%REQ(:path)%'}}\n"));
  CHECK(read<DirectResponse>("status: 199\n").error() ==
        "spec.status: Invalid value: 199: spec.status in body should be greater than or equal to "
        "200");
  CHECK(read<DirectResponse>("status: 200\nbody: a\nbodyFormat: {text: b}\n").error() ==
        "spec: Invalid value: \"object\": at most one of the fields in [body bodyFormat] may be "
        "set");
  CHECK(read<DirectResponse>("status: 200\nbodyFormat: {}\n").error() ==
        "spec.bodyFormat: Invalid value: \"object\": exactly one of the fields in [json text] must "
        "be set");
  CHECK(read<DirectResponse>("status: 200\nbdy: a\n").warning() ==
        "unknown field spec.bdy, did you mean body?");
}

}  // namespace tidegate::config::kgateway
