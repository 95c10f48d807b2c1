#include <catch2/catch.hpp>

#include "one_call.h"
#include "proxy/filters/bodies.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace tidegate::proxy::filters;
using ParseAs = MessageTransformation::ParseAs;

namespace {

/// A request with a body, through the filter, and an answer with one back.
struct Passage : OneCall {
  FilterPtr filter;
  KeptBody request_body{""};
  KeptBody response_body{""};
  http::ResponseHead answer;
  Call with_body{loop, clusters, stats, facts, head, request_body};

  explicit Passage(const Transformation& config, std::string_view method = "GET",
                   std::string_view path = "/get")
      : OneCall(method, path), filter(made(config)) {
    answer.status = 200;
    with_body.set_response_body(response_body);
  }
  Passage& field(std::string_view name, std::string_view value) {
    with(name, value);
    return *this;
  }
  Passage& carrying(std::string_view bytes, bool length_known = true) {
    request_body.bytes() = bytes;
    head.body = {length_known ? http::BodyLength::Kind::kExact : http::BodyLength::Kind::kUnknown,
                 length_known ? bytes.size() : 0};
    return *this;
  }
  Passage& answering(std::string_view bytes, bool length_known = true) {
    response_body.bytes() = bytes;
    answer.body = {length_known ? http::BodyLength::Kind::kExact : http::BodyLength::Kind::kUnknown,
                   length_known ? bytes.size() : 0};
    return *this;
  }
  Verdict run(Task<Verdict> task) {
    Verdict out = Verdict::kWait;
    spawn(loop.io, std::move(task), [&out](std::exception_ptr, Verdict verdict) { out = verdict; });
    while (loop.turn(std::chrono::milliseconds(0)) > 0) continue;
    return out;
  }
  Verdict there() {
    const Verdict verdict = filter->request(with_body);
    return verdict == Verdict::kWait ? run(filter->request_waiting(with_body)) : verdict;
  }
  Verdict back() {
    const Verdict verdict = filter->response(with_body, answer);
    return verdict == Verdict::kWait ? run(filter->response_waiting(with_body, answer)) : verdict;
  }
  std::string sent() { return text(with_body.request_body()); }
  std::string received() { return text(with_body.response_body()); }
  static std::string text(http::BodySource& body) {
    auto chunk = body.poll();
    return std::string(chunk->bytes.data(), chunk->bytes.size());
  }
};

Transformation request_of(MessageTransformation changes) {
  Transformation out;
  out.request = std::move(changes);
  return out;
}

Transformation response_of(MessageTransformation changes) {
  Transformation out;
  out.response = std::move(changes);
  return out;
}

}  // namespace

TEST_CASE("fields are set, added and removed; what comes out empty goes") {
  MessageTransformation changes;
  changes.set = {{"x-a", "{{ header('x-b') }}-{{ request_header('X-C') }}"},
                 {"x-empty", "{{ header('none') }}"},
                 {"x-static", "  summer \n"},
                 {"x-lines", "a\r\nx-y: b"},
                 {"x-bad", "{{ header('x-b') }}\n{{ 'b' }}"},
                 {"x-failed", "{{ 1 // 0 }}"},
                 {"content-length", "7"}};
  changes.add = {{"x-b", "more"}, {"x-none", ""}};
  changes.remove = {"x-secret"};
  Passage p(request_of(changes));
  p.field("X-B", "1").field("x-b", "2").field("x-c", "3").field("x-empty", "there");
  p.field("x-secret", "s").field("x-bad", "b").field("x-failed", "f");
  CHECK(p.there() == Verdict::kContinue);
  CHECK(p.head.fields.get("x-a") == "1,2-3");
  CHECK(p.head.fields.get("x-static") == "summer");
  for (const char* gone :
       {"x-empty", "x-secret", "x-none", "x-bad", "x-failed", "x-lines", "content-length"}) {
    INFO(gone);
    CHECK_FALSE(p.head.fields.has(gone));
  }
  CHECK(p.head.fields.size() == 6);
  CHECK(p.back() == Verdict::kContinue);
}

TEST_CASE("pseudo headers change the request line, and templates see it as it was") {
  MessageTransformation changes;
  changes.set = {
      {":path",
       "{% if request_header('foo') == 'bar' %}/post{% else %}{{ header(':path') }}{% endif %}"},
      {":method",
       "{% if request_header('foo') == 'bar' %}POST{% else %}{{ request_header(':method') }}{% "
       "endif %}"},
      {":authority", "{{ request_header(':path')|replace('/', '') }}.example.com"},
      {"x-was", "https://{{ request_header(':authority') }}{{ request_header(':path') }}"}};
  Passage p(request_of(changes));
  p.field("foo", "bar");
  CHECK(p.there() == Verdict::kContinue);
  CHECK(p.head.path == "/post");
  CHECK(p.head.method == "POST");
  CHECK(p.head.authority == "get.example.com");
  CHECK(p.head.fields.get("x-was") == "https://www.example.com/get");
  Passage other(request_of(changes));
  CHECK(other.there() == Verdict::kContinue);
  CHECK(other.head.path == "/get");
  CHECK(other.head.method == "GET");
}

TEST_CASE("what cannot be a request line is not taken") {
  MessageTransformation changes;
  changes.set = {
      {":path", "no slash"}, {":method", "A B"}, {":authority", "a b"}, {":scheme", "x"}};
  changes.remove = {":path"};
  Passage p(request_of(changes));
  CHECK(p.there() == Verdict::kContinue);
  CHECK((p.head.path == "/get" && p.head.method == "GET" && p.head.authority == "www.example.com"));
  changes.set = {{":method", "CONNECT"}};
  Passage tunnel(request_of(changes));
  CHECK(tunnel.there() == Verdict::kContinue);
  CHECK(tunnel.head.method == "GET");
}

TEST_CASE("the status, and what the request was before it was changed") {
  Transformation both;
  both.request.emplace().set = {{":path", "/other"}};
  both.response.emplace().set = {
      {":status", "{% if header('foo') == 'bar' %}401{% else %}403{% endif %}"},
      {"x-path", "{{ request_header(':path') }} {{ header(':status') }}"}};
  Passage p(both);
  CHECK(p.there() == Verdict::kContinue);
  p.answer.fields.append("Foo", "bar");
  CHECK(p.back() == Verdict::kContinue);
  CHECK(p.answer.status == 401);
  CHECK(p.answer.fields.get("x-path") == "/get 200");
  for (const char* wrong : {"99", "600", "abc", "200x", "101"}) {
    MessageTransformation changes;
    changes.set = {{":status", wrong}};
    Passage other(response_of(changes));
    CHECK(other.back() == Verdict::kContinue);
    CHECK(other.answer.status == 200);
  }
}

TEST_CASE("a status without a body takes the body away") {
  MessageTransformation changes;
  changes.set = {{":status", "204"}};
  Passage p(response_of(changes));
  p.answering("text");
  CHECK(p.back() == Verdict::kContinue);
  CHECK(p.answer.status == 204);
  CHECK(p.answer.body.none());
  CHECK(p.received().empty());
}

TEST_CASE("headers alone never wait for a body") {
  MessageTransformation changes;
  changes.set = {{"x-a", "{{ header('content-length') }}"}};
  for (ParseAs parse_as : {ParseAs::kNone, ParseAs::kString, ParseAs::kJson}) {
    changes.parse_as = parse_as;
    Passage p(request_of(changes), "POST");
    p.carrying("hello");
    CHECK(p.filter->request(p.with_body) == Verdict::kContinue);
    CHECK(p.head.fields.get("x-a") == "5");
    CHECK(p.sent() == "hello");
  }
  changes.set = {{"x-a", "{{ body() }}"}};  // parse_as kNone: nothing is read
  changes.parse_as = ParseAs::kNone;
  changes.body = "ignored";
  Passage p(request_of(changes), "POST");
  p.carrying("hello");
  CHECK(p.filter->request(p.with_body) == Verdict::kContinue);
  CHECK_FALSE(p.head.fields.has("x-a"));
  CHECK(p.sent() == "hello");
}

TEST_CASE("a body is rewritten in both directions, its length known before or not") {
  for (bool known : {true, false}) {
    Transformation both;
    both.request.emplace().parse_as = ParseAs::kJson;
    both.request->body = R"({"name": "{{ user.name|upper }}", "raw": {{ body()|length }}})";
    both.request->set = {{"x-model", "{{ model }}"}};
    both.response.emplace().parse_as = ParseAs::kString;
    both.response->body = "<{{ body() }}>";
    Passage p(both, "POST");
    p.field("content-type", "application/json");
    p.carrying(R"({"user": {"name": "ann"}, "model": "m-4"})", known).answering("text", known);
    CHECK(p.there() == Verdict::kContinue);
    CHECK(p.sent() == R"({"name": "ANN", "raw": 41})");
    CHECK(p.head.body == http::BodyLength{http::BodyLength::Kind::kExact, 26});
    CHECK(p.head.fields.get("x-model") == "m-4");
    CHECK(p.head.fields.get("content-type") == "application/json");
    CHECK(p.back() == Verdict::kContinue);
    CHECK(p.received() == "<text>");
    CHECK(p.answer.body == http::BodyLength{http::BodyLength::Kind::kExact, 6});
  }
}

TEST_CASE("a message without a body may get one, an upgrade and an answer to HEAD may not") {
  MessageTransformation changes;
  changes.parse_as = ParseAs::kString;
  changes.body = "new";
  Passage p(request_of(changes));
  CHECK(p.there() == Verdict::kContinue);
  CHECK(p.sent() == "new");
  Passage upgrade(request_of(changes));
  upgrade.head.upgrade = "websocket";
  CHECK(upgrade.there() == Verdict::kContinue);
  CHECK(upgrade.sent().empty());
  Passage head(response_of(changes), "HEAD");
  head.head.asked_head = true;
  head.answer.declared_length = 9;
  CHECK(head.back() == Verdict::kContinue);
  CHECK(head.answer.body.none());
  CHECK(head.answer.declared_length == -1);
  for (int status : {204, 304}) {
    Passage none(response_of(changes));
    none.answer.status = status;
    CHECK(none.back() == Verdict::kContinue);
    CHECK(none.answer.body.none());
  }
}

TEST_CASE("a body that comes out empty, or fails, is empty and has no type") {
  for (const char* body : {"{{ '' }}", "{{ 1 // 0 }}", "{{ field.of.none }}"}) {
    MessageTransformation changes;
    changes.parse_as = ParseAs::kString;
    changes.body = body;
    Passage p(response_of(changes));
    p.answer.fields.append("content-type", "text/plain");
    p.answering("secret");
    CHECK(p.back() == Verdict::kContinue);
    CHECK(p.received().empty());
    CHECK(p.answer.body == http::BodyLength{http::BodyLength::Kind::kExact, 0});
    CHECK_FALSE(p.answer.fields.has("content-type"));
  }
}

TEST_CASE("a body over the limit: 413 there, 500 back") {
  MessageTransformation changes;
  changes.parse_as = ParseAs::kString;
  changes.body = "{{ body() }}";
  for (bool known : {true, false}) {
    Transformation there = request_of(changes);
    there.body_bytes_max = 4;
    Passage fits(there, "POST");
    CHECK(fits.carrying("1234", known).there() == Verdict::kContinue);
    Passage too_large(there, "POST");
    CHECK(too_large.carrying("12345", known).there() == Verdict::kReply);
    CHECK(too_large.with_body.reply.status == 413);
    Transformation back = response_of(changes);
    back.body_bytes_max = 4;
    Passage answer(back);
    CHECK(answer.answering("12345", known).back() == Verdict::kReply);
    CHECK(answer.with_body.reply.status == 500);
  }
}

TEST_CASE("what is no JSON goes on as it is") {
  MessageTransformation changes;
  changes.parse_as = ParseAs::kJson;
  changes.set = {{"x-a", "{{ a }}"}};
  changes.body = "new";
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "[";
  for (const std::string& body :
       {std::string("{"), std::string("{} x"), std::string("\xff"), deep}) {
    Passage p(request_of(changes), "POST");
    CHECK(p.carrying(body).there() == Verdict::kContinue);
    CHECK_FALSE(p.head.fields.has("x-a"));
    CHECK(p.sent() == body);
  }
}

TEST_CASE("a header that wants a field of a body that is not parsed is answered with 400") {
  for (ParseAs parse_as : {ParseAs::kNone, ParseAs::kString, ParseAs::kJson}) {
    MessageTransformation changes;
    changes.parse_as = parse_as;
    changes.set = {{"x-a", "{{ a.b }}"}};
    Passage p(request_of(changes));
    CHECK(p.there() == Verdict::kReply);
    CHECK(p.with_body.reply.status == 400);
    Passage back(response_of(changes));
    CHECK(back.back() == Verdict::kReply);
    CHECK(back.with_body.reply.status == 400);
  }
}

TEST_CASE("dynamic metadata") {
  MessageTransformation changes;
  changes.metadata = {{"my.team", "user_id", "{{ header('x-user') }}"}, {"my.team", "none", ""}};
  Passage p(request_of(changes));
  p.field("x-user", "ann");
  CHECK(p.there() == Verdict::kContinue);
  CHECK(p.with_body.metadata("my.team") == boost::json::object{{"user_id", "ann"}});
}

TEST_CASE("a template that does not compile lets nothing pass") {
  MessageTransformation changes;
  changes.set = {{"x-a", "{{ "}};
  Passage p(request_of(changes));
  CHECK(p.there() == Verdict::kReply);
  CHECK(p.with_body.reply.status == 500);
  CHECK(made(Transformation{}) == nullptr);
}
