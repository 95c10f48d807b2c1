#include "proxy/cel/expression.h"
#include "proxy/filters/attributes.h"
#include "tests/unit/filters/call_fixture.h"

using namespace tidegate;
using namespace tidegate::test;
using filters::Verdict;

namespace {

Rbac rbac(Rbac::Action action, std::vector<std::string> expressions) {
  return {action, std::move(expressions), "ns/name"};
}

bool holds(CallFixture& fixture, std::string_view expression) {
  auto compiled = cel::Expression::compile(expression);
  REQUIRE(compiled.has_value());
  return (*compiled)->matches(filters::CallAttributes(fixture.call()), fixture.call().arena);
}

}  // namespace

TEST_CASE("Allow lets pass what matches any expression, Deny what matches none", "[rbac]") {
  CallFixture one;
  one.request.fields.append("x-user", "alice");
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {"false", "request.method == 'GET'"}))) ==
        Verdict::kContinue);
  CHECK(one.stats.rbac_allowed.get() == 1);
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kDeny, {"request.method == 'POST'"}))) ==
        Verdict::kContinue);
  auto allow = one.make(rbac(Rbac::Action::kAllow, {"request.headers['x-user'] == 'bob'"}));
  CHECK(one.ask(*allow) == Verdict::kReply);
  CHECK(one.call().reply.status == 403);
  CHECK(one.call().reply.body == "RBAC: access denied");
  CHECK(one.call().reply.details == "rbac_access_denied_matched_policy[none]");
  auto deny = one.make(rbac(Rbac::Action::kDeny, {"request.headers['x-user'] == 'alice'"}));
  CHECK(one.ask(*deny) == Verdict::kReply);
  CHECK(one.call().reply.details == "rbac_access_denied_matched_policy[ns/name]");
  CHECK(one.stats.rbac_denied.get() == 2);
}

TEST_CASE("an expression without a value does not match", "[rbac]") {
  CallFixture one;
  const std::string claim =
      "metadata.filter_metadata['envoy.filters.http.jwt_authn']['payload']['sub'] == 'a'";
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {claim}))) == Verdict::kReply);
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kDeny, {claim}))) == Verdict::kContinue);
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {"'text'"}))) == Verdict::kReply);
  one.call().metadata("envoy.filters.http.jwt_authn")["payload"] = {{"sub", "a"}};
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {claim}))) == Verdict::kContinue);
}

TEST_CASE("what cannot be decided within the limits is not let through", "[rbac]") {
  const std::string path = "/" + std::string(16'000, '/');
  CallFixture one;
  one.request.path = path;
  const std::string dear =
      "request.url_path.split('/').exists(p, p.lowerAscii() == 'a' || p.lowerAscii() == 'admin')";
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kDeny, {dear}))) == Verdict::kReply);
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {dear}))) == Verdict::kReply);
}

TEST_CASE("nobody passes an expression that cannot be read", "[rbac]") {
  CallFixture one;
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kAllow, {"true", "1 +"}))) == Verdict::kReply);
  CHECK(one.ask(*one.make(rbac(Rbac::Action::kDeny, {"1 +"}))) == Verdict::kReply);
}

TEST_CASE("the attributes of a request", "[rbac][attributes]") {
  CallFixture one({{"hello", true}});
  one.request.path = "/a/b?c=d";
  one.request.fields.append("X-User", "alice");
  one.request.fields.append("x-list", "1");
  one.request.fields.append("X-List", "2");
  one.request.fields.append("user-agent", "curl");
  one.request.fields.append("x-empty", std::string_view("", 0));
  one.facts.tls = true;
  one.facts.sni = "example.com";
  for (std::string_view expression :
       {"request.path == '/a/b?c=d' && request.url_path == '/a/b' && request.query == 'c=d'",
        "request.host == 'example.com' && request.scheme == 'http' && request.method == 'POST'",
        "request.protocol == 'HTTP/1.1' && request.useragent == 'curl'",
        "request.headers['x-user'] == 'alice' && request.headers['X-USER'] == 'alice'",
        "request.headers['x-list'] == '1,2' && request.headers['x-empty'] == ''",
        "request.headers[':path'] == request.path && request.headers.host == request.host",
        "!has(request.referer) && !has(request.id) && !('cookie' in request.headers)",
        "request.headers.size() == 8 && request.headers.exists(k, k == 'x-user')",
        "request.size == 5 && request.total_size == request.headers_bytes + 5",
        "source.address == '192.0.2.7:4711' && source.port == 4711",
        "destination.address.startsWith('192.0.2.1:') && destination.port == 8080",
        "connection.requested_server_name == 'example.com'",
        "request.time > timestamp('2020-01-01T00:00:00Z')", "metadata.filter_metadata.size() == 0",
        "!has(response.code)"}) {
    INFO(expression);
    CHECK(holds(one, expression));
  }
}
