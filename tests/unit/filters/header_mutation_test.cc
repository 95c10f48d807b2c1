#include "proxy/filters/header_mutation.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using filters::mutate;
using filters::MutationTarget;
using rpc::HeaderMutation;
using Action = HeaderMutation::Action;

namespace {

struct Message {
  Arena arena;
  http::RequestHead request;
  http::ResponseHead response;
  Counter rejected;

  Message() {
    request.method = "GET";
    request.scheme = "http";
    request.authority = "www.example.com";
    request.path = "/";
    response.status = 200;
  }
  std::string_view to_request(const HeaderMutation& mutation, bool replacing = false) {
    const MutationTarget target{&request.fields, &request, nullptr, replacing};
    return mutate(mutation, target, arena, rejected);
  }
  std::string_view to_response(const HeaderMutation& mutation) {
    const MutationTarget target{&response.fields, nullptr, &response, false};
    return mutate(mutation, target, arena, rejected);
  }
};

HeaderMutation set(std::string name, std::string value, Action action = Action::kOverwrite) {
  HeaderMutation out;
  out.set.push_back({std::move(name), std::move(value), action});
  return out;
}

HeaderMutation without(std::string name) {
  HeaderMutation out;
  out.remove.push_back(std::move(name));
  return out;
}

std::vector<std::string> values(const http::Fields& fields, std::string_view name) {
  std::vector<std::string> out;
  for (const http::Field& field : fields) {
    if (http::iequals(field.name, name)) out.emplace_back(field.value);
  }
  return out;
}

}  // namespace

TEST_CASE("a service sets, adds and removes fields") {
  Message message;
  message.request.fields.append("X-A", "1");
  CHECK(message.to_request(set("x-a", "2", Action::kAppend)).empty());
  CHECK(values(message.request.fields, "x-a") == std::vector<std::string>{"1", "2"});
  CHECK(message.to_request(set("X-A", " 3\t")).empty());
  CHECK(values(message.request.fields, "x-a") == std::vector<std::string>{"3"});
  CHECK(message.to_request(set("x-a", "4", Action::kAddIfAbsent)).empty());
  CHECK(message.to_request(set("x-b", "1", Action::kAddIfAbsent)).empty());
  CHECK(message.to_request(set("x-c", "1", Action::kOverwriteIfExists)).empty());
  CHECK(message.to_request(set("x-b", "2", Action::kOverwriteIfExists)).empty());
  CHECK(values(message.request.fields, "x-a") == std::vector<std::string>{"3"});
  CHECK(values(message.request.fields, "x-b") == std::vector<std::string>{"2"});
  CHECK(!message.request.fields.has("x-c"));
  CHECK(message.to_request(without("X-A")).empty());
  CHECK(!message.request.fields.has("x-a"));
  CHECK(message.rejected.get() == 0);
}

TEST_CASE("what routes and frames a message is not the service's") {
  Message message;
  message.request.fields.append("x-envoy-original-path", "/");
  for (const char* name :
       {"host", "Host", ":authority", ":scheme", ":method", ":unknown", ":status",
        "x-envoy-retry-on", "X-Envoy-Foo", "content-length", "Transfer-Encoding", "connection",
        "upgrade", "te", "trailer", "keep-alive"}) {
    const std::uint64_t before = message.rejected.get();
    CHECK(message.to_request(set(name, "4")).empty());
    CHECK(message.to_request(without(name)).empty());
    CHECK(message.rejected.get() == before + 2);
  }
  CHECK(message.to_request(without(":path")).empty());
  CHECK(message.request.fields.size() == 1);
  CHECK((message.request.method == "GET" && message.request.authority == "www.example.com" &&
         message.request.path == "/" && message.request.scheme == "http"));
}

TEST_CASE("a path, with a new body a method, and a status may be set where they are valid") {
  Message message;
  CHECK(message.to_request(set(":path", "/a?b=c")).empty());
  CHECK(message.request.path == "/a?b=c");
  for (const char* path : {"", "a", "/a b", "/a#b", "/\xe9", "*"}) {
    CHECK(!message.to_request(set(":path", path)).empty());
    CHECK(message.request.path == "/a?b=c");
  }
  CHECK(message.to_request(set(":method", "PUT"), true).empty());
  CHECK(message.request.method == "PUT");
  CHECK(!message.to_request(set(":method", "PU T"), true).empty());
  CHECK(message.to_request(set(":method", "CONNECT"), true).empty());
  CHECK(message.request.method == "PUT");
  message.request.upgrade = "websocket";
  CHECK(message.to_request(set(":method", "GET"), true).empty());
  CHECK(message.request.method == "PUT");
  CHECK(message.to_response(set(":status", "503")).empty());
  CHECK(message.response.status == 503);
  for (const char* status : {"", "99", "101", "199", "600", "1000", "2xx", "-200", "200 "}) {
    message.response.status = 204;
    CHECK(message.to_response(set(":status", status)).empty());
    CHECK(message.response.status == (std::string_view(status) == "200 " ? 200 : 204));
  }
  message.response.status = 101;
  CHECK(message.to_response(set(":status", "200")).empty());
  CHECK(message.response.status == 101);
}

TEST_CASE("what is no field, is ambiguous or too large is refused") {
  Message message;
  for (const char* name : {"", ":", "a b", "a\r\nb", "a:b", "\xe9", "a\t"}) {
    CHECK(!message.to_request(set(name, "v")).empty());
    CHECK(!message.to_request(without(name)).empty());
  }
  for (const std::string& value :
       {std::string("a\r\nb: c"), std::string("a\n"), std::string("a\0b", 3), std::string("\x7f")})
    CHECK(!message.to_request(set("x", value)).empty());
  CHECK(message.request.fields.empty());
  HeaderMutation ambiguous = set("x", "v");
  ambiguous.ambiguous = true;
  CHECK(!message.to_request(ambiguous).empty());
  HeaderMutation many;
  for (int i = 0; i < 101; ++i)
    many.set.push_back({"x-" + std::to_string(i), "v", Action::kAppend});
  CHECK(!message.to_request(many).empty());
  HeaderMutation removals;
  removals.remove.assign(101, "x");
  CHECK(!message.to_request(removals).empty());
  CHECK(!message.to_response(set("x", std::string(40'000, 'v'))).empty());
}
