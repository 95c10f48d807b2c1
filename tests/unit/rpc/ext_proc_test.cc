#include "proxy/rpc/ext_proc.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using rpc::HeaderMutation;
using rpc::ProcessingPart;
using rpc::ProcessingRequest;
using rpc::ProcessingResponse;
using rpc::ProtoReader;
using rpc::ProtoWriter;

namespace {

/// What stands in that field of a message, the last where there are several.
std::string_view part(std::string_view message, std::uint32_t field) {
  ProtoReader reader(message);
  std::string_view out;
  while (reader.next()) {
    if (reader.field() == field) out = reader.bytes();
  }
  return out;
}

std::uint64_t number(std::string_view message, std::uint32_t field) {
  ProtoReader reader(message);
  std::uint64_t out = 0;
  while (reader.next()) {
    if (reader.field() == field) out = reader.number();
  }
  return out;
}

ProtoWriter in(std::uint32_t field, const ProtoWriter& inner) {
  ProtoWriter out;
  out.message(field, inner);
  return out;
}

ProtoWriter text(std::uint32_t field, std::string_view value) {
  ProtoWriter out;
  out.bytes(field, value);
  return out;
}

ProtoWriter option(std::string_view name, std::string_view value, std::uint32_t value_field = 3) {
  ProtoWriter pair;
  pair.bytes(1, name);
  pair.bytes(value_field, value);
  return in(1, pair);
}

ProcessingResponse decoded(const ProtoWriter& message) {
  ProcessingResponse out;
  REQUIRE(rpc::decode(message.data(), out));
  return out;
}

/// The answer to headers whose mutation has this option.
HeaderMutation::Set set_of(const ProtoWriter& one) {
  const ProcessingResponse said = decoded(in(1, in(1, in(2, in(1, one)))));
  REQUIRE(said.headers.set.size() == 1);
  return said.headers.set[0];
}

}  // namespace

TEST_CASE("headers are told by their raw values, in lower case, pseudo headers first") {
  http::Fields fields;
  fields.append("X-Name", "\xe9t\xe9");
  ProcessingRequest request;
  request.part = ProcessingPart::kRequestHeaders;
  request.pseudo = {{":path", "/a"}};
  request.fields = &fields;
  request.end_of_stream = true;
  request.metadata["space"] = {{"key", "value"}};
  request.attributes["request.path"] = "/a";
  rpc::WireMode mode;
  mode.request_body = 2;
  mode.response_body = 4;
  request.first = &mode;
  const std::string bytes = rpc::encode(request);
  const std::string_view headers = part(bytes, 2);
  CHECK(number(headers, 3) == 1);
  ProtoReader map(part(headers, 1));
  REQUIRE(map.next());
  CHECK(part(map.bytes(), 1) == ":path");
  CHECK(part(map.bytes(), 3) == "/a");
  REQUIRE(map.next());
  CHECK(part(map.bytes(), 1) == "x-name");
  CHECK(part(map.bytes(), 2).empty());
  CHECK(part(map.bytes(), 3) == "\xe9t\xe9");
  CHECK(!map.next());
  CHECK(part(part(part(bytes, 8), 1), 1) == "space");
  CHECK(part(part(bytes, 9), 1) == "envoy.filters.http.ext_proc");
  CHECK(number(part(bytes, 11), 1) == 2);
  CHECK(number(part(bytes, 11), 2) == 4);
}

TEST_CASE("each part has its own field on the wire") {
  const std::pair<ProcessingPart, std::uint32_t> all[] = {
      {ProcessingPart::kRequestHeaders, 2},  {ProcessingPart::kResponseHeaders, 3},
      {ProcessingPart::kRequestBody, 4},     {ProcessingPart::kResponseBody, 5},
      {ProcessingPart::kRequestTrailers, 6}, {ProcessingPart::kResponseTrailers, 7}};
  for (const auto& [which, field] : all) {
    ProcessingRequest request;
    request.part = which;
    request.body = "b";
    const std::string bytes = rpc::encode(request);
    ProtoReader reader(bytes);
    REQUIRE(reader.next());
    CHECK(reader.field() == field);
    CHECK(!reader.next());
  }
  ProcessingRequest body;
  body.part = ProcessingPart::kResponseBody;
  body.body = "bytes";
  body.end_of_stream = true;
  CHECK(part(part(rpc::encode(body), 5), 1) == "bytes");
  CHECK(number(part(rpc::encode(body), 5), 2) == 1);
}

TEST_CASE("what is said of headers is understood") {
  using Action = HeaderMutation::Action;
  CHECK(set_of(option("a", "raw")).value == "raw");
  CHECK(set_of(option("a", "text", 2)).value == "text");
  CHECK(set_of(option("a", "")).value.empty());
  CHECK(set_of(option("a", "v")).action == Action::kOverwrite);
  ProtoWriter appended = option("a", "v");
  ProtoWriter yes;
  yes.number(1, 1);
  appended.message(2, yes);
  CHECK(set_of(appended).action == Action::kAppend);
  ProtoWriter not_appended = option("a", "v");
  not_appended.message(2, ProtoWriter());
  not_appended.number(3, 1);
  CHECK(set_of(not_appended).action == Action::kOverwrite);
  const std::pair<std::uint64_t, Action> actions[] = {{1, Action::kAddIfAbsent},
                                                      {2, Action::kOverwrite},
                                                      {3, Action::kOverwriteIfExists},
                                                      {77, Action::kOverwrite}};
  for (const auto& [value, action] : actions) {
    ProtoWriter one = option("a", "v");
    one.number(3, value);
    CHECK(set_of(one).action == action);
  }
  ProtoWriter both;
  both.bytes(1, "a");
  both.bytes(2, "one");
  both.bytes(3, "two");
  CHECK(decoded(in(1, in(1, in(2, in(1, in(1, both)))))).headers.ambiguous);
  const ProcessingResponse removed = decoded(in(2, in(1, in(2, text(2, "gone")))));
  CHECK(removed.part == ProcessingPart::kResponseHeaders);
  CHECK(removed.headers.remove == std::vector<std::string>{"gone"});
  CHECK(decoded(in(1, in(1, in(2, in(1, ProtoWriter()))))).headers.empty());
}

TEST_CASE("what is said of bodies and trailers is understood") {
  using Body = ProcessingResponse::Body;
  ProtoWriter replace;
  replace.number(1, 1);
  replace.message(3, text(1, "new"));
  replace.number(5, 1);
  const ProcessingResponse replaced = decoded(in(1, in(1, replace)));
  CHECK((replaced.replace && replaced.clear_route_cache));
  CHECK((replaced.body_change == Body::kReplaced && replaced.body == "new"));
  ProtoWriter clear;
  clear.number(2, 1);
  const ProcessingResponse cleared = decoded(in(4, in(1, in(3, clear))));
  CHECK(cleared.part == ProcessingPart::kResponseBody);
  CHECK((cleared.body_change == Body::kReplaced && cleared.body.empty()));
  ProtoWriter not_cleared;
  not_cleared.explicit_zero(2);
  CHECK(decoded(in(3, in(1, in(3, not_cleared)))).body_change == Body::kKept);
  ProtoWriter streamed = text(1, "piece");
  streamed.number(2, 1);
  const ProcessingResponse piece = decoded(in(3, in(1, in(3, in(3, streamed)))));
  CHECK(piece.part == ProcessingPart::kRequestBody);
  CHECK((piece.body_change == Body::kStreamed && piece.body == "piece" && piece.end_of_stream));
  const ProcessingResponse trailers = decoded(in(6, in(1, text(2, "x"))));
  CHECK(trailers.part == ProcessingPart::kResponseTrailers);
  CHECK(trailers.headers.remove.size() == 1);
}

TEST_CASE("an answer of the service's own, its mode and its time are understood") {
  ProtoWriter code;
  code.number(1, 403);
  ProtoWriter own = in(1, code);
  own.message(2, in(1, option("a", "b")));
  own.bytes(3, "no");
  ProtoWriter grpc;
  grpc.number(1, 7);
  own.message(4, grpc);
  own.bytes(5, "why");
  const ProcessingResponse said = decoded(in(7, own));
  CHECK((said.part == ProcessingPart::kImmediate && said.status == 403 && said.body == "no"));
  CHECK((said.grpc_status == 7 && said.details == "why" && said.headers.set.size() == 1));
  ProtoWriter mode;
  mode.number(2, 2);
  mode.number(3, 1);
  mode.number(6, 1'000'000);
  ProtoWriter with_mode = in(9, mode);
  with_mode.message(1, ProtoWriter());
  const ProcessingResponse overriding = decoded(with_mode);
  REQUIRE(overriding.mode_override);
  CHECK(overriding.part == ProcessingPart::kRequestHeaders);
  CHECK(overriding.mode_override->response_headers == 2);
  CHECK(overriding.mode_override->request_body == 1);
  CHECK(overriding.mode_override->response_trailers == 255);
  ProtoWriter time;
  time.number(1, 2);
  time.number(2, 5'000'000);
  CHECK(decoded(in(10, time)).message_timeout == std::chrono::milliseconds(2005));
  ProtoWriter negative;
  negative.number(1, static_cast<std::uint64_t>(-1));
  CHECK(decoded(in(10, negative)).message_timeout == std::chrono::milliseconds::max());
}

TEST_CASE("the last of what excludes each other holds, and the unknown is skipped") {
  ProtoWriter both = in(1, in(1, in(2, text(2, "a"))));
  both.message(4, ProtoWriter());
  both.bytes(900, "later versions");
  const ProcessingResponse said = decoded(both);
  CHECK(said.part == ProcessingPart::kResponseBody);
  CHECK(said.headers.empty());
  CHECK(decoded(ProtoWriter()).part == ProcessingPart::kNone);
}

TEST_CASE("a message of the service that is cut off or changed is malformed or harmless") {
  ProtoWriter code;
  code.number(1, 503);
  ProtoWriter own = in(1, code);
  own.message(2, in(1, option("name", "value")));
  ProtoWriter streamed = text(1, "piece");
  ProtoWriter whole = in(1, in(1, in(2, in(1, option("name", "value")))));
  whole.message(3, in(1, in(3, in(3, streamed))));
  whole.message(5, in(1, text(2, "x")));
  whole.message(7, own);
  whole.message(9, code);
  whole.message(10, code);
  const std::string bytes = whole.data();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ProcessingResponse out;
    rpc::decode(std::string_view(bytes).substr(0, size), out);
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::string changed = bytes;
      changed[size] = static_cast<char>(static_cast<unsigned char>(changed[size]) ^ flip);
      ProcessingResponse other;
      rpc::decode(changed, other);
    }
  }
  // A part that promises more bytes than there are, at every depth.
  for (const std::string& broken :
       {std::string("\x0a\x05"), std::string("\x0a\x02\x0a\x05"),
        std::string("\x0a\x04\x0a\x02\x12\x05"), std::string("\x0a\x06\x0a\x04\x12\x02\x0a\x05"),
        std::string("\x1a\x04\x0a\x02\x1a\x05"), std::string("\x2a\x02\x0a\x05"),
        std::string("\x3a\x02\x0a\x05"), std::string("\x3a\x02\x22\x05"),
        std::string("\x4a\x01\x08"), std::string("\x52\x01\x08")}) {
    ProcessingResponse out;
    CHECK(!rpc::decode(broken, out));
  }
}
