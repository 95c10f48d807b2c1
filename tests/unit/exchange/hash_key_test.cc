#include "proxy/exchange/hash_key.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using namespace tidegate::proxy::exchange;
using Kind = HashPolicy::Kind;

namespace {

HashPolicy policy(Kind kind, std::string name, bool terminal = false) {
  HashPolicy out;
  out.kind = kind;
  out.name = std::move(name);
  out.terminal = terminal;
  return out;
}

struct Request {
  HashKey key(const std::vector<HashPolicy>& policies) {
    return hash_key(policies, head, client_ip, random, arena);
  }
  http::RequestHead head;
  std::string_view client_ip;
  Random random{1};
  Arena arena;
};

}  // namespace

TEST_CASE("what policies name is hashed, up to the first terminal one that has it", "[exchange]") {
  Request request;
  request.client_ip = "192.0.2.1";
  request.head.fields.append("X-User", "alice");
  const auto user = policy(Kind::kHeader, "x-user", true);
  const auto other = policy(Kind::kHeader, "x-other", true);
  const auto address = policy(Kind::kSourceIp, "");
  const HashKey by_user = request.key({user, address});
  CHECK(by_user.hash == request.key({user}).hash);
  CHECK(by_user.hash != request.key({address}).hash);
  CHECK(request.key({other, address}).hash == request.key({address}).hash);
  CHECK(request.key({address, user}).hash != request.key({address}).hash);
  CHECK(!request.key({other}).hash);
  Request again;
  again.head.fields.append("x-user", "alice");
  CHECK(again.key({user}).hash == by_user.hash);
}

TEST_CASE("a cookie is made where there is none, and hashes the same when it comes back",
          "[exchange]") {
  HashPolicy cookie = policy(Kind::kCookie, "sid");
  Request first;
  CHECK(!first.key({cookie}).hash);  // without ttl none is made
  cookie.ttl = std::chrono::seconds(0);
  cookie.path = "/a";
  const HashKey made = first.key({cookie});
  REQUIRE(made.cookies.size() == 1);
  const std::string text(made.cookies[0]);
  CHECK(text.starts_with("sid=\""));
  CHECK(text.ends_with("\"; Path=/a"));
  Request second;
  const std::string sent = "sid=" + text.substr(5, 16);
  second.head.fields.append("cookie", sent);
  CHECK(second.key({cookie}).hash == made.hash);
  CHECK(second.key({cookie}).cookies.empty());
}
