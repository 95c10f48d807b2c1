#include "controlloop/translate/delegation.h"

#include <catch2/catch.hpp>

using namespace tidegate::config;
using tidegate::controlloop::translate::within;

namespace {

HttpRouteMatch match(std::string path, PathMatchType type = PathMatchType::kPathPrefix) {
  HttpRouteMatch out;
  out.path = {type, std::move(path)};
  return out;
}

constexpr auto kExact = PathMatchType::kExact;
constexpr auto kRegex = PathMatchType::kRegularExpression;

}  // namespace

TEST_CASE("a child's path lies below its parent's, by whole segments", "[delegation]") {
  const HttpRouteMatch parent = match("/team1");
  CHECK(within(parent, match("/team1"), false));
  CHECK(within(parent, match("/team1/a"), false));
  CHECK(within(parent, match("/team1/a", kExact), false));
  CHECK_FALSE(within(parent, match("/team10"), false));
  CHECK_FALSE(within(parent, match("/"), false));
  CHECK(within(match("/"), match("/x"), false));
  CHECK_FALSE(within(match("/team1", kExact), match("/team1"), false));
}

TEST_CASE("an expression goes on from its parent's prefix", "[delegation]") {
  const HttpRouteMatch parent = match("/team1/");
  CHECK(within(parent, match("/team1/.*", kRegex), false));
  CHECK_FALSE(within(parent, match("/other/.*", kRegex), false));
}

TEST_CASE("without inheritance a child says what its parent says", "[delegation]") {
  HttpRouteMatch parent = match("/a");
  parent.headers.push_back({ValueMatchType::kExact, "X-Tenant", "one"});
  parent.method = "GET";
  HttpRouteMatch child = match("/a/b");
  CHECK_FALSE(within(parent, child, false));
  child.headers.push_back({ValueMatchType::kExact, "x-tenant", "one"});
  CHECK_FALSE(within(parent, child, false));
  child.method = "GET";
  CHECK(within(parent, child, false));
}

TEST_CASE("with inheritance a child goes on where its parent ends", "[delegation]") {
  HttpRouteMatch parent = match("/a.b");
  parent.headers.push_back({ValueMatchType::kExact, "x-tenant", "one"});
  HttpRouteMatch child = match("/c");
  child.headers.push_back({ValueMatchType::kExact, "X-Tenant", "two"});
  child.headers.push_back({ValueMatchType::kExact, "x-own", "1"});
  const auto both = within(parent, child, true);
  REQUIRE(both);
  CHECK(both->path.value == "/a.b/c");
  REQUIRE(both->headers.size() == 2);
  CHECK(both->headers[0].value == "one");
  CHECK(within(parent, match("/"), true)->path.value == "/a.b");
  CHECK(within(parent, match("/x|/y", kRegex), true)->path.value == "\\/a\\.b(?:/x|/y)");
}
