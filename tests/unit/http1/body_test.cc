#include <catch2/catch.hpp>
#include <string>

#include "proxy/http1/body_decoder.h"
#include "proxy/http1/serializer.h"

namespace http = tidegate::proxy::http;
namespace http1 = tidegate::proxy::http1;

namespace {

struct Decoded {
  std::string body;
  bool end = false;
  bool failed = false;
  std::size_t left = 0;  // bytes behind the end
  std::string trailers;
};

/// Feeds `bytes` in pieces of `piece`.
Decoded decode(const std::string& bytes, std::size_t piece,
               http::BodyLength length = {http::BodyLength::Kind::kUnknown, 0}) {
  http1::BodyDecoder decoder;
  decoder.start(length, length.kind == http::BodyLength::Kind::kUnknown);
  Decoded out;
  for (std::size_t at = 0; at < bytes.size() && !out.end;) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    auto step = decoder.decode({bytes.data() + at, size});
    if (!step) {
      out.failed = true;
      return out;
    }
    out.body.append(step->data.data(), step->data.size());
    out.end = step->end;
    REQUIRE((step->consumed > 0 || step->end));
    at += step->consumed;
    out.left = bytes.size() - at;
  }
  if (const http::Fields* fields = decoder.trailers()) {
    for (const http::Field& field : *fields)
      out.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  return out;
}

}  // namespace

TEST_CASE("chunks are taken apart, however they are cut", "[http1][rfc9112-7.1]") {
  const std::string bytes =
      "5\r\nhello\r\n1;name=\"v\"\r\n \r\n00A\r\n0123456789\r\n0\r\nX-A: 1\r\nContent-Length: "
      "5\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    const Decoded out = decode(bytes, piece);
    CHECK_FALSE(out.failed);
    CHECK(out.end);
    CHECK(out.body == "hello 0123456789");
    CHECK(out.left == 4);
    CHECK(out.trailers == "X-A=1;");
  }
}

TEST_CASE("the chunks that have come are given together", "[http1]") {
  const std::string bytes = "1\r\na\r\n2;x\r\nbc\r\n1\r\nd\r\nA\r\n0123456789\r\n0\r\n\r\nNEXT";
  for (std::size_t cut = 0; cut < bytes.size() - 4; ++cut) {
    CAPTURE(cut);
    http1::BodyDecoder decoder;
    decoder.start({http::BodyLength::Kind::kUnknown, 0}, true);
    std::string body, input = bytes.substr(0, cut);
    if (cut > 0) {
      auto step = decoder.decode_all(input);
      REQUIRE(step.has_value());
      CHECK(step->consumed == cut);
      CHECK_FALSE(step->end);
      body.append(step->data.data(), step->data.size());
    }
    input = bytes.substr(cut);
    auto step = decoder.decode_all(input);
    REQUIRE(step.has_value());
    CHECK(step->end);
    CHECK(input.substr(step->consumed) == "NEXT");
    body.append(step->data.data(), step->data.size());
    CHECK(body == "abcd0123456789");
  }
  http1::BodyDecoder broken;
  broken.start({http::BodyLength::Kind::kUnknown, 0}, true);
  std::string input = "1\r\na\r\nx\r\n";
  CHECK_FALSE(broken.decode_all(input).has_value());
  http1::BodyDecoder exact;
  exact.start({http::BodyLength::Kind::kExact, 3}, false);
  input = "abcNEXT";
  auto step = exact.decode_all(input);
  REQUIRE(step.has_value());
  CHECK((step->end && step->consumed == 3 && step->data.size() == 3));
}

TEST_CASE("broken chunks are refused", "[http1][smuggling]") {
  for (const char* bytes :
       {"x\r\n", "5 \r\nhello\r\n", "5\nhello", "5\r\nhelloX", "5\r\nhello\n0\r\n", "\r\n",
        "-1\r\n", "0x5\r\nhello", "11111111111111111\r\n", "0\r\nbad field\r\n\r\n",
        "0\r\n x: 1\r\n\r\n", "5;a\nb\r\nhello\r\n"}) {
    CAPTURE(bytes);
    CHECK(decode(bytes, 1).failed);
    CHECK(decode(bytes, 1000).failed);
  }
  CHECK(decode("0\r\n" + std::string(9000, 'x') + ": 1\r\n\r\n", 1000).failed);
}

TEST_CASE("an exact length ends where it says", "[http1]") {
  const Decoded out = decode("hellorest", 2, {http::BodyLength::Kind::kExact, 5});
  CHECK(out.body == "hello");
  CHECK(out.end);
  CHECK(out.left == 4);
  http1::BodyDecoder until_close;
  until_close.start({http::BodyLength::Kind::kUnknown, 0}, false);
  CHECK_FALSE(until_close.decode({"abc", 3})->end);
  CHECK(until_close.finish());
  http1::BodyDecoder cut;
  cut.start({http::BodyLength::Kind::kExact, 5}, false);
  CHECK_FALSE(cut.decode({"abc", 3})->end);
  CHECK_FALSE(cut.finish());
}

TEST_CASE("heads are written for the next hop", "[http1]") {
  http::RequestHead request;
  request.method = "POST";
  request.path = "/a";
  request.authority = "h";
  request.body.kind = http::BodyLength::Kind::kUnknown;
  request.te_trailers = true;
  request.fields.append("x", "1");
  std::string out;
  http1::write_request_head(request, out);
  CHECK(out ==
        "POST /a HTTP/1.1\r\nHost: h\r\nx: 1\r\nTransfer-Encoding: chunked\r\nTE: "
        "trailers\r\nConnection: TE\r\n\r\n");

  http::ResponseHead response;
  response.status = 200;
  response.body.kind = http::BodyLength::Kind::kUnknown;
  out.clear();
  http1::write_response_head(response, http::Version::kHttp11, false, false, "D", out);
  CHECK(out == "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n");
  out.clear();
  http1::write_response_head(response, http::Version::kHttp10, true, false, "D", out);
  CHECK(out == "HTTP/1.1 200 OK\r\nDate: D\r\nConnection: close\r\n\r\n");
  response.status = 304;
  response.body = {};
  response.declared_length = 7;
  out.clear();
  http1::write_response_head(response, http::Version::kHttp11, false, false, "D", out);
  CHECK(out == "HTTP/1.1 304 Not Modified\r\nDate: D\r\nContent-Length: 7\r\n\r\n");
  char size[20];
  CHECK(std::string(size, http1::write_chunk_size(size, 255)) == "ff\r\n");
}
