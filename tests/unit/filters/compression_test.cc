#include "proxy/coding/coder.h"
#include "tests/unit/filters/call_fixture.h"

using namespace tidegate;
using namespace tidegate::test;
using filters::Verdict;

namespace {

const std::string kText(5000, 'x');

std::string coded(coding::Coding coding, std::string_view from) {
  std::string out;
  REQUIRE(coding::encoder(coding)->put(from, coding::Flush::kFinish, out));
  return out;
}
std::string decoded(coding::Coding coding, std::string_view from) {
  std::string out;
  REQUIRE(coding::decoder(coding)->put(from, coding::Flush::kFinish, out));
  return out;
}

http::ResponseHead html(std::size_t size = kText.size()) {
  http::ResponseHead head;
  head.status = 200;
  head.body = {http::BodyLength::Kind::kExact, size};
  head.fields.append("content-type", "text/html; charset=utf-8");
  return head;
}

const Compression kAll{{ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd}};

/// The answer's Content-Encoding, "-" where there is none.
std::string encoding(http::ResponseHead& head, std::string_view accept, bool is_head = false) {
  CallFixture one;
  one.request.asked_head = is_head;
  if (!accept.empty()) one.request.fields.append("accept-encoding", accept);
  PieceBody body({{kText, true}});
  one.call().set_response_body(body);
  CHECK(one.make(kAll)->response(one.call(), head) == Verdict::kContinue);
  std::string_view found = head.fields.get("content-encoding");
  return found.empty() ? "-" : std::string(found);
}

}  // namespace

TEST_CASE("an answer is compressed as the client likes it best", "[compression]") {
  for (coding::Coding one :
       {coding::Coding::kGzip, coding::Coding::kBrotli, coding::Coding::kZstd}) {
    CallFixture fixture;
    fixture.request.fields.append("accept-encoding", coding::name(one));
    PieceBody body({{kText.substr(0, 2000), true}, {kText.substr(2000), false}});
    fixture.call().set_response_body(body);
    http::ResponseHead head = html();
    fixture.make(kAll)->response(fixture.call(), head);
    CHECK(head.fields.get("content-encoding") == coding::name(one));
    CHECK(head.fields.get("vary") == "Accept-Encoding");
    CHECK(head.body.kind == http::BodyLength::Kind::kUnknown);
    CHECK(decoded(one, fixture.all(fixture.call().response_body())) == kText);
  }
}

TEST_CASE("what a client sees at once is not held back", "[compression]") {
  CallFixture fixture;
  fixture.request.fields.append("accept-encoding", "gzip");
  PieceBody body({{"first", true}, {"second", false}, {"third", false}});
  fixture.call().set_response_body(body);
  http::ResponseHead head = html();
  head.body = {http::BodyLength::Kind::kUnknown, 0};
  fixture.make(kAll)->response(fixture.call(), head);
  auto decoder = coding::decoder(coding::Coding::kGzip);
  std::string seen;
  Result<http::Chunk> chunk = fixture.call().response_body().poll();
  REQUIRE(chunk.has_value());
  REQUIRE(decoder->put(chunk->bytes, coding::Flush::kNone, seen));
  CHECK(seen == "first");
  chunk = fixture.wait(fixture.call().response_body().read());
  REQUIRE(chunk.has_value());
  REQUIRE(decoder->put(chunk->bytes, coding::Flush::kNone, seen));
  CHECK(seen == "firstsecond");
}

TEST_CASE("what must not be compressed is not", "[compression][rfc9110]") {
  auto with = [](std::string_view name, std::string_view value) {
    http::ResponseHead head = html();
    head.fields.append(name, value);
    return encoding(head, "gzip");
  };
  CHECK(with("cache-control", "private, no-transform") == "-");
  CHECK(with("content-range", "bytes 0-1/2") == "-");
  CHECK(with("content-encoding", "br") == "br");
  for (int status : {204, 206, 304}) {
    http::ResponseHead head = html();
    head.status = status;
    CHECK(encoding(head, "gzip") == "-");
    CHECK(!head.fields.has("vary"));
  }
  http::ResponseHead small = html(29);
  CHECK(encoding(small, "gzip") == "-");
  http::ResponseHead image = html();
  image.fields.set("content-type", "image/png");
  CHECK(encoding(image, "gzip") == "-");
  CHECK(!image.fields.has("vary"));
}

TEST_CASE("who cannot have it compressed learns that others can", "[compression][rfc9110-12.5.5]") {
  for (std::string_view accept : {"", "deflate", "gzip;q=0", "identity"}) {
    http::ResponseHead head = html();
    CHECK(encoding(head, accept) == "-");
    CHECK(head.fields.get("vary") == "Accept-Encoding");
    CHECK(head.body.bytes == kText.size());
  }
  http::ResponseHead head = html();
  CHECK(encoding(head, "gzip", true) == "-");
  CHECK(head.fields.has("vary"));
  http::ResponseHead varied = html();
  varied.fields.append("vary", "Origin, accept-encoding");
  CHECK(encoding(varied, "gzip") == "gzip");
  CHECK(varied.fields.size() == 3);
}

TEST_CASE("a strong validator becomes a weak one, and ranges are not offered",
          "[compression][rfc9110-8.8.3.3]") {
  http::ResponseHead head = html();
  CallFixture one;
  one.request.fields.append("accept-encoding", "gzip");
  PieceBody body({{kText, true}});
  one.call().set_response_body(body);
  head.fields.append("etag", "\"abc\"");
  head.fields.append("accept-ranges", "bytes");
  one.make(kAll)->response(one.call(), head);
  CHECK(head.fields.get("etag") == "W/\"abc\"");
  CHECK(!head.fields.has("accept-ranges"));
}

TEST_CASE("a request's body is decompressed for the backend", "[decompression]") {
  const Decompression gzip{{ContentCoding::kGzip}};
  const std::string packed = coded(coding::Coding::kGzip, "Hello, world!");
  CallFixture one({{packed.substr(0, 9), true}, {packed.substr(9), false}});
  one.request.fields.append("Content-Encoding", "x-gzip");
  CHECK(one.ask(*one.make(gzip)) == Verdict::kContinue);
  CHECK(!one.request.fields.has("content-encoding"));
  CHECK(one.request.body.kind == http::BodyLength::Kind::kUnknown);
  CHECK(one.all(one.call().request_body()) == "Hello, world!");
}

TEST_CASE("only codings that are ours come off, the last one first", "[decompression]") {
  const Decompression ours{{ContentCoding::kGzip, ContentCoding::kZstd}};
  const std::string twice = coded(coding::Coding::kZstd, coded(coding::Coding::kGzip, "twice"));
  CallFixture one({{twice, true}});
  one.request.fields.append("content-encoding", "gzip, zstd");
  one.ask(*one.make(ours));
  CHECK(one.all(one.call().request_body()) == "twice");

  CallFixture foreign({{coded(coding::Coding::kGzip, "brotli inside"), true}});
  foreign.request.fields.append("content-encoding", "br, gzip");
  foreign.ask(*foreign.make(ours));
  CHECK(foreign.request.fields.get("content-encoding") == "br");
  CHECK(foreign.all(foreign.call().request_body()) == "brotli inside");

  CallFixture other({{"as it is", true}});
  other.request.fields.append("content-encoding", "br");
  other.ask(*other.make(ours));
  CHECK(other.request.fields.get("content-encoding") == "br");
  CHECK(other.all(other.call().request_body()) == "as it is");
  CHECK(other.request.body.kind == http::BodyLength::Kind::kExact);
}

TEST_CASE("stacked codings do not multiply what a body may become", "[decompression]") {
  const Decompression gzip{{ContentCoding::kGzip}};
  std::string log;
  for (int i = 0; i < 20'000; ++i)
    log += "line " + std::to_string(i) + " of a log that says little\n";
  const std::string packed = coded(coding::Coding::kGzip, log);
  CallFixture alone({{packed, true}});
  alone.request.fields.append("content-encoding", "gzip");
  alone.ask(*alone.make(gzip));
  CHECK(alone.all(alone.call().request_body()) == log);
  CallFixture around({{packed, true}});
  around.request.fields.append("content-encoding", "br, gzip");
  around.ask(*around.make(gzip));
  CHECK(around.call().request_body().poll().has_error());
}

TEST_CASE("a bomb and a body cut short break off", "[decompression]") {
  const Decompression gzip{{ContentCoding::kGzip}};
  CallFixture bomb({{coded(coding::Coding::kGzip, std::string(50'000'000, 'x')), true}});
  bomb.request.fields.append("content-encoding", "gzip");
  bomb.ask(*bomb.make(gzip));
  CHECK(bomb.call().request_body().poll().has_error());
  const std::string packed = coded(coding::Coding::kGzip, kText);
  CallFixture cut({{packed.substr(0, packed.size() - 3), true}});
  cut.request.fields.append("content-encoding", "gzip");
  cut.ask(*cut.make(gzip));
  CHECK(cut.call().request_body().poll().has_error());
}
