#include "proxy/runtime/arena.h"

#include <catch2/catch.hpp>
#include <string>

using tidegate::proxy::Arena;

TEST_CASE("an arena joins texts, empty ones and those without an address among them") {
  Arena arena;
  CHECK(arena.join("a", std::string_view(), std::string("b"), "") == "ab");
  CHECK(arena.join(std::string_view(), std::string_view()).empty());
  CHECK(arena.copy(std::string_view()).empty());
}

TEST_CASE("an arena's views stay where they are while it grows") {
  Arena arena;
  std::string_view first = arena.copy("first");
  const char* at = first.data();
  for (int i = 0; i < 1000; ++i) arena.join("0123456789", std::to_string(i));
  std::string large(5000, 'x');
  CHECK(arena.copy(large) == large);
  CHECK(first == "first");
  CHECK(first.data() == at);
  arena.reset();
  CHECK(arena.copy("again") == "again");
}
