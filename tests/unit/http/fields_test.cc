#include "proxy/http/fields.h"

#include <catch2/catch.hpp>
#include <string>

#include "proxy/http/characters.h"
#include "proxy/http/message.h"

namespace http = tidegate::proxy::http;

namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

TEST_CASE("names are compared without case, and no other byte is taken for a letter", "[http]") {
  CHECK(http::iequals("", ""));
  CHECK_FALSE(http::iequals("", "a"));
  CHECK_FALSE(http::iequals("Accept", "Accept-"));
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const char one = static_cast<char>(a);
      const char other = static_cast<char>(b);
      const bool same = lower(one) == lower(other);
      const std::string first = one + std::string("-Id"), second = other + std::string("-iD");
      const std::string last = "X-" + std::string(1, one), end = "x-" + std::string(1, other);
      if (http::iequals({&one, 1}, {&other, 1}) != same || http::iequals(first, second) != same ||
          http::iequals(last, end) != same) {
        FAIL("bytes " << a << " and " << b);
      }
    }
  }
}

TEST_CASE("a name with underscores passes for the one with dashes, and not the other way around",
          "[http][smuggling]") {
  http::Fields fields;
  for (const char* name : {"X-User-Id", "x_user_id", "X_USER-id", "x-userid", "x-other-id"})
    fields.append(name, "client");
  SECTION("set") {
    fields.set("x-user-id", "ours");
    REQUIRE(fields.size() == 3);
    CHECK(fields.get("x-user-id") == "ours");
    CHECK(fields.begin()->value == "ours");
  }
  SECTION("set, where only the other spelling is there") {
    fields.list().erase(fields.list().begin());
    fields.set("x-user-id", "ours");
    REQUIRE(fields.size() == 3);
    CHECK(fields.get("x-user-id") == "ours");
    CHECK_FALSE(fields.has("x_user_id"));
  }
  SECTION("remove") {
    fields.remove("x-user-id");
    CHECK(fields.size() == 2);
  }
  SECTION("a name that has them is meant as it is") {
    fields.remove("x_user_id");
    CHECK(fields.size() == 4);
    CHECK(fields.has("x-user-id"));
  }
}

TEST_CASE("what is set and removed in a head is told, and no copy of it tells", "[http]") {
  tidegate::proxy::Arena arena;
  http::Settled settled(arena);
  http::RequestHead head;
  head.fields.tell(&settled);
  http::RequestHead copy = head;
  copy.fields.remove("x-copy");
  head.fields.append("x-added", "1");
  CHECK_FALSE(settled.has("x-copy"));
  CHECK_FALSE(settled.has("x-added"));
  head = copy;  // goes on telling
  std::string name = "x-gone";
  head.fields.remove(name);
  name = "------";
  head.fields.set("X_Set", "1");
  for (const char* known : {"x-gone", "X-GONE", "x_gone", "x-set", "x_set"})
    CHECK(settled.has(known));
  head.fields.tell(nullptr);
  head.fields.remove("x-later");
  CHECK_FALSE(settled.has("x-later"));
}

TEST_CASE("an authority is a host, and a port that may be left out", "[http][rfc9110-7.2]") {
  for (const char* good : {"", "a", "a.example:80", "a:", "[::1]:8080", "1.2.3.4", "a_b~c:65535"})
    CHECK(http::valid_authority(good));
  for (const char* bad : {":", ":80", "a:65536", "a:8x", "a:80:80", "user@a", "a,b", "a b", "[::1",
                          "[]", "a/b", "a\x80", "a:123456"}) {
    INFO(bad);
    CHECK_FALSE(http::valid_authority(bad));
  }
}

TEST_CASE("a head that is cleared is as new", "[http]") {
  http::RequestHead request;
  request.method = "GET";
  request.chunked = request.expect_continue = request.names_fields = true;
  http::ResponseHead response;
  response.status = 200;
  response.declared_length = 5;
  for (int i = 0; i < 40; ++i) {  // more than have room in a head
    request.fields.append("a", "b");
    response.fields.append("a", "b");
  }
  request.clear();
  response.clear();
  CHECK(request.method.empty());
  CHECK_FALSE(request.chunked);
  CHECK_FALSE(request.expect_continue);
  CHECK_FALSE(request.names_fields);
  CHECK(request.fields.empty());
  CHECK(response.status == 0);
  CHECK(response.declared_length == -1);
  CHECK(response.fields.empty());
}
