#include "proxy/http1/parser.h"

#include <catch2/catch.hpp>
#include <deque>
#include <string>

namespace http = tidegate::proxy::http;
namespace http1 = tidegate::proxy::http1;

namespace {

/// The status that a request is refused with; 0: it is taken.
int refused(const std::string& text) {
  http::RequestHead head;
  auto wrong = http1::parse_request_head(text, {}, head);
  return wrong ? http1::status_of(*wrong) : 0;
}

std::string request(const std::string& fields, const std::string& line = "GET / HTTP/1.1") {
  return line + "\r\n" + fields + "\r\n";
}

http::RequestHead parsed(const std::string& given) {
  static std::deque<std::string> kept;  // the head's fields are views
  const std::string& text = kept.emplace_back(given);
  http::RequestHead head;
  auto wrong = http1::parse_request_head(text, {}, head);
  INFO(text);
  REQUIRE_FALSE(wrong.has_value());
  return head;
}

}  // namespace

TEST_CASE("a head ends with its empty line, wherever it was cut", "[http1]") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size)
    CHECK(http1::find_head_end(head.substr(0, size), 0) == 0);
  for (std::size_t from = 0; from + 3 < head.size(); ++from)
    CHECK(http1::find_head_end(head + "rest", from) == head.size());
  CHECK(http1::find_head_end("\r\n" + head, 0) == head.size() + 2);
  CHECK(http1::find_head_end("GET / HTTP/1.1\nHost: a\n\n", 0) == 24);
}

TEST_CASE("what frames the message is taken off the fields", "[http1][rfc9110-7.6.1]") {
  const std::string text = request(
      "Host: Example.com:8080\r\nConnection: keep-alive, X-Hop, Upgrade\r\nX-Hop: 1\r\nUpgrade: "
      "h2c, websocket\r\nTE: trailers\r\n"
      "Keep-Alive: 5\r\nAccept:  */* \r\nExpect: 100-Continue\r\nContent-Length: 12\r\n",
      "POST /a?b=c HTTP/1.1");
  const http::RequestHead head = parsed(text);
  CHECK(head.method == "POST");
  CHECK(head.path == "/a?b=c");
  CHECK(head.authority == "Example.com:8080");
  CHECK(head.upgrade.empty());  // for its body
  CHECK(head.te_trailers);
  CHECK(head.expect_continue);
  CHECK(head.keep_alive);
  CHECK(head.body == http::BodyLength{http::BodyLength::Kind::kExact, 12});
  REQUIRE(head.fields.size() == 1);
  CHECK(head.fields.get("accept") == "*/*");
}

TEST_CASE("a request with a body asks for no other protocol", "[http1][rfc9110-7.8]") {
  // An upgrade's bytes have no framing: a backend that stays with HTTP would read the body as its
  // next request.
  for (const char* framing : {"Content-Length: 12\r\n", "Transfer-Encoding: chunked\r\n"}) {
    INFO(framing);
    const std::string text =
        request(std::string("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n") + framing,
                "POST / HTTP/1.1");
    CHECK(parsed(text).upgrade.empty());
    CHECK_FALSE(parsed(text).body.none());
  }
  const std::string empty =
      request("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n");
  CHECK(parsed(empty).upgrade == "websocket");
}

TEST_CASE("an upgrade opens no second HTTP", "[http1][rfc9110-7.8]") {
  const auto [asked, upgrade] = GENERATE(table<std::string, std::string>({{"h2c", ""},
                                                                          {"H2C, h2", ""},
                                                                          {"HTTP/2.0", ""},
                                                                          {"a b", ""},
                                                                          {"h2c, acme/2", "acme/2"},
                                                                          {"a b, x", "x"}}));
  INFO(asked);
  const std::string text = request("Host: a\r\nConnection: Upgrade\r\nUpgrade: " + asked + "\r\n");
  CHECK(parsed(text).upgrade == upgrade);
}

TEST_CASE("the forms of a target", "[http1][rfc9112-3.2]") {
  CHECK(parsed(request("Host: a\r\n", "OPTIONS * HTTP/1.1")).path == "*");
  const http::RequestHead absolute =
      parsed(request("Host: A.example:81\r\n", "GET http://a.example:81/x?y HTTP/1.1"));
  CHECK(absolute.authority == "a.example:81");
  CHECK(absolute.path == "/x?y");
  CHECK(parsed(request("Host: a\r\n", "GET HTTPS://a HTTP/1.1")).path == "/");
  CHECK(parsed(request("Host: a\r\n", "GET http://a:80/ HTTP/1.1")).authority == "a:80");
  CHECK(refused(request("Host: other\r\n", "GET http://a.example:81/x?y HTTP/1.1")) == 400);
  CHECK(refused(request("Host: a\r\n", "CONNECT b:80 HTTP/1.1")) == 400);
  CHECK(refused(request("Host: a\r\n", "INVALID CONNECTION PREFACE")) == 0);
  CHECK(refused(request("Host: a\r\n", "GET / FTP/1.1")) == 400);
  CHECK(parsed(request("Host: a:1\r\n", "CONNECT a:1 HTTP/1.1")).authority == "a:1");
  for (const char* target : {"x", "*", "/a b", "/a#b", "ftp://a/", "http:///x", "http://u@a/",
                             "/\x01", "/\x80", "http://a?x"}) {
    CAPTURE(target);
    CHECK(refused(request("Host: a\r\n", std::string("GET ") + target + " HTTP/1.1")) == 400);
  }
  CHECK(refused(request("Host: a\r\n", "GET /" + std::string(20000, 'x') + " HTTP/1.1")) == 414);
}

TEST_CASE("versions", "[http1][rfc9112-2.3]") {
  CHECK_FALSE(parsed(request("", "GET / HTTP/1.0")).keep_alive);
  CHECK(parsed(request("Connection: keep-alive\r\n", "GET / HTTP/1.0")).keep_alive);
  CHECK_FALSE(parsed(request("Host: a\r\nConnection: close\r\n")).keep_alive);
  CHECK(refused(request("Host: a\r\n", "GET / HTTP/2.0")) == 505);
  CHECK(refused(request("Host: a\r\n", "GET / HTTP/1.2")) == 505);
  CHECK(refused(request("Host: a\r\n", "GET / http/1.1")) == 400);
  CHECK(refused(request("Host: a\r\n", "GET /")) == 400);
}

TEST_CASE("what could be read in two ways is refused", "[http1][smuggling]") {
  const std::pair<const char*, int> fields[] = {
      {"", 400},                        // no Host
      {"Host: a\r\nHost: a\r\n", 400},  // two
      {"Host: a b\r\n", 400},
      {"Host: a/b\r\n", 400},
      {"Host: a:port\r\n", 400},
      {"Host: a:99999\r\n", 400},
      {"Host: [::1\r\n", 400},
      {"Host: a[b]\r\n", 400},
      {"Host: a@b\r\n", 400},
      {"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", 400},
      {"Host: a\r\nContent-Length: 1, 1\r\n", 400},
      {"Host: a\r\nContent-Length: +1\r\n", 400},
      {"Host: a\r\nContent-Length: 0x1\r\n", 400},
      {"Host: a\r\nContent-Length: -1\r\n", 400},
      {"Host: a\r\nContent-Length: \r\n", 400},
      {"Host: a\r\nContent-Length: 99999999999999999999\r\n", 400},
      {"Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Host: a\r\nTransfer-Encoding: chunked, identity\r\n", 400},
      {"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501},
      {"Host: a\r\nTransfer-Encoding: xchunked\r\n", 400},
      {"Host: a\r\nTransfer-Encoding : chunked\r\n", 400},
      {"Host: a\r\nX: 1\r\n folded\r\n", 400},
      {"Host: a\r\n: empty\r\n", 400},
      {"Host: a\r\nX\r\n", 400},
      {"Host: a\r\nX: a\rb\r\n", 400},
      {"Host: a\r\nX: a\nY: b\r\n", 400},
      {"Host: a\r\nExpect: a-miracle\r\n", 417},
      {"Host: a\r\nExpect: a-miracle\r\nExpect: 100-continue\r\n", 417},
      {"Host: a\r\nExpect: 100-continue\r\nExpect: a-miracle\r\n", 417},
  };
  for (const auto& [text, status] : fields) {
    CAPTURE(text);
    CHECK(refused(request(text)) == status);
  }
  CHECK(refused(request(std::string("Host: a\r\nX: a\0b\r\n", 17))) == 400);
  CHECK(refused(request("Host: a\r\nTransfer-Encoding: chunked\r\n", "POST / HTTP/1.0")) == 400);
  CHECK(refused("GET / HTTP/1.1\nHost: a\n\n") == 400);
  std::string many = "Host: a\r\n";
  for (int i = 0; i < 100; ++i) many += "x: 1\r\n";
  CHECK(refused(request(many)) == 431);
  std::string named = "Host: a\r\nConnection: close";
  for (int i = 0; i < 101; ++i) named += ",x";
  CHECK(refused(request(named + "\r\n")) == 431);
  for (const char* other : {"a:443", "a:81", "b", "a:80:80", ""}) {
    CAPTURE(other);
    CHECK(refused(request(std::string("Host: ") + other + "\r\n", "GET http://a:80/ HTTP/1.1")) ==
          400);
  }
}

TEST_CASE("how long a response's body is", "[http1][rfc9112-6.3]") {
  using Kind = http::BodyLength::Kind;
  auto response = [](const std::string& text, const char* method = "GET") {
    http::ResponseHead head;
    REQUIRE_FALSE(http1::parse_response_head(text, {}, method, head).has_value());
    return head;
  };
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").body ==
        http::BodyLength{Kind::kExact, 5});
  CHECK(response("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n").chunked);
  const http::ResponseHead until_close = response("HTTP/1.1 200 \r\n\r\n");
  CHECK(until_close.body.kind == Kind::kUnknown);
  CHECK_FALSE(until_close.keep_alive);
  CHECK(response("HTTP/1.1 204 No\r\n\r\n").body.kind == Kind::kNone);
  const http::ResponseHead to_head =
      response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD");
  CHECK(to_head.body.kind == Kind::kNone);
  CHECK(to_head.declared_length == 5);
  CHECK(response("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n").upgrade ==
        "websocket");
  http::ResponseHead head;
  for (const char* text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 600 X\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    CAPTURE(text);
    head = {};
    CHECK(http1::parse_response_head(text, {}, "GET", head).has_value());
  }
}
