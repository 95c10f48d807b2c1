#include "proxy/router/router.h"

#include <catch2/catch.hpp>

#include "proxy/http/query.h"
#include "proxy/router/site_table.h"

using namespace tidegate::proxy;
using router::Router;

namespace {

using Kind = PathMatch::Kind;

/// A table of one host per name, each with its matches; the rule's name is what a test asks for.
struct Table {
  RouteTable table;
  void add(const std::string& host, Match match, const std::string& name) {
    auto found = std::find_if(table.hosts.begin(), table.hosts.end(),
                              [&](const auto& one) { return one.hostname == host; });
    if (found == table.hosts.end())
      found = table.hosts.insert(table.hosts.end(), VirtualHost{host, {}});
    found->entries.push_back({std::move(match), static_cast<std::uint32_t>(table.rules.size())});
    Rule rule;
    rule.name = name;
    table.rules.push_back(rule);
  }
  std::string ask(const std::string& host, const std::string& path,
                  const std::string& method = "GET", std::vector<http::Field> fields = {}) const {
    Router router(table);
    http::RequestHead request;
    request.method = method;
    request.path = path;
    for (const http::Field& field : fields) request.fields.append(field.name, field.value);
    Router::Found found = router.route(request, host);
    return found ? table.rules[found.rule].name : "none";
  }
};

Match path(Kind kind, std::string value) {
  return Match{{kind, std::move(value)}, std::nullopt, {}, {}};
}

}  // namespace

TEST_CASE("the most specific host wins, and the next one is asked where it has no match",
          "[router]") {
  Table table;
  table.add("*", path(Kind::kPrefix, "/"), "any");
  table.add("*.example.com", path(Kind::kPrefix, "/"), "wide");
  table.add("*.b.example.com", path(Kind::kPrefix, "/x"), "narrow");
  table.add("a.b.example.com", path(Kind::kExact, "/only"), "exact");
  CHECK(table.ask("a.b.example.com", "/only") == "exact");
  CHECK(table.ask("a.b.example.com", "/x") == "narrow");
  CHECK(table.ask("a.b.example.com", "/y") == "wide");
  CHECK(table.ask("z.y.example.com", "/") == "wide");
  CHECK(table.ask("example.com", "/") == "any");
  CHECK(table.ask("", "/") == "any");
}

TEST_CASE("exact before prefix, longest prefix first, whole segments", "[router]") {
  Table table;
  table.add("*", path(Kind::kExact, "/a/b"), "exact");
  table.add("*", path(Kind::kPrefix, "/a/b"), "long");
  table.add("*", path(Kind::kPrefix, "/a"), "short");
  table.add("*", path(Kind::kPrefix, "/"), "root");
  CHECK(table.ask("h", "/a/b") == "exact");
  CHECK(table.ask("h", "/a/b?q=1") == "exact");
  CHECK(table.ask("h", "/a/b/") == "long");
  CHECK(table.ask("h", "/a/b/c") == "long");
  CHECK(table.ask("h", "/a/bc") == "short");
  CHECK(table.ask("h", "/a") == "short");
  CHECK(table.ask("h", "/ab") == "root");
  CHECK(table.ask("h", "/") == "root");
}

TEST_CASE("a table order puts regular expressions where it wants", "[router]") {
  Table table;
  table.add("*", path(Kind::kExact, "/a1"), "exact");
  table.add("*", path(Kind::kRegex, "/a[0-9]+"), "regex");
  table.add("*", path(Kind::kPrefix, "/a1"), "prefix");
  table.add("*", path(Kind::kRegex, "/.*"), "late");
  CHECK(table.ask("h", "/a1") == "exact");
  CHECK(table.ask("h", "/a12") == "regex");
  CHECK(table.ask("h", "/a1/b") == "prefix");
  CHECK(table.ask("h", "/zzz") == "late");
  CHECK(table.ask("h", "/a12x") == "late");
}

TEST_CASE("an expression may be held below a prefix, whatever it says", "[router]") {
  Table table;
  Match held = path(Kind::kRegex, "/a/[](]|/.*");
  held.path.below = "/a";
  table.add("*", held, "held");
  table.add("*", path(Kind::kPrefix, "/"), "other");
  CHECK(table.ask("h", "/a/(") == "held");
  CHECK(table.ask("h", "/a") == "held");
  CHECK(table.ask("h", "/ab") == "other");
  CHECK(table.ask("h", "/admin/x") == "other");
}

TEST_CASE("method, headers and query must all hold", "[router]") {
  Table table;
  Match strict = path(Kind::kPrefix, "/");
  strict.method = "POST";
  strict.headers = {{"x-version", "2", false}, {"x-user", "a.*", true}};
  strict.query = {{"q", "a b", false}};
  table.add("*", strict, "strict");
  table.add("*", path(Kind::kPrefix, "/"), "rest");
  CHECK(table.ask("h", "/?q=a+b", "POST", {{"X-Version", "2"}, {"x-user", "abc"}}) == "strict");
  CHECK(table.ask("h", "/?q=a%20b&q=c", "POST", {{"X-Version", "2"}, {"x-user", "abc"}}) ==
        "strict");
  CHECK(table.ask("h", "/?q=a+b", "GET", {{"X-Version", "2"}, {"x-user", "abc"}}) == "rest");
  CHECK(table.ask("h", "/?q=a+b", "POST", {{"X-Version", "3"}, {"x-user", "abc"}}) == "rest");
  CHECK(table.ask("h", "/?q=a+b", "POST", {{"X-Version", "2"}, {"x-user", "bc"}}) == "rest");
  CHECK(table.ask("h", "/?q=c", "POST", {{"X-Version", "2"}, {"x-user", "abc"}}) == "rest");
  CHECK(table.ask("h", "/?q=a+b", "POST", {{"X-Version", "2"}}) == "rest");
  CHECK(table.ask("h", "/?q=a+b", "POST",
                  {{"X-Version", "2"}, {"X-Version", "2"}, {"x-user", "a"}}) == "rest");  // "2,2"
}

TEST_CASE("explain says what did not fit", "[router]") {
  Table table;
  Match post = path(Kind::kPrefix, "/");
  post.method = "POST";
  table.add("a.example.com", post, "post");
  table.add("*", path(Kind::kExact, "/y"), "y");
  Router router(table.table);
  http::RequestHead request;
  request.method = "GET";
  request.path = "/x";
  auto tried = router.explain(request, "a.example.com");
  REQUIRE(tried.size() == 2);
  CHECK(tried[0].mismatch == "the method is not POST");
  CHECK(tried[1].mismatch == "the path does not match exact path /y");
}

TEST_CASE("the host of an authority", "[router]") {
  char buffer[256];
  CHECK(router::host_of("WWW.Example.com:8080", buffer) == "www.example.com");
  CHECK(router::host_of("a.example.com.", buffer) == "a.example.com");
  CHECK(router::host_of("[::1]:80", buffer) == "[::1]");
  CHECK(router::host_of("", buffer).empty());
}

TEST_CASE("a request belongs to the most specific site and to no other", "[router]") {
  std::vector<Site> sites(3);
  sites[0].hostname = "";
  sites[1].hostname = "*.example.com";
  sites[2].hostname = "a.example.com";
  router::SiteTable table(sites);
  CHECK(table.by_host("a.example.com")->site == &sites[2]);
  CHECK(table.by_host("b.example.com")->site == &sites[1]);
  CHECK(table.by_sni("")->site == &sites[0]);
}

TEST_CASE("weights may put a short prefix before a longer one, and both before an exact path",
          "[router]") {
  Table table;
  table.add("*", path(Kind::kPrefix, "/anything"), "heavy");
  table.add("*", path(Kind::kExact, "/anything/a"), "exact");
  table.add("*", path(Kind::kExact, "/other"), "other");
  table.add("*", path(Kind::kPrefix, "/anything/a"), "long");
  table.add("*", path(Kind::kPrefix, "/"), "rest");
  CHECK(table.ask("x", "/anything/a") == "heavy");
  CHECK(table.ask("x", "/anything/a/b") == "heavy");
  CHECK(table.ask("x", "/other") == "other");
  CHECK(table.ask("x", "/elsewhere") == "rest");
}
