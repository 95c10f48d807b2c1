#include "proxy/rpc/ext_authz.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using rpc::ProtoReader;
using rpc::ProtoWriter;

namespace {

/// The first field of that number in a message.
std::string_view part(std::string_view message, std::uint32_t field) {
  ProtoReader reader(message);
  while (reader.next()) {
    if (reader.field() == field) return reader.bytes();
  }
  return {};
}

ProtoWriter header(std::string_view name, std::string_view value) {
  ProtoWriter pair;
  pair.bytes(1, name);
  pair.bytes(2, value);
  ProtoWriter option;
  option.message(1, pair);
  return option;
}

}  // namespace

TEST_CASE("the wire format") {
  ProtoWriter writer;
  writer.number(1, 150);  // the specification's own example: 08 96 01
  CHECK(writer.data() == std::string("\x08\x96\x01"));
  writer.bytes(2, "testing");
  CHECK(writer.data() == std::string("\x08\x96\x01\x12\x07testing"));
  writer.number(3, 0);
  writer.bytes(4, "");
  CHECK(writer.data().size() == 12);
  ProtoReader reader(writer.data());
  REQUIRE(reader.next());
  CHECK((reader.field() == 1 && reader.number() == 150));
  REQUIRE(reader.next());
  CHECK((reader.field() == 2 && reader.bytes() == "testing"));
  CHECK(!reader.next());
  CHECK(!reader.malformed());
}

TEST_CASE("a message that is cut off or malformed is noticed") {
  for (const std::string& bytes :
       {std::string("\x08"), std::string("\x08\x96"), std::string("\x12\x07test"),
        std::string("\x0d\x01\x02", 3), std::string("\x0b"), std::string("\x00\x01", 2),
        std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), std::string(11, '\x80')}) {
    ProtoReader reader(bytes);
    while (reader.next()) {
    }
    CHECK(reader.malformed());
  }
}

TEST_CASE("a request is described as Envoy's service expects it") {
  http::RequestHead head;
  head.method = "POST";
  head.scheme = "https";
  head.authority = "example.com";
  head.path = "/a?b=c";
  head.version = http::Version::kHttp2;
  head.body = {http::BodyLength::Kind::kExact, 7};
  rpc::CheckRequest request;
  request.request = &head;
  request.client_ip = "192.0.2.1";
  request.client_port = 4711;
  request.local_ip = "192.0.2.2";
  request.local_port = 443;
  request.sni = "example.com";
  request.fields = {{"x-a", "1"}};
  request.body = "testing";
  const std::string message = rpc::encode(request);
  const std::string_view attributes = part(message, 1);
  CHECK(part(part(part(part(attributes, 1), 1), 1), 2) == "192.0.2.1");
  CHECK(part(part(part(part(attributes, 2), 1), 1), 2) == "192.0.2.2");
  CHECK(part(part(attributes, 12), 1) == "example.com");
  const std::string_view http = part(part(attributes, 4), 2);
  CHECK(part(http, 2) == "POST");
  CHECK(part(http, 4) == "/a?b=c");
  CHECK(part(http, 5) == "example.com");
  CHECK(part(http, 6) == "https");
  CHECK(part(http, 10) == "HTTP/2");
  CHECK(part(http, 11) == "testing");
  std::vector<std::pair<std::string, std::string>> fields;
  ProtoReader reader(http);
  while (reader.next()) {
    if (reader.field() == 3) fields.emplace_back(part(reader.bytes(), 1), part(reader.bytes(), 2));
    if (reader.field() == 9) CHECK(reader.number() == 7);
  }
  CHECK(fields == std::vector<std::pair<std::string, std::string>>{{":method", "POST"},
                                                                   {":path", "/a?b=c"},
                                                                   {":authority", "example.com"},
                                                                   {":scheme", "https"},
                                                                   {"x-a", "1"}});
}

TEST_CASE("answers that allow, deny, and neither") {
  rpc::CheckResponse allowed;
  ProtoWriter ok;
  ok.message(2, header("x-user", "jane"));
  ok.bytes(5, "x-secret");
  ProtoWriter message;
  message.message(1, ProtoWriter());
  message.message(3, ok);
  REQUIRE(rpc::decode(message.data(), allowed));
  CHECK(allowed.allowed);
  CHECK(allowed.set == std::vector<std::pair<std::string, std::string>>{{"x-user", "jane"}});
  CHECK(allowed.remove == std::vector<std::string>{"x-secret"});

  rpc::CheckResponse denied;
  ProtoWriter code;
  code.number(1, 7);
  ProtoWriter status;
  status.number(1, 401);
  ProtoWriter answer;
  answer.message(1, status);
  answer.message(2, header("www-authenticate", "Basic"));
  answer.bytes(3, "who are you?");
  message = ProtoWriter();
  message.message(1, code);
  message.message(2, answer);
  REQUIRE(rpc::decode(message.data(), denied));
  CHECK(!denied.allowed);
  CHECK(denied.status == 401);
  CHECK(denied.body == "who are you?");
  CHECK(denied.set.front().first == "www-authenticate");

  rpc::CheckResponse cut;
  CHECK(!rpc::decode(std::string_view(message.data()).substr(0, message.data().size() - 1), cut));
  CHECK(!cut.allowed);
  rpc::CheckResponse odd;
  status = ProtoWriter();
  status.number(1, 99999);
  answer = ProtoWriter();
  answer.message(1, status);
  message = ProtoWriter();
  message.message(1, code);
  message.message(2, answer);
  REQUIRE(rpc::decode(message.data(), odd));
  CHECK(odd.status == 403);
}
