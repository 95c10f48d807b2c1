#include <catch2/catch.hpp>

#include "tests/unit/http2/sides.h"

using namespace tidegate;
using namespace tidegate::test;
using Kind = http::BodyLength::Kind;

namespace {

Http2Peer::Fields with(Http2Peer::Fields fields, const Http2Peer::Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

/// CHECK with co_await in it would await more than once.
void fine(error_code failed) { CHECK(!failed); }

}  // namespace

TEST_CASE("a request's head is what HTTP/1 would make of it", "[http2][rfc9113-8.3.1]") {
  Scripted link;
  link.client.request(with(Http2Peer::get("/a/b?c=d", "example.com:8080"), {{"accept", "*/*"},
                                                                            {"cookie", "a=1"},
                                                                            {"te", "trailers"},
                                                                            {"cookie", "b=2"},
                                                                            {"trailer", "x"}}));
  REQUIRE(!link.settle());
  REQUIRE(link.server.requests.size() == 1);
  http::RequestHead& head = link.request().request();
  CHECK(head.method == "GET");
  CHECK(head.authority == "example.com:8080");
  CHECK(head.path == "/a/b?c=d");
  CHECK(head.version == http::Version::kHttp2);
  CHECK(head.body.none());
  CHECK(head.te_trailers);
  CHECK(head.fields.get("cookie") == "a=1; b=2");
  CHECK(head.fields.get("accept") == "*/*");
  CHECK(head.fields.size() == 2);
}

TEST_CASE("Host stands in for :authority", "[http2]") {
  Scripted link;
  link.client.request(
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "example.com"}});
  link.client.request(with(Http2Peer::get(), {{"host", "Example.com"}}));
  link.settle();
  REQUIRE(link.server.requests.size() == 2);
  CHECK(link.request(0).request().authority == "example.com");
  CHECK(link.request(1).request().fields.empty());
}

TEST_CASE("what is refused gets a status, and no exchange", "[http2]") {
  struct Case {
    std::string what;
    Http2Peer::Fields fields;
    std::string status;
  };
  const std::string long_path = "/" + std::string(17 * 1024, 'a');
  std::vector<Case> cases = {
      {"Host differs", with(Http2Peer::get(), {{"host", "other.com"}}), "400"},
      {"user information", Http2Peer::get("/", "me@example.com"), "400"},
      {"a port too large", Http2Peer::get("/", "example.com:65536"), "400"},
      {"a port that is none", Http2Peer::get("/", "example.com:8a"), "400"},
      {"half an address", Http2Peer::get("/", "[::1"), "400"},
      {"a fragment", Http2Peer::get("/a#b"), "400"},
      {"a blank", Http2Peer::get("/a b"), "400"},
      {"a path that is none", Http2Peer::get("a"), "400"},
      {"a star for GET", Http2Peer::get("*"), "400"},
      {"ftp", {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}, "400"},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "example.com:443"}}, "501"},
      {"an expectation", with(Http2Peer::get(), {{"expect", "miracles"}}), "417"},
      {"a long path", Http2Peer::get(long_path), "414"},
      {"a large head",
       with(Http2Peer::get(), {{"a", std::string(20000, 'x')}, {"b", std::string(20000, 'x')}}),
       "431"},
  };
  Http2Peer::Fields many = Http2Peer::get();
  for (int i = 0; i < 100; ++i) many.emplace_back("f" + std::to_string(i), "v");
  cases.push_back({"many fields", many, "431"});
  for (const Case& one : cases) {
    INFO(one.what);
    Scripted link;
    const std::int32_t id = link.client.request(one.fields);
    CHECK(!link.settle());
    // nghttp2 refuses some of them by a reset, before we see them.
    const Http2Peer::Heard& heard = link.client.heard(id);
    const bool reset = heard.reset == NGHTTP2_PROTOCOL_ERROR && one.status == "400";
    CHECK((reset || heard.status() == one.status));
    CHECK((reset || heard.ended));
    CHECK(link.server.requests.empty());
    CHECK(link.server.refusals.size() == (reset ? 0U : 1U));
    const std::int32_t next = link.client.request(Http2Peer::get());
    CHECK(!link.settle());
    CHECK(link.server.requests.size() == 1);  // the connection goes on
    CHECK(next > id);
  }
}

TEST_CASE("an extended CONNECT opens no second HTTP", "[http2][rfc8441]") {
  const auto [protocol, status] =
      GENERATE(table<std::string, std::string>({{"h2c", "501"},
                                                {"H2C", "501"},
                                                {"h2", "501"},
                                                {"HTTP/2.0", "501"},
                                                {"h2c/1", "501"},
                                                {"websocket, h2c", "400"},
                                                {"a b", "400"},
                                                {"a/", "400"},
                                                {"/1", "400"},
                                                {"a/b/c", "400"},
                                                {"\xe9", "400"},
                                                {"websocket", ""},
                                                {"acme/2", ""}}));
  INFO(protocol);
  Scripted link;
  link.settle();
  const std::int32_t id = link.client.request({{":method", "CONNECT"},
                                               {":protocol", protocol},
                                               {":scheme", "http"},
                                               {":authority", "a"},
                                               {":path", "/"},
                                               {"http2-settings", "AAMAAABk"}},
                                              true);
  CHECK(!link.settle());
  REQUIRE(link.server.requests.size() == (status.empty() ? 1U : 0U));
  if (!status.empty()) {
    CHECK(link.client.heard(id).status() == status);
  } else {
    CHECK(link.request().request().upgrade == protocol);
    CHECK(!link.request().request().fields.has("http2-settings"));
  }
}

TEST_CASE("a message that breaks RFC 9113 section 8 is a stream error", "[http2]") {
  const Http2Peer::Fields bad = GENERATE(
      with(Http2Peer::get(), {{"connection", "close"}}),
      with(Http2Peer::get(), {{"transfer-encoding", "chunked"}}),
      with(Http2Peer::get(), {{"te", "gzip"}}), with(Http2Peer::get(), {{"upgrade", "h2c"}}),
      with(Http2Peer::get(), {{":path", "/twice"}}),
      with(Http2Peer::get(), {{"a", std::string("b\r\nc", 4)}}),
      with(Http2Peer::get(), {{"content-length", "1"}, {"content-length", "2"}}),
      with(Http2Peer::get(), {{"content-length", "5"}}),
      Http2Peer::Fields{{":method", "GET"}, {":scheme", "http"}});
  Scripted link;
  const std::int32_t id = link.client.request(bad);
  CHECK(!link.settle());
  CHECK(link.client.heard(id).reset == NGHTTP2_PROTOCOL_ERROR);
  CHECK(link.server.requests.empty());
}

TEST_CASE("a body shorter or longer than its length is no body", "[http2][rfc9113-8.1.1]") {
  const std::string body = GENERATE("123", "1234567");
  Scripted link;
  const std::int32_t id =
      link.client.request(with(Http2Peer::get(), {{"content-length", "5"}}), true);
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  CHECK(link.request().request().body == http::BodyLength{Kind::kExact, 5});
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.client.send(id, body, true);
  link.settle();
  CHECK(link.client.heard(id).reset == NGHTTP2_PROTOCOL_ERROR);
  CHECK(got.ends_with("!malformed message"));
}

TEST_CASE("head, body and trailers go both ways", "[http2]") {
  Pair link;
  std::unique_ptr<http2::Stream> stream = link.client.session.open();
  REQUIRE(stream != nullptr);
  auto exchange = [](http2::Stream& sent) -> Task<void> {
    http::RequestHead head = get("/up");
    head.method = "POST";
    head.body.kind = Kind::kUnknown;
    head.fields.append("X-Name", "value");
    fine(co_await sent.send_head(head, {std::span("first ", 6), false}));
    fine(co_await sent.send_body({std::span("second", 6), false}));
    http::Fields trailers;
    trailers.append("sum", "42");
    fine(co_await sent.send_trailers(trailers));
  };
  link.client.spawn(exchange(*stream));
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  http2::Stream& request = *link.server.requests[0];
  CHECK(request.request().fields.get("x-name") == "value");
  std::string got;
  link.server.spawn(read_all(request, got));
  CHECK(got == "first second|sum=42;");

  auto answer = [](http2::Stream& to) -> Task<void> {
    http::ResponseHead head = ok();
    head.fields.append("connection", "close");  // made by a filter: no place in HTTP/2
    fine(co_await to.send_head(head, {std::span("answer", 6), false}, "now"));
    http::Fields trailers;
    trailers.append("grpc-status", "0");
    fine(co_await to.send_trailers(trailers));
  };
  link.server.spawn(answer(request));
  std::string answered;
  auto receive = [](http2::Stream& from, std::string& out) -> Task<void> {
    Result<http::ResponseHead*> head = co_await from.receive_head();
    REQUIRE(head.has_value());
    out = std::to_string((*head)->status) + " " + std::string((*head)->fields.get("date")) +
          std::to_string((*head)->fields.size()) + " ";
    co_await read_all(from, out);
  };
  link.client.spawn(receive(*stream, answered));
  link.settle();
  CHECK(answered == "200 now1 answer|grpc-status=0;");
  link.server.requests.clear();
  stream.reset();
  link.settle();
  CHECK(link.client.session.active() == 0);
  CHECK(link.server.session.active() == 0);
}

TEST_CASE("answers without a body say how long it would be", "[http2]") {
  Scripted link;
  Http2Peer::Fields head_request = Http2Peer::get();
  head_request[0].second = "HEAD";
  const std::int32_t head_id = link.client.request(head_request);
  const std::int32_t unchanged = link.client.request(Http2Peer::get());
  const std::int32_t nothing = link.client.request(Http2Peer::get());
  link.settle();
  REQUIRE(link.server.requests.size() == 3);
  link.server.spawn(send(link.request(0), ok({Kind::kExact, 1000}), std::string(1000, 'x')));
  http::ResponseHead not_modified = ok({});
  not_modified.status = 304;
  not_modified.declared_length = 77;
  link.server.spawn(send(link.request(1), not_modified, "", false));
  http::ResponseHead no_content = ok({Kind::kExact, 0});
  no_content.status = 204;
  link.server.spawn(send(link.request(2), no_content, ""));
  link.settle();
  CHECK(link.client.heard(head_id).field("content-length") == "1000");
  CHECK(link.client.heard(head_id).body.empty());
  CHECK(link.client.heard(head_id).ended);
  CHECK(link.client.heard(unchanged).field("content-length") == "77");
  CHECK(link.client.heard(unchanged).ended);
  CHECK(link.client.heard(nothing).field("content-length") == "(none)");
  CHECK(link.client.heard(nothing).ended);
}

TEST_CASE("100 is sent when the body is asked for, and 1xx are passed on",
          "[http2][rfc9110-10.1.1]") {
  Scripted link;
  const std::int32_t id =
      link.client.request(with(Http2Peer::get(), {{"expect", "100-continue"}}), true);
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  CHECK(link.client.heard(id).heads.empty());
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  http::ResponseHead hints;
  hints.status = 103;
  hints.fields.append("link", "</a.css>");
  CHECK(!link.request().send_informational(hints));
  link.settle();
  CHECK(link.client.heard(id).status(0) == "100");
  CHECK(link.client.heard(id).field("link", 1) == "</a.css>");
  link.client.send(id, "now", true);
  link.settle();
  CHECK(got == "now|");
}

TEST_CASE("an upgrade crosses as extended CONNECT", "[http2][rfc8441]") {
  Pair link;
  std::unique_ptr<http2::Stream> stream = link.client.session.open();
  auto ask = [](http2::Stream& out, std::string& heard) -> Task<void> {
    http::RequestHead head = get("/chat");
    head.upgrade = "websocket";
    head.fields.append("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    head.fields.append("Sec-WebSocket-Version", "13");
    fine(co_await out.send_head(head, {{}, true}));
    Result<http::ResponseHead*> answer = co_await out.receive_head();
    REQUIRE(answer.has_value());
    heard = std::to_string((*answer)->status) + " " +
            std::string((*answer)->fields.get("Sec-WebSocket-Accept")) + " ";
    fine(co_await out.send_body({std::span("ping", 4), true}));
    co_await read_all(out, heard);
  };
  std::string heard;
  link.client.spawn(ask(*stream, heard));
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  http2::Stream& request = *link.server.requests[0];
  CHECK(request.request().method == "GET");
  CHECK(request.request().upgrade == "websocket");
  CHECK(!request.request().fields.get("sec-websocket-key").empty());
  Result<http::Chunk> before = request.poll();
  REQUIRE(before.has_value());
  CHECK(before->end);

  SECTION("and carries the other protocol") {
    http::ResponseHead switched = ok();
    switched.status = 101;
    switched.upgrade = "websocket";
    switched.fields.append("Sec-WebSocket-Accept", "of no use");
    link.server.spawn(send(request, switched, "", false));
    std::string got;
    link.server.spawn(read_all(request, got));
    link.settle();
    CHECK(got == "ping|");
    auto answer = [](http2::Stream& out) -> Task<void> {
      fine(co_await out.send_body({std::span("pong", 4), true}));
    };
    link.server.spawn(answer(request));
    link.settle();
    CHECK(heard == "101 s3pPLMBiTxaQ9kYGzzhZRbK+xOo= pong|");
  }
  SECTION("or is refused") {
    http::ResponseHead refused = ok({Kind::kExact, 2});
    refused.status = 403;
    link.server.spawn(send(request, refused, "no"));
    link.settle();
    CHECK(heard == "403  no|");
    CHECK(request.end_received());
  }
  SECTION("a 2xx that is no switch is not taken for one") {
    link.server.spawn(send(request, ok({Kind::kExact, 2}), "no"));
    link.settle();
    CHECK(heard == "502  no|");
  }
}

TEST_CASE("an upstream without extended CONNECT is not asked for it", "[http2][rfc8441]") {
  http2::Limits plain;
  plain.extended_connect = false;
  Pair link(plain);
  std::unique_ptr<http2::Stream> stream = link.client.session.open();
  error_code failed;
  auto ask = [](http2::Stream& out, error_code& why) -> Task<void> {
    http::RequestHead head = get("/chat");
    head.upgrade = "websocket";
    why = co_await out.send_head(head, {{}, true});
  };
  link.client.spawn(ask(*stream, failed));
  link.settle();
  CHECK(failed == http2::Error::kUpgradeUnsupported);
  CHECK(link.server.requests.empty());
}
