#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <chrono>

#include "base/jose/base64.h"
#include "one_call.h"
#include "proxy/filters/discovery.h"
#include "proxy/filters/oauth2_session.h"
#include "proxy/filters/sealed.h"
#include "proxy/http/query.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace tidegate::proxy::filters;
using namespace std::chrono_literals;

namespace {

OAuth2 provider() {
  OAuth2 out;
  out.token_endpoint = {"idp", "https", "idp.example", "/token"};
  out.authorization_endpoint = "https://idp.example/auth?tenant=a";
  out.redirect_uri = "/oauth2/redirect";
  out.redirect_path = "/oauth2/redirect";
  out.logout_path = "/logout";
  out.client_id = "client";
  out.client_secret = Secret("hush");
  out.hmac_secret = Secret("a secret of ours");
  out.cookies = {"Access-1", "Id-1", "Refresh-1", "Hmac-1", "Expires-1", "Nonce-1", "Verifier-1"};
  return out;
}

/// "name=value" of a Set-Cookie value.
std::string pair_of(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

std::string joined(const std::vector<std::string>& cookies) {
  std::string out;
  for (const std::string& one : cookies) out += (out.empty() ? "" : "; ") + pair_of(one);
  return out;
}

http::Fields with_cookies(const std::string& text) {
  http::Fields out;
  out.append("cookie", text);
  return out;
}

Seconds now() {
  return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch());
}

Verdict run(OneCall& one, const filters::Filter& filter) {
  Verdict verdict = filter.request(one.call);
  if (verdict != Verdict::kWait) return verdict;
  spawn(one.loop.io, [](Call& call, const filters::Filter& waits, Verdict& out) -> Task<void> {
    out = co_await waits.request_waiting(call);
  }(one.call, filter, verdict));
  while (verdict == Verdict::kWait) one.loop.turn(std::chrono::milliseconds(20));
  return verdict;
}

}  // namespace

TEST_CASE("what is sealed opens with its secret and name alone") {
  const std::string sealed = seal("secret", "name", "text");
  CHECK(unseal("secret", "name", sealed) == "text");
  CHECK(sealed != seal("secret", "name", "text"));
  CHECK(!unseal("other", "name", sealed));
  CHECK(!unseal("secret", "other", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(!unseal("secret", "name", changed));
  }
  CHECK(!unseal("secret", "name", ""));
  CHECK(!unseal("secret", "name", sealed.substr(0, 20)));
  CHECK(unseal("secret", "name", seal("secret", "name", "")) == "");
  CHECK(percent_encode("a b/c~é") == "a%20b%2Fc~%C3%A9");
}

TEST_CASE("a session holds for its host, until it is over, whole") {
  const OAuth2 config = provider();
  Tokens tokens{"at", "it", "rt", 2000s};
  const std::vector<std::string> set = session_cookies(config, tokens, "a.example", 1000s);
  REQUIRE(set.size() == 5);
  CHECK(set[0].ends_with(";path=/;Max-Age=1000;secure;HttpOnly"));
  const std::string text = joined(set);
  const http::Fields fields = with_cookies(text);
  const Session session = read_session(config, fields, "a.example", 1999s);
  CHECK(session.valid);
  CHECK(session.tokens.access == "at");
  CHECK(session.tokens.id == "it");
  CHECK(session.tokens.refresh == "rt");
  CHECK(!read_session(config, fields, "b.example", 1999s).valid);
  CHECK(!read_session(config, fields, "a.example", 2000s).valid);
  CHECK(read_session(config, fields, "a.example", 2000s).tokens.refresh == "rt");
  for (std::size_t left_out = 0; left_out < set.size(); ++left_out) {
    std::vector<std::string> some = set;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(left_out));
    CHECK(!read_session(config, with_cookies(joined(some)), "a.example", 1999s).valid);
  }
  // A longer life than was signed.
  std::vector<std::string> longer = set;
  longer[1] = "Expires-1=9999999999";
  CHECK(!read_session(config, with_cookies(joined(longer)), "a.example", 1999s).valid);
  CHECK(!read_session(config, with_cookies("Hmac-1=; Expires-1=; Access-1=x"), "a.example", 1s)
             .valid);
  OAuth2 wide = config;
  wide.cookie_domain = "example";
  wide.same_site = "Strict";
  const auto wider = session_cookies(wide, tokens, "a.example", 1000s);
  CHECK(wider[0].ends_with(";domain=example;path=/;Max-Age=1000;secure;HttpOnly;SameSite=Strict"));
  CHECK(read_session(wide, with_cookies(joined(wider)), "b.example", 1999s).valid);
}

TEST_CASE("a log-in comes back to the browser that began it, to the URL that it began at") {
  const OAuth2 config = provider();
  const Flow flow = new_flow(config, "https://a.example/page?x=1");
  const std::string cookies = joined(flow_cookies(config, flow));
  const Returned back = read_flow(config, with_cookies(cookies), flow.state);
  CHECK(back.problem.empty());
  CHECK(back.url == "https://a.example/page?x=1");
  CHECK(back.verifier == flow.verifier);
  CHECK(read_flow(config, with_cookies("a=b"), flow.state).problem ==
        "CSRF token validation failed");
  const Flow other = new_flow(config, "https://evil.example/");
  CHECK(read_flow(config, with_cookies(cookies), other.state).problem ==
        "CSRF token validation failed");
  // The URL in the state changed, everything else kept.
  boost::json::value state = boost::json::parse(*jose::decode_base64url(flow.state));
  state.as_object()["url"] = "https://evil.example/";
  CHECK(read_flow(config, with_cookies(cookies),
                  jose::encode_base64url(boost::json::serialize(state)))
            .problem == "CSRF token validation failed");
  for (const char* bad : {"", "x", "!", "e30", "W10"})
    CHECK(read_flow(config, with_cookies(cookies), bad).problem ==
          "State query param is not one of ours");
  const std::string nonce = cookies.substr(0, cookies.find(';'));
  CHECK(read_flow(config, with_cookies(nonce), flow.state).problem ==
        "Code verifier cookie is missing in the request");
}

TEST_CASE("the answer of a token endpoint is read with care") {
  const TokenAnswer good = read_token_answer(
      R"({"access_token":"a","id_token":"i","refresh_token":"r","expires_in":60})", 1000s);
  CHECK(good.problem.empty());
  CHECK(good.tokens.access == "a");
  CHECK(good.tokens.expires == 1060s);
  for (const char* bad :
       {"", "[]", "{}", R"({"access_token":1,"expires_in":60})", R"({"access_token":"a"})",
        R"({"access_token":"a","expires_in":0})", R"({"access_token":"a","expires_in":-5})",
        R"({"access_token":"a\r\nb","expires_in":60})"}) {
    INFO(bad);
    CHECK(!read_token_answer(bad, 1000s).problem.empty());
  }
}

TEST_CASE("URLs are taken apart, and what is none is nothing") {
  CHECK(uri_of("https://a.example:8443/b?c=d#e", "x") ==
        HttpUri{"x", "https", "a.example:8443", "/b?c=d"});
  CHECK(uri_of("http://a", "")->path == "/");
  CHECK(uri_of("http://a?b", "")->path == "/?b");
  for (const char* bad : {"", "a", "ftp://a", "http://a\"b/", "http://", "http:///a", "http://u@a/",
                          "http://a/b c", "javascript://a"})
    CHECK(!uri_of(bad, ""));
}

TEST_CASE("who has not logged in is sent to the provider") {
  OneCall one("GET", "/page?x=1");
  REQUIRE(run(one, *made(provider())) == Verdict::kReply);
  CHECK(one.call.reply.status == 302);
  const std::string_view url = one.call.reply.fields.get("location");
  CHECK(url.starts_with("https://idp.example/auth?tenant=a&client_id=client&"));
  const std::string_view query = url.substr(url.find('?') + 1);
  auto parameter = [query](const char* name) {
    std::string out;
    CHECK(http::query_parameter(query, name, out));
    return out;
  };
  CHECK(parameter("response_type") == "code");
  CHECK(parameter("scope") == "user");
  CHECK(parameter("redirect_uri") == "http://www.example.com/oauth2/redirect");
  CHECK(parameter("code_challenge_method") == "S256");
  CHECK(parameter("code_challenge").size() == 43);
  const std::string state = *jose::decode_base64url(parameter("state"));
  CHECK(boost::json::parse(state).at("url").as_string() == "http://www.example.com/page?x=1");
  CHECK(one.call.reply.fields.get("set-cookie").starts_with("Nonce-1."));
  CHECK(one.stats.oauth2.oauth_unauthorized_rq.get() == 1);
}

TEST_CASE("the provider is told where to send the browser back to") {
  OAuth2 config = provider();
  auto told = [&config](const char* proto) {
    OneCall one("GET", "/page");
    one.with("x-forwarded-proto", proto).with("x-tenant", "a");
    REQUIRE(run(one, *made(config)) == Verdict::kReply);
    const std::string_view url = one.call.reply.fields.get("location");
    std::string out;
    CHECK(http::query_parameter(url.substr(url.find('?') + 1), "redirect_uri", out));
    return out;
  };
  CHECK(told("https") == "https://www.example.com/oauth2/redirect");
  CHECK(told("gopher") == "http://www.example.com/oauth2/redirect");
  config.redirect_uri = "/oauth2/redirect%%20x?from=%REQ(x-tenant)%";
  CHECK(told("https") == "https://www.example.com/oauth2/redirect%20x?from=a");
  config.redirect_uri = "https://login.example.com/oauth2/redirect";
  CHECK(told("http") == "https://login.example.com/oauth2/redirect");
  config.redirect_uri =
      "%REQ(x-forwarded-proto)%://%REQ(x-tenant)%.example.com:8443/oauth2/redirect";
  CHECK(told("https") == "https://a.example.com:8443/oauth2/redirect");
  config.redirect_uri = "https://%REQ(x-none?:authority)%/oauth2/redirect?a=%%20";
  CHECK(told("http") == "https://www.example.com/oauth2/redirect?a=%20");
}

TEST_CASE("some requests are told 401 in the place of a redirect") {
  OAuth2 config = provider();
  config.deny_redirect = {{"x-requested-with", "XMLHttpRequest", false},
                          {"accept", "application/.*json", true}};
  OneCall html;
  html.with("accept", "text/html");
  REQUIRE(run(html, *made(config)) == Verdict::kReply);
  CHECK(html.call.reply.status == 302);
  OneCall json;
  json.with("accept", "application/problem+json");
  REQUIRE(run(json, *made(config)) == Verdict::kReply);
  CHECK(json.call.reply.status == 401);
  CHECK(json.call.reply.body == "OAuth flow failed.");
}

TEST_CASE("who has logged in goes on, with the tokens and without what is ours") {
  OAuth2 config = provider();
  const std::string cookies =
      joined(session_cookies(config, {"at", "it", "rt", now() + 60s}, "www.example.com", now())) +
      "; other=1; Nonce-1.abc=x";
  OneCall one;
  one.with("cookie", cookies).with("authorization", "Basic x");
  REQUIRE(run(one, *made(config)) == Verdict::kContinue);
  CHECK(one.head.fields.get("cookie") == "other=1; Access-1=at; Id-1=it");
  CHECK(one.head.fields.get("authorization") == "Basic x");
  config.forward_access_token = true;
  OneCall forwards;
  forwards.with("cookie", cookies + "; BearerToken=forged").with("authorization", "Bearer forged");
  REQUIRE(run(forwards, *made(config)) == Verdict::kContinue);
  CHECK(forwards.head.fields.get("cookie") == "other=1; Access-1=at; Id-1=it; BearerToken=at");
  CHECK(forwards.head.fields.get("authorization") == "Bearer at");
}

TEST_CASE("logging out deletes the cookies and tells the provider") {
  OAuth2 config = provider();
  OneCall one("GET", "/logout");
  one.with("cookie", "Nonce-1.abc=x; other=1");
  REQUIRE(run(one, *made(config)) == Verdict::kReply);
  CHECK(one.call.reply.status == 302);
  CHECK(one.call.reply.fields.get("location") == "http://www.example.com/");
  CHECK(one.call.reply.fields.size() == 1 + 5 + 1);
  config.scopes = {"openid"};
  config.end_session_endpoint = "https://idp.example/out";
  OneCall out("GET", "/logout");
  out.with("cookie", joined(session_cookies(config, {"at", "it", "", now() + 60s},
                                            "www.example.com", now())));
  REQUIRE(run(out, *made(config)) == Verdict::kReply);
  CHECK(out.call.reply.fields.get("location") ==
        "https://idp.example/out?id_token_hint=it&client_id=client&"
        "post_logout_redirect_uri=http%3A%2F%2Fwww.example.com%2F");
}

TEST_CASE("a callback that is not right, or whose provider is away, lets nobody in") {
  const FilterPtr filter = made(provider());
  for (const char* path :
       {"/oauth2/redirect", "/oauth2/redirect?code=c", "/oauth2/redirect?state=e30&code=c",
        "/oauth2/redirect?error=access_denied&state=e30"}) {
    INFO(path);
    OneCall one("GET", path);
    REQUIRE(run(one, *filter) == Verdict::kReply);
    CHECK(one.call.reply.status == 401);
    CHECK(one.call.reply.body == "OAuth flow failed.");
    CHECK(one.stats.oauth2.oauth_failure.get() == 1);
  }
  const Flow flow = new_flow(provider(), "http://www.example.com/page");
  OneCall away("GET", "/oauth2/redirect?code=c&state=" + flow.state);
  away.with("cookie", joined(flow_cookies(provider(), flow)));
  REQUIRE(run(away, *filter) == Verdict::kReply);
  CHECK(away.call.reply.status == 401);
  CHECK(away.call.reply.details == "the token endpoint did not answer");
  const Flow loop = new_flow(provider(), "http://www.example.com/oauth2/redirect?x");
  OneCall again("GET", "/oauth2/redirect?code=c&state=" + loop.state);
  again.with("cookie", joined(flow_cookies(provider(), loop)));
  REQUIRE(run(again, *filter) == Verdict::kReply);
  CHECK(again.call.reply.details == "State url leads back to the redirect path");
}
