#include <catch2/catch.hpp>

#include "proxy/http/cookies.h"
#include "proxy/http/query.h"

using namespace tidegate::proxy;
using namespace tidegate::proxy::http;

TEST_CASE("a parameter is taken out of a query and the rest stays as it is written") {
  Arena arena;
  CHECK(without_parameter("/a?x=1&key=2&y=%20", "key", arena) == "/a?x=1&y=%20");
  CHECK(without_parameter("/a?key=2&key=3", "key", arena) == "/a");
  CHECK(without_parameter("/a?%6Bey=2&b", "key", arena) == "/a?b");
  CHECK(without_parameter("/a?b=key", "key", arena) == "/a?b=key");
  CHECK(without_parameter("/a", "key", arena) == "/a");
}

TEST_CASE("cookies are read out of all fields") {
  Fields fields;
  fields.append("Cookie", "a=1; b=\"2\";c = 3 ; =x; d; e=f=g");
  fields.append("cookie", "a=9");
  CHECK(cookie(fields, "a") == "1");
  CHECK(cookie(fields, "b") == "2");
  CHECK(cookie(fields, "c") == "3");
  CHECK(cookie(fields, "e") == "f=g");
  CHECK(cookie(fields, "z").data() == nullptr);
  CHECK(cookies(fields).size() == 7);
}

TEST_CASE("cookies are removed and added; an empty field goes") {
  Arena arena;
  Fields fields;
  fields.append("cookie", "a=1; b=2; a=3");
  fields.append("x", "y");
  fields.append("cookie", "a=4");
  remove_cookies(fields, arena, [](const Cookie& one) { return one.name == "a"; });
  CHECK(fields.size() == 2);
  CHECK(fields.get("cookie") == "b=2");
  add_cookie(fields, arena, "c", "3");
  CHECK(fields.get("cookie") == "b=2; c=3");
  remove_cookies(fields, arena, [](const Cookie&) { return true; });
  CHECK(!fields.has("cookie"));
  add_cookie(fields, arena, "c", "3");
  CHECK(fields.get("cookie") == "c=3");
}
