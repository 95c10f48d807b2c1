#include <chrono>
#include <string>
#include <string_view>

#include "base/cidr.h"
#include "proxy/coding/negotiate.h"
#include "proxy/exchange/client.h"
#include "proxy/exchange/session.h"
#include "proxy/filters/oauth2_session.h"
#include "proxy/filters/sealed.h"
#include "proxy/http/characters.h"
#include "proxy/telemetry/trace_context.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

void check_trace(std::string_view text) {
  const auto parent = telemetry::TraceParent::parse(text);
  if (!parent) return;
  char printed[telemetry::TraceParent::kBytes];
  parent->print(printed);
  const auto again = telemetry::TraceParent::parse({printed, sizeof printed});
  must(again && again->trace == parent->trace && again->span == parent->span &&
           again->sampled == parent->sampled,
       "a trace is passed on as it came");
}

void check_addresses(std::string_view text) {
  const ReadCidr range = parse_cidr(text);
  must(range.cidr.has_value() == range.problem.empty(), "what is no range has a reason");
  must(!parse_ip(text) || range.cidr, "an address is a range of one");
  http::Fields fields;
  fields.append("x-forwarded-for", text);
  net::ConnectionFacts facts;
  facts.remote_ip = "192.0.2.1";
  HttpOptions options;
  CidrTable trusted;
  for (const bool remote : {true, false}) {
    for (const std::uint32_t hops : {0U, 1U, 2U}) {
      options.use_remote_address = remote;
      options.trusted_hops = hops;
      const exchange::Client client = exchange::find_client(fields, facts, options, trusted);
      must(client.ip == facts.remote_ip || parse_ip(client.ip), "a client has an address");
    }
  }
}

void check_certificate(std::string_view text) {
  using Mode = ClientCertForwarding::Mode;
  auto peer = std::make_shared<net::CertificateFacts>();
  peer->subject = "CN=\"a\\,b\"";
  net::ConnectionFacts facts;
  for (const bool verified : {false, true}) {
    if (verified) facts.peer = peer;
    facts.peer_verified = verified;
    for (const Mode mode :
         {Mode::kSanitize, Mode::kForwardOnly, Mode::kAppendForward, Mode::kSanitizeSet}) {
      http::Fields fields;
      fields.append("x-forwarded-client-cert", text);
      fields.append("X-Forwarded-Client-Cert", text);
      Arena arena;
      const ClientCertForwarding how{mode, true, true, true, true, true};
      exchange::forward_client_certificate(fields, facts, how, arena);
      must((verified && mode != Mode::kSanitize) || !fields.has("x-forwarded-client-cert"),
           "nobody claims a certificate");
    }
  }
}

void check_session(std::string_view text) {
  SessionPersistence session;
  session.name = "session";
  session.absolute_timeout = std::chrono::seconds(60);
  for (const auto type : {SessionPersistence::Type::kHeader, SessionPersistence::Type::kCookie}) {
    session.type = type;
    http::RequestHead request;
    request.fields.append(type == SessionPersistence::Type::kHeader ? "session" : "cookie", text);
    const exchange::SessionToken token = exchange::read_session(session, request, kNow);
    if (token.endpoint == 0) continue;
    must(token.since <= kNow && token.since > kNow - 60, "a session has a time");
    http::ResponseHead head;
    Arena arena;
    exchange::write_session(session, token, true, head, arena);
    for (const http::Field& field : head.fields)
      must(http::all_of(field.value, http::kValue), "a field can be written as it is");
  }
}

/// Nobody knows the secret: nothing that comes is ours.
void check_log_in(std::string_view text) {
  OAuth2 config;
  config.cookies = {"BearerToken",  "IdToken",    "RefreshToken", "OauthHMAC",
                    "OauthExpires", "OauthNonce", "CodeVerifier"};
  config.hmac_secret = Secret("secret");
  http::Fields fields;
  fields.append("cookie", text);
  const filters::Session session =
      filters::read_session(config, fields, "example.com", filters::Seconds(kNow));
  must(!session.valid && session.tokens.access.empty() && session.tokens.id.empty() &&
           session.tokens.refresh.empty(),
       "nobody makes a session up");
  const filters::Returned returned = filters::read_flow(config, fields, text);
  must(!returned.problem.empty() && returned.url.empty() && returned.verifier.empty(),
       "nobody makes a log-in up");
  filters::delete_all(config, fields);
  must(!filters::unseal("secret", "name", text), "nobody seals but we");
  const std::string sealed = filters::seal("secret", "name", text);
  must(filters::unseal("secret", "name", sealed) == text, "what is sealed can be opened");
  must(!filters::unseal("secret", "other", sealed), "but only as what it was");
  const filters::TokenAnswer answer = filters::read_token_answer(text, filters::Seconds(kNow));
  if (!answer.problem.empty()) return;
  must(!answer.tokens.access.empty() && answer.tokens.expires.count() > kNow,
       "an answer has a token that is not over");
  for (const std::string& cookie :
       filters::session_cookies(config, answer.tokens, "example.com", filters::Seconds(kNow)))
    must(http::all_of(cookie, http::kValue), "a cookie can be written as it is");
}

}  // namespace

/// The value of a field that a client may send, whichever it is; and the answer of a token
/// endpoint.
void client_fields(std::string_view bytes) {
  check_log_in(bytes);
  if (!http::all_of(bytes, http::kValue)) return;
  check_trace(bytes);
  check_addresses(bytes);
  check_certificate(bytes);
  check_session(bytes);
  constexpr coding::Coding kOffered[] = {coding::Coding::kBrotli, coding::Coding::kGzip};
  const auto coding = coding::negotiate(bytes, kOffered);
  must(!coding || *coding != coding::Coding::kZstd, "a coding is one that is offered");
}

}  // namespace tidegate::fuzz
