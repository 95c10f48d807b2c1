#include <openssl/hmac.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "base/jose/base64.h"
#include "one_call.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace tidegate::proxy::filters;

namespace {

std::string keys(std::string_view secret) {
  return R"({"keys":[{"kty":"oct","k":")" + jose::encode_base64url(secret) + "\"}]}";
}

/// A token, signed with HS256.
std::string token(std::string_view claims, std::string_view secret = "secret") {
  const std::string part =
      jose::encode_base64url(R"({"alg":"HS256"})") + '.' + jose::encode_base64url(claims);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(part.data()), part.size(), mac, &size);
  return part + '.' + jose::encode_base64url({reinterpret_cast<const char*>(mac), size});
}

JwtAuth auth() {
  JwtAuth out;
  JwtAuth::Provider& one = out.providers.emplace_back();
  one.name = "one";
  one.issuer = "issuer";
  one.keys = Secret(keys("secret"));
  one.claims = {{"sub", "x-sub"},   {"org.team", "x-team"}, {"https://a.example/n", "x-n"},
                {"flag", "x-flag"}, {"list", "x-list"},     {"evil", "x-evil"}};
  one.metadata_key = "payload";
  return out;
}

const std::string kGood = token(R"({"iss":"issuer","sub":"alice","org":{"team":"dev"},)"
                                R"("https://a.example/n":7,"flag":true,"list":["a"],)"
                                R"("evil":"a\r\nx: y"})");

}  // namespace

TEST_CASE("a right token lets in, and its claims become headers and metadata") {
  OneCall one;
  one.with("Authorization", "Bearer " + kGood).with("X-Sub", "mallory").with("x-evil", "kept?");
  REQUIRE(one.request(*made(auth())) == Verdict::kContinue);
  CHECK(one.head.fields.get("x-sub") == "alice");
  CHECK(one.head.fields.get("x-team") == "dev");
  CHECK(one.head.fields.get("x-n") == "7");
  CHECK(one.head.fields.get("x-flag") == "true");
  CHECK(one.head.fields.get("x-list") == jose::encode_base64(R"(["a"])"));
  CHECK(!one.head.fields.has("x-evil"));
  CHECK(!one.head.fields.has("authorization"));
  CHECK(one.call.metadata("envoy.filters.http.jwt_authn").at("payload").at("sub").as_string() ==
        "alice");
  CHECK(one.stats.jwt_authn.allowed.get() == 1);
}

TEST_CASE("a token that is not right is refused as Envoy does") {
  struct Case {
    std::string value;
    int status;
    std::string text;
  };
  for (const Case& bad : std::initializer_list<Case>{
           {"", 401, "Jwt is missing"},
           {"Basic " + kGood, 401, "Jwt is missing"},
           {"Bearer a.b", 401,
            "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
           {"Bearer " + token(R"({"iss":"other"})"), 401, "Jwt issuer is not configured"},
           {"Bearer " + token(R"({"iss":"issuer","exp":1})"), 401, "Jwt is expired"},
           {"Bearer " + token(R"({"iss":"issuer","nbf":99999999999})"), 401, "Jwt not yet valid"},
           {"Bearer " + token(R"({"iss":"issuer"})", "guessed"), 401, "Jwt verification fails"}}) {
    INFO(bad.value);
    OneCall one("GET", "/a?b=c");
    if (!bad.value.empty()) one.with("authorization", bad.value);
    one.with("x-sub", "mallory");
    REQUIRE(one.request(*made(auth())) == Verdict::kReply);
    CHECK(one.call.reply.status == bad.status);
    CHECK(one.call.reply.body == bad.text);
    const bool missing = bad.text == "Jwt is missing";
    CHECK(one.call.reply.fields.get("www-authenticate") ==
          std::string("Bearer realm=\"http://www.example.com/a?b=c\"") +
              (missing ? "" : ", error=\"invalid_token\""));
    if (missing) CHECK(one.call.reply.details == "jwt_authn_access_denied{Jwt_is_missing}");
    CHECK(one.stats.jwt_authn.denied.get() == 1);
  }
}

TEST_CASE(
    "a verified token is not verified again by the same keys, and all else is checked again") {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  // With a minute of skew it is valid for two seconds more.
  const std::string brief =
      token(R"({"iss":"issuer","aud":["us"],"sub":"bob","exp":)" + std::to_string(now - 58) + "}");
  auto ask = [&](const JwtAuth& config, std::uint64_t hits, std::uint64_t misses) {
    OneCall one;
    one.with("authorization", "Bearer " + brief);
    const Verdict verdict = one.request(*made(config));
    CHECK(one.stats.jwt_authn.jwt_cache_hit.get() == hits);
    CHECK(one.stats.jwt_authn.jwt_cache_miss.get() == misses);
    if (verdict == Verdict::kContinue) CHECK(one.head.fields.get("x-sub") == "bob");
    return verdict;
  };
  auto again = [&](const filters::Filter& filter, std::uint64_t hits) {
    OneCall one;
    one.with("authorization", "Bearer " + brief);
    const Verdict verdict = one.request(filter);
    CHECK(one.stats.jwt_authn.jwt_cache_hit.get() == hits);
    return std::pair(verdict, std::string(one.call.reply.body));
  };
  const FilterPtr filter = made(auth());
  CHECK(again(*filter, 0).first == Verdict::kContinue);
  CHECK(again(*filter, 1).first == Verdict::kContinue);
  CHECK(ask(auth(), 0, 1) == Verdict::kContinue);  // the same keys read anew are other keys
  JwtAuth other = auth();
  other.providers[0].keys = Secret(keys("changed"));
  CHECK(ask(other, 0, 1) == Verdict::kReply);
  CHECK(ask(other, 0, 1) == Verdict::kReply);  // "no" is not kept
  while (std::chrono::system_clock::now() <
         std::chrono::system_clock::time_point(std::chrono::seconds(now + 4)))
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(again(*filter, 1) == std::pair(Verdict::kReply, std::string("Jwt is expired")));
}

TEST_CASE("an audience that is not ours is forbidden") {
  JwtAuth config = auth();
  config.providers[0].audiences = {"us"};
  OneCall one;
  one.with("authorization", "Bearer " + token(R"({"iss":"issuer","aud":["them"]})"));
  REQUIRE(one.request(*made(config)) == Verdict::kReply);
  CHECK(one.call.reply.status == 403);
  CHECK(one.call.reply.body == "Audiences in Jwt are not allowed");
}

TEST_CASE("tokens are found in headers, parameters and cookies, and taken away") {
  JwtAuth config = auth();
  {
    OneCall one("GET", "/a?access_token=" + kGood + "&x=1");
    REQUIRE(one.request(*made(config)) == Verdict::kContinue);
    CHECK(one.head.path == "/a?x=1");
  }
  config.providers[0].from_params = {"t"};
  {
    OneCall one;
    one.with("authorization", "Bearer " + kGood);
    CHECK(one.request(*made(config)) == Verdict::kReply);  // the defaults hold no more
  }
  config.providers[0].from_headers = {{"x-token", ""}, {"x-other", "jwt="}};
  config.providers[0].from_cookies = {"c"};
  config.providers[0].forward = true;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"x-token", kGood},
                                                        {"x-other", "JWT=\"" + kGood + "\"; x"},
                                                        {"cookie", "b=1; c=" + kGood}}) {
    INFO(name);
    OneCall one;
    one.with(name, value);
    CHECK(one.request(*made(config)) == Verdict::kContinue);
    CHECK(one.head.fields.get(name) == value);
  }
  OneCall two;
  two.with("x-token", kGood).with("cookie", "c=a.b.c");  // all of them have to be right
  CHECK(two.request(*made(config)) == Verdict::kReply);
  config.providers[0].from_params = {"t"};
  OneCall twice("GET", "/?t=" + kGood + "&t=a.b.c");  // a backend may read the other one
  CHECK(twice.request(*made(config)) == Verdict::kReply);
  OneCall cookies;
  cookies.with("cookie", "c=" + kGood + "; c=a.b.c");
  CHECK(cookies.request(*made(config)) == Verdict::kReply);
}

TEST_CASE("of several providers one is enough, or all are needed") {
  JwtAuth config = auth();
  JwtAuth::Provider& other = config.providers.emplace_back();
  other.issuer = "other";
  other.keys = Secret(keys("secret2"));
  other.from_headers = {{"x-token", ""}};
  other.metadata_key = "other";
  const std::string second = token(R"({"iss":"other"})", "secret2");
  OneCall any;
  any.with("x-token", second);
  CHECK(any.request(*made(config)) == Verdict::kContinue);
  OneCall none;
  CHECK(none.request(*made(config)) == Verdict::kReply);
  CHECK(none.call.reply.body == "Jwt is missing");
  OneCall wrong;  // what is wrong is told, not that the other is missing
  wrong.with("x-token", token(R"({"iss":"other"})", "guessed"));
  CHECK(wrong.request(*made(config)) == Verdict::kReply);
  CHECK(wrong.call.reply.body == "Jwt verification fails");
  config.all = true;
  OneCall half;
  half.with("x-token", second);
  CHECK(half.request(*made(config)) == Verdict::kReply);
  OneCall both;
  both.with("x-token", second).with("authorization", "Bearer " + kGood);
  CHECK(both.request(*made(config)) == Verdict::kContinue);
  CHECK(both.call.metadata("envoy.filters.http.jwt_authn").size() == 2);
}

TEST_CASE("where none is needed a request without a token goes on, one with a wrong one does not") {
  JwtAuth config = auth();
  config.allow_missing = true;
  OneCall none;
  none.with("x-sub", "mallory");
  CHECK(none.request(*made(config)) == Verdict::kContinue);
  CHECK(!none.head.fields.has("x-sub"));
  OneCall wrong;
  wrong.with("authorization", "Bearer " + token(R"({"iss":"other"})"));
  CHECK(wrong.request(*made(config)) == Verdict::kReply);
}

TEST_CASE("keys that cannot be fetched let nobody in, and are asked for again") {
  JwtAuth config = auth();
  config.providers[0].remote = RemoteKeys();
  config.providers[0].remote->uri = {"nowhere", "https", "keys.example", "/jwks"};
  config.providers[0].remote->failed_refetch = std::chrono::milliseconds(0);
  const FilterPtr filter = made(config);
  auto ask = [&filter](OneCall& one) {
    one.with("authorization", "Bearer " + kGood);
    REQUIRE(one.request(*filter) == Verdict::kWait);
    Verdict verdict = Verdict::kContinue;
    spawn(one.loop.io, [](Call& call, const filters::Filter& waits, Verdict& out) -> Task<void> {
      out = co_await waits.request_waiting(call);
    }(one.call, *filter, verdict));
    while (verdict == Verdict::kContinue) one.loop.turn(std::chrono::milliseconds(20));
    CHECK(verdict == Verdict::kReply);
    CHECK(one.call.reply.status == 401);
    CHECK(one.call.reply.body == "Jwks remote fetch is failed");
  };
  OneCall first;
  ask(first);
  CHECK(first.stats.jwt_authn.jwks_fetch_failed.get() == 1);
  OneCall later;  // asked for anew, whatever an earlier request has left in memory
  ask(later);
  CHECK(later.stats.jwt_authn.jwks_fetch_failed.get() == 1);
  OneCall missing;  // no key is needed to see that there is no token
  CHECK(missing.request(*filter) == Verdict::kReply);
}
