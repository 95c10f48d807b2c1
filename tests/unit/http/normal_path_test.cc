#include "proxy/http/normal_path.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

namespace tidegate::proxy::http {

TEST_CASE("a path has one form", "[http][rfc3986-6.2.2]") {
  const std::pair<const char*, const char*> rows[] = {
      {"/", "/"},
      {"/a/b;c=d?e=/../f//g%41", "/a/b;c=d?e=/../f//g%41"},
      {"/.well-known/x", "/.well-known/x"},
      {"/a/...", "/a/..."},
      {"//a///b//", "/a/b/"},
      {"/a\\b", "/a/b"},
      {"/a/./b/.", "/a/b/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/..", "/"},
      {"/../../a", "/a"},
      {"/a/../../b", "/b"},
      {"/a/%2e%2E/b?%2e%2e", "/b?%2e%2e"},
      {"/%2e/a", "/a"},
      {"/a\\..\\b", "/b"},
      {"/a//../b", "/b"},
      {"/%61dm%69n%7E", "/admin~"},
      {"/a%2fb%5Cc%20d%C3%A9", "/a%2fb%5Cc%20d%C3%A9"},
      {"/%2541", "/%2541"},
  };
  for (const auto& [given, wanted] : rows) {
    Arena arena;
    const std::optional<std::string_view> once = normal_path(given, arena);
    CAPTURE(given);
    REQUIRE(once);
    CHECK(*once == wanted);
    CHECK(normal_path(*once, arena) == once);
  }
}

TEST_CASE("a path that may be read in two ways is refused", "[http][security]") {
  for (const char* given : {"/a%", "/a%2", "/a%zz", "/%%34%31", "/a%00", "/..;/b", "/a/.;x/b",
                            "/a/%2e%2e;x=y", "/p/a%2f..;x%2fadmin", "/a%2f..%2fb", "/a/..%2fb",
                            "/a%5c..", "/a%2F%2e%2e", "/%2e%5Ca", "/..%5c"}) {
    Arena arena;
    CAPTURE(given);
    CHECK(!normal_path(given, arena));
  }
}

}  // namespace tidegate::proxy::http
