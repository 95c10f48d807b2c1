#include "proxy/router/text_table.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>

using tidegate::proxy::router::TextTable;

TEST_CASE("texts are found in their scope and nowhere else", "[router]") {
  TextTable table;
  CHECK(table.empty());
  CHECK(table.find(0, "/a") == nullptr);
  table.add(0, "/a", {1, 2});
  table.add(1, "/a", {3, 4});
  table.add(0, "", {5, 6});
  table.add(0, "/a", {7, 8});  // the first one stays
  REQUIRE(table.find(0, "/a") != nullptr);
  CHECK(table.find(0, "/a")->first == 1);
  CHECK(table.find(0, "/a")->second == 2);
  CHECK(table.find(1, "/a")->first == 3);
  CHECK(table.find(0, "")->first == 5);
  CHECK(table.find(2, "/a") == nullptr);
  CHECK(table.find(0, "/a/") == nullptr);
  CHECK(table.find(1, "") == nullptr);
}

TEST_CASE("a large table holds what a map does", "[router]") {
  std::mt19937 draw(7);
  TextTable table;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> known;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const std::uint32_t scope = draw() % 50;
    std::string text(draw() % 40, 'x');
    for (char& c : text) c = static_cast<char>('a' + draw() % 3);
    table.add(scope, text, {i, 0});
    known.try_emplace({scope, text}, i);
  }
  for (const auto& [key, value] : known) {
    const TextTable::Value* found = table.find(key.first, key.second);
    REQUIRE(found != nullptr);
    CHECK(found->first == value);
    CHECK((table.find(key.first + 50, key.second) == nullptr));
  }
}
