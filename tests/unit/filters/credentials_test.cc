#include <openssl/sha.h>

#include <catch2/catch.hpp>

#include "base/jose/base64.h"
#include "one_call.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace tidegate::proxy::filters;

namespace {

IpAcl acl() {
  IpAcl out;
  out.rules = {{"block-internal", {"10.0.0.0/8"}, true},
               {"allow-subnet", {"10.1.0.0/16"}, false},
               {"", {"10.1.2.3", "2001:db8::/32"}, true}};
  out.blocked_by_header = "x-blocked-by";
  out.headers = {{"x-reason", "policy"}};
  return out;
}

ApiKeyAuth keys() {
  ApiKeyAuth out;
  out.sources = {{"x-api-key", "", ""}, {"authorization", "token", "auth"}};
  out.credentials = {{"alice", Secret("k-123")}, {"bob", Secret("k-456")}};
  out.client_id_header = "x-client-id";
  return out;
}

}  // namespace

TEST_CASE("an access list goes by the longest range of the client's address") {
  const FilterPtr filter = made(acl());
  for (const auto& [address, by] :
       std::vector<std::pair<const char*, std::string>>{{"10.1.2.3", "rule"},
                                                        {"10.1.2.4", ""},
                                                        {"10.2.0.1", "block-internal"},
                                                        {"8.8.8.8", ""},
                                                        {"::ffff:10.2.0.1", "block-internal"},
                                                        {"2001:db8::1", "rule"}}) {
    INFO(address);
    OneCall one;
    one.from(address);
    const Verdict verdict = one.request(*filter);
    CHECK((verdict == Verdict::kReply) == !by.empty());
    if (by.empty()) continue;
    CHECK(one.call.reply.status == 403);
    CHECK(one.call.reply.fields.get("x-blocked-by") == by);
    CHECK(one.call.reply.fields.get("x-reason") == "policy");
    CHECK(one.call.metadata("dev.kgateway.http.acl").at("blocked-by").as_string() == by);
    CHECK(one.stats.acl.blocked.get() == 1);
  }
}

TEST_CASE("an access list that denies by default, and a client without an address") {
  IpAcl config;
  config.deny = true;
  config.status = 451;
  config.blocked_by_header = "x-blocked-by";
  config.rules = {{"in", {"203.0.113.0/24"}, false}};
  OneCall in;
  CHECK(in.from("203.0.113.9").request(*made(config)) == Verdict::kContinue);
  OneCall out;
  CHECK(out.from("192.0.2.1").request(*made(config)) == Verdict::kReply);
  CHECK(out.call.reply.status == 451);
  CHECK(out.call.reply.fields.get("x-blocked-by") == "default");
  config.deny = false;
  OneCall unknown;
  CHECK(unknown.request(*made(config)) == Verdict::kReply);
  CHECK(unknown.call.reply.fields.get("x-blocked-by") == "unknown-ip");
}

TEST_CASE("a request that changes something has to come from the host's own pages") {
  Csrf config;
  config.enabled_percent = 100;
  config.allowed_origins = {{TextMatch::Kind::kExact, "allowThisOne.example.com", false},
                            {TextMatch::Kind::kSuffix, ".TRUSTED.example", true},
                            {TextMatch::Kind::kRegex, "a[0-9]+", false}};
  const FilterPtr filter = made(config);
  for (const auto& [origin, allowed] :
       std::vector<std::pair<const char*, bool>>{{"http://www.example.com", true},
                                                 {"https://www.example.com", true},
                                                 {"http://www.example.com:8080", false},
                                                 {"http://evil.example", false},
                                                 {"http://www.example.com@evil.example", false},
                                                 {"http://evil.example/www.example.com", false},
                                                 {"null", false},
                                                 {"allowThisOne.example.com", true},
                                                 {"allowthisone.example.com", false},
                                                 {"https://a.trusted.example", true},
                                                 {"https://a12", true},
                                                 {"https://a12b", false}}) {
    INFO(origin);
    OneCall one("POST");
    one.with("origin", origin);
    CHECK((one.request(*filter) == Verdict::kContinue) == allowed);
    CHECK(one.stats.csrf.request_valid.get() == (allowed ? 1 : 0));
    CHECK(one.stats.csrf.request_invalid.get() == (allowed ? 0 : 1));
    if (allowed) continue;
    CHECK(one.call.reply.status == 403);
    CHECK(one.call.reply.body == "Invalid origin");
    CHECK(one.call.reply.details == "csrf_origin_mismatch");
  }
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    OneCall one(method);
    CHECK(one.request(*filter) == Verdict::kReply);
    CHECK(one.stats.csrf.missing_source_origin.get() == 1);
  }
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    OneCall one(method);
    CHECK(one.request(*filter) == Verdict::kContinue);
  }
  OneCall referer("POST");
  referer.with("referer", "http://www.example.com/page?x=1");
  CHECK(referer.request(*filter) == Verdict::kContinue);
}

TEST_CASE("in the shadow origins are counted and nothing is refused") {
  Csrf config;
  config.shadow_percent = 100;
  OneCall one("POST");
  one.with("origin", "http://evil.example");
  CHECK(one.request(*made(config)) == Verdict::kContinue);
  CHECK(one.stats.csrf.request_invalid.get() == 1);
  config.shadow_percent = 0;
  OneCall off("POST");
  CHECK(off.request(*made(config)) == Verdict::kContinue);
  CHECK(off.stats.csrf.missing_source_origin.get() == 0);
}

TEST_CASE("user and password, and each way to get them wrong", "[rfc7617]") {
  BasicAuth config;
  // htpasswd -nbs user password
  config.users = {{"user", Secret(*jose::decode_base64("W6ph5Mm5Pz8GgiULbPgzG37mj9g="))}};
  const FilterPtr filter = made(config);
  auto value = [](std::string_view pair) { return "Basic " + jose::encode_base64(pair); };
  for (const std::string& right :
       {value("user:password"), std::string("basic dXNlcjpwYXNzd29yZA")}) {
    OneCall one;
    one.with("authorization", right);
    CHECK(one.request(*filter) == Verdict::kContinue);
    CHECK(one.head.fields.get("authorization") == right);
  }
  for (const auto& [given, body, details] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"", "User authentication failed. Missing username and password.",
            "no_credential_for_basic_auth"},
           {"Bearer x", "User authentication failed. Expected 'Basic' authentication scheme.",
            "invalid_scheme_for_basic_auth"},
           {"Basic", "User authentication failed. Expected 'Basic' authentication scheme.",
            "invalid_scheme_for_basic_auth"},
           {"Basic !", "User authentication failed. Invalid basic credential format.",
            "invalid_format_for_basic_auth"},
           {value("user"), "User authentication failed. Invalid basic credential format.",
            "invalid_format_for_basic_auth"},
           {value("user:Password"),
            "User authentication failed. Invalid username/password combination.",
            "invalid_credential_for_basic_auth"},
           {value("nobody:password"),
            "User authentication failed. Invalid username/password combination.",
            "invalid_credential_for_basic_auth"},
           {value(":"), "User authentication failed. Invalid username/password combination.",
            "invalid_credential_for_basic_auth"}}) {
    INFO(given);
    OneCall one("GET", "/a\"b?c");
    if (!given.empty()) one.with("authorization", given);
    CHECK(one.request(*filter) == Verdict::kReply);
    CHECK(one.call.reply.status == 401);
    CHECK(one.call.reply.body == body);
    CHECK(one.call.reply.details == details);
    CHECK(one.call.reply.fields.get("www-authenticate") ==
          "Basic realm=\"http://www.example.com/a\\\"b?c\"");
    CHECK(one.stats.basic_auth.denied.get() == 1);
  }
}

TEST_CASE("an API key lets in, names the client, and goes no further") {
  const FilterPtr filter = made(keys());
  {
    OneCall one("GET", "/a?token=k-456&x=1");
    one.with("x-api-key", "Bearer k-123")
        .with("x-client-id", "mallory")
        .with("cookie", "auth=z; b=c");
    CHECK(one.request(*filter) == Verdict::kContinue);
    CHECK(one.head.fields.get("x-client-id") == "alice");
    CHECK(!one.head.fields.has("x-api-key"));
    CHECK(one.head.path == "/a?x=1");
    CHECK(one.head.fields.get("cookie") == "b=c");
  }
  OneCall query("GET", "/a?token=k%2D456");
  CHECK(query.request(*filter) == Verdict::kContinue);
  CHECK(query.head.fields.get("x-client-id") == "bob");
  OneCall cookie;
  cookie.with("cookie", "auth=k-456");
  CHECK(cookie.request(*filter) == Verdict::kContinue);
  for (const auto& [value, details] :
       std::vector<std::pair<const char*, const char*>>{{"", "missing_api_key"},
                                                        {"k-12", "unknown_api_key"},
                                                        {"K-123", "unknown_api_key"},
                                                        {"k-1234", "unknown_api_key"}}) {
    OneCall one;
    one.with("x-api-key", value);
    CHECK(one.request(*filter) == Verdict::kReply);
    CHECK(one.call.reply.status == 401);
    CHECK(one.call.reply.body == "Client authentication failed.");
    CHECK(one.call.reply.details == details);
  }
  ApiKeyAuth forwards = keys();
  forwards.forward_credential = true;
  OneCall kept;
  kept.with("x-api-key", "k-123");
  CHECK(kept.request(*made(forwards)) == Verdict::kContinue);
  CHECK(kept.head.fields.get("x-api-key") == "k-123");
}
