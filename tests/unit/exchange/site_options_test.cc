#include "proxy/exchange/site_options.h"

#include <catch2/catch.hpp>

#include "proxy/exchange/details.h"
#include "proxy/exchange/forwarding.h"

using namespace tidegate;
using namespace tidegate::proxy;
using exchange::Prepared;
using exchange::SiteOptions;

namespace {

/// Options with a request that they meet.
struct Case {
  HttpOptions config;
  http::RequestHead request;
  Arena arena;

  Case() {
    request.method = "GET";
    request.path = "/";
    request.authority = "a.example:8080";
    request.scheme = "http";
  }
  Prepared prepare() {
    SiteOptions options;
    options.source = &config;
    options.port = 8080;
    return exchange::prepare(options, request, arena);
  }
};

}  // namespace

TEST_CASE("the port goes from the host where that is asked for", "[site-options]") {
  Case one;
  one.prepare();
  CHECK(one.request.authority == "a.example:8080");
  one.config.strip_port = HttpOptions::StripPort::kMatching;
  one.prepare();
  CHECK(one.request.authority == "a.example");
  one.request.authority = "a.example:9";
  one.prepare();
  CHECK(one.request.authority == "a.example:9");
  one.config.strip_port = HttpOptions::StripPort::kAny;
  one.prepare();
  CHECK(one.request.authority == "a.example");
  one.request.authority = "[::1]";
  one.prepare();
  CHECK(one.request.authority == "[::1]");
}

TEST_CASE("the dot that ends a host name goes where that is asked for", "[site-options]") {
  Case one;
  one.request.authority = "a.example.:8080";
  one.prepare();
  CHECK(one.request.authority == "a.example.:8080");
  one.config.strip_host_dot = true;
  one.prepare();
  CHECK(one.request.authority == "a.example:8080");
  for (const auto& [given, expected] :
       {std::pair("a.example.", "a.example"), std::pair("a.example", "a.example"),
        std::pair("[::1]:80", "[::1]:80"), std::pair("[::1]", "[::1]"), std::pair("", "")}) {
    one.request.authority = given;
    one.prepare();
    CHECK(one.request.authority == expected);
  }
  one.config.strip_port = HttpOptions::StripPort::kAny;
  one.request.authority = "a.example.:8080";
  one.prepare();
  CHECK(one.request.authority == "a.example");
}

TEST_CASE("some requests are answered before a route is looked for", "[site-options]") {
  Case health;
  health.config.health_check_path = "/healthz";
  CHECK(health.prepare() == Prepared::kGoOn);
  health.request.path = "/healthz";
  CHECK(health.prepare() == Prepared::kHealthCheck);
  Case old;
  old.request.version = http::Version::kHttp10;
  old.request.authority = {};
  old.config.default_host = "b.example";
  CHECK(old.prepare() == Prepared::kGoOn);
  CHECK(old.request.authority == "b.example");
  old.config.http10 = false;
  CHECK(old.prepare() == Prepared::kOldVersion);
  Case upgrade;
  upgrade.request.upgrade = "WebSocket";
  CHECK(upgrade.prepare() == Prepared::kGoOn);
  upgrade.config.restrict_upgrades = true;
  CHECK(upgrade.prepare() == Prepared::kUnknownUpgrade);
  upgrade.config.upgrades = {"websocket"};
  CHECK(upgrade.prepare() == Prepared::kGoOn);
}

TEST_CASE("early changes reach fields and host", "[site-options]") {
  Case one;
  one.request.fields.append("x-internal", "1");
  one.config.early_changes.remove = {"x-internal"};
  one.config.early_changes.set = {{"host", "c.example"}, {"x-edge", "yes"}};
  one.prepare();
  CHECK_FALSE(one.request.fields.has("x-internal"));
  CHECK(one.request.fields.get("x-edge") == "yes");
  CHECK(one.request.authority == "c.example");
}

TEST_CASE("the server field is ours, the backend's or both in turn", "[site-options]") {
  using Server = HttpOptions::ServerField;
  auto named = [](std::optional<Server> how, bool backend) {
    HttpOptions options;
    options.server_field = how;
    options.server_name = "edge";
    http::ResponseHead head;
    if (backend) head.fields.append("Server", "backend");
    exchange::name_server(options, head);
    return std::string(head.fields.get("server"));
  };
  CHECK(named(std::nullopt, true) == "backend");
  CHECK(named(Server::kOverwrite, true) == "edge");
  CHECK(named(Server::kAppendIfAbsent, true) == "backend");
  CHECK(named(Server::kAppendIfAbsent, false) == "edge");
  CHECK(named(Server::kPassThrough, false).empty());
}

TEST_CASE("forwarding fields follow the options", "[site-options]") {
  auto forwarded = [](HttpOptions options, exchange::Client client, const char* name) {
    Arena arena;
    Random random(1);
    net::ConnectionFacts facts;
    facts.remote_ip = "192.0.2.1";
    Case one;
    one.request.fields.append("x-forwarded-for", "198.51.100.7");
    one.request.fields.append("x-forwarded-proto", "https");
    one.request.fields.append("x-request-id", "mine");
    exchange::add_forwarding_fields(one.request, facts, &options, &client, random, arena);
    return std::string(one.request.fields.get(name));
  };
  HttpOptions options;
  CHECK(forwarded(options, {}, "x-forwarded-for") == "198.51.100.7, 192.0.2.1");
  CHECK(forwarded(options, {}, "x-forwarded-proto") == "http");
  CHECK(forwarded(options, {}, "x-request-id") == "mine");
  options.use_remote_address = false;
  CHECK(forwarded(options, {}, "x-forwarded-for") == "198.51.100.7");
  CHECK(forwarded(options, {}, "x-forwarded-proto") == "https");
  options.append_forwarded_for = true;
  CHECK(forwarded(options, {}, "x-forwarded-for") == "198.51.100.7, 192.0.2.1");
  options.preserve_request_id = false;
  CHECK(forwarded(options, {}, "x-request-id").size() == 36);
  CHECK(forwarded(options, {"", true}, "x-request-id") == "mine");
  options.generate_request_id = false;
  CHECK(forwarded(options, {}, "x-request-id").empty());
}

TEST_CASE("local replies are shaped by the first mapper that fits", "[site-options]") {
  LocalReplies config;
  LocalReplyMapper mapper;
  mapper.filter.kind = LogFilter::Kind::kStatus;
  mapper.filter.value = 404;
  mapper.status = 410;
  mapper.body = "gone";
  mapper.headers.set = {{"x-why", "gone"}};
  config.mappers = {mapper};
  BodyFormat format;
  format.json = R"({"code": "%RESPONSE_CODE%", "text": "%LOCAL_REPLY_BODY%"})";
  config.format = format;
  std::vector<std::string> problems;
  const auto rules = exchange::LocalReplyRules::compile(config, problems);
  REQUIRE(problems.empty());
  format::Values values;
  http::ResponseHead head;
  std::string body = "no route";
  values.status = head.status = 404;
  rules.apply(values, head, body);
  CHECK(head.status == 410);
  CHECK(body == "{\"code\":410,\"text\":\"gone\"}\n");
  CHECK(head.fields.get("content-type") == "application/json");
  CHECK(head.fields.get("x-why") == "gone");
  body = "late";
  values.status = head.status = 504;
  rules.apply(values, head, body);
  CHECK(body == "{\"code\":504,\"text\":\"late\"}\n");
  format.json = R"({"a": "%NOPE%"})";
  config.format = format;
  exchange::LocalReplyRules::compile(config, problems);
  CHECK(problems.size() == 1);
}

TEST_CASE("details follow from the flag", "[site-options]") {
  CHECK(exchange::details_of("NR", 404) == "route_not_found");
  CHECK(exchange::details_of("-", 200) == "direct_response");
  CHECK(exchange::details_of("-", 413) == "request_payload_too_large");
}
