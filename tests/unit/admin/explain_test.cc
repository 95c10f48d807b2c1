#include "proxy/admin/explain.h"

#include <boost/json/array.hpp>
#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using admin::Question;

namespace {

Rule rule(const std::string& route, int line, Action action) {
  Rule out;
  out.origin = {"HTTPRoute", "default", route, "0", "routes.yaml", line};
  out.action = std::move(action);
  return out;
}

Match match(PathMatch::Kind kind, std::string path) {
  return Match{{kind, std::move(path)}, std::nullopt, {}, {}};
}

/// Gateway default/g: HTTP on 80, HTTPS of *.example.com on 443, TLS passed through on 8443.
Snapshot snapshot() {
  Snapshot out;
  Cluster& cluster = out.clusters["kube_default_echo_80"];
  cluster.name = "kube_default_echo_80";
  cluster.origin = {"Service", "default", "echo", "", "echo.yaml", 1};
  cluster.endpoints.push_back({"127.0.0.1", 9000, 1, ""});

  Site http;
  http.origin = {"Gateway", "default", "g", "http", "gateway.yaml", 7};
  Forward forward{{{"kube_default_echo_80", 3, {}}, {"", 1, {}}}};
  http.routes.rules = {rule("post", 10, forward), rule("rest", 20, Redirect{})};
  http.routes.rules[0].filters.emplace_back(UrlRewrite{"inner.example.com", std::nullopt});
  VirtualHost host{"www.example.com", {}};
  Match post = match(PathMatch::Kind::kPrefix, "/api");
  post.method = "POST";
  host.entries.push_back({post, 0});
  host.entries.push_back({match(PathMatch::Kind::kExact, "/old"), 1});
  http.routes.hosts.push_back(std::move(host));
  out.listeners.push_back(
      {"listener~80", {"0.0.0.0"}, 20080, 80, false, std::nullopt, {std::move(http)}});

  Site https;
  https.origin = {"Gateway", "default", "g", "https", "gateway.yaml", 9};
  https.protocol = SiteProtocol::kHttps;
  https.hostname = "*.example.com";
  https.tls.emplace().certificates = {"default/cert"};
  Site other = https;
  other.origin.section = "other";
  other.hostname = "a.example.com";
  out.listeners.push_back(
      {"listener~443", {"0.0.0.0"}, 443, 443, false, std::nullopt, {https, other}});

  Site tls;
  tls.origin = {"Gateway", "default", "g", "tls", "gateway.yaml", 12};
  tls.protocol = SiteProtocol::kTls;
  tls.streams.push_back({{"TLSRoute", "default", "pass", "", "routes.yaml", 30},
                         {"db.example.com"},
                         {{"kube_default_echo_80", 1, {}}}});
  out.listeners.push_back(
      {"listener~8443", {"0.0.0.0"}, 8443, 8443, false, std::nullopt, {std::move(tls)}});
  return out;
}

boost::json::object ask(const std::string& method, const std::string& url,
                        std::vector<std::pair<std::string, std::string>> headers = {},
                        const std::string& gateway = {}) {
  static const Snapshot served = snapshot();
  Question question;
  question.method = method;
  question.url = url;
  question.headers = std::move(headers);
  question.gateway = gateway;
  return admin::explain(served, question, {});
}

std::string text(const boost::json::value& value) { return std::string(value.get_string()); }

}  // namespace

TEST_CASE("a request that is forwarded: listener, rule, filters, shares and places", "[explain]") {
  auto answer = ask("POST", "http://www.example.com/api/x");
  CHECK(text(answer["result"]) == "forward");
  CHECK(admin::is_served(answer));
  CHECK(text(answer["listener"].at("at")) == "gateway.yaml:7");
  CHECK(text(answer["route"].at("object")) == "HTTPRoute default/post");
  CHECK(text(answer["route"].at("at")) == "routes.yaml:10");
  CHECK(text(answer["route"].at("match")) == "path /api/*, method POST");
  CHECK(answer["filters"].at(0).at("url_rewrite").at("hostname") == "inner.example.com");
  const auto& backends = answer["backends"].get_array();
  REQUIRE(backends.size() == 2);
  CHECK(text(backends[0].at("share")) == "75 %");
  CHECK(text(backends[0].at("at")) == "echo.yaml:1");
  CHECK(backends[0].at("endpoints").at(0) == "127.0.0.1:9000");
  CHECK(text(backends[1].at("problem")).find("500") != std::string::npos);
}

TEST_CASE("what nearly fits says why it does not, nearest first", "[explain]") {
  auto answer = ask("GET", "http://www.example.com/api");
  CHECK(text(answer["result"]) == "no_route");
  CHECK(answer["status"] == 404);
  CHECK_FALSE(admin::is_served(answer));
  const auto& misses = answer["near_misses"].get_array();
  CHECK(text(misses[0].at("object")) == "HTTPRoute default/post");
  CHECK(text(misses[0].at("reason")) == "the method is not POST");
  const std::string all = admin::explain_text(answer);
  CHECK(all.find("404: no rule matches GET www.example.com/api\n") == 0);
  CHECK(all.find("routes.yaml:20") != std::string::npos);
}

TEST_CASE("host names that do not match are near misses too", "[explain]") {
  auto answer = ask("GET", "http://other.example.com/old");
  CHECK(text(answer["result"]) == "no_route");
  CHECK(text(answer["near_misses"].at(0).at("reason")).find("www.example.com") !=
        std::string::npos);
  CHECK(text(ask("GET", "http://1.2.3.4/old", {{"Host", "WWW.example.com:80"}})["result"]) ==
        "redirect");
}

TEST_CASE("the declared and the bound port lead to a listener, another does not", "[explain]") {
  CHECK(text(ask("GET", "www.example.com:20080/old")["result"]) == "redirect");
  auto answer = ask("GET", "http://www.example.com:81/old");
  CHECK(text(answer["result"]) == "no_listener");
  CHECK(text(answer["near_misses"].at(0).at("reason")) == "its port is 80, the URL's is 81");
  CHECK(text(ask("GET", "http://www.example.com/old", {}, "default/h")["result"]) == "no_listener");
  CHECK(text(ask("GET", "https://www.example.com:80/old")["result"]) == "no_listener");
}

TEST_CASE("TLS: the name of the connection, and a request for another's", "[explain]") {
  CHECK(text(ask("GET", "https://b.example.com/")["listener"].at("listener")) == "https");
  CHECK(text(ask("GET", "https://a.example.com/")["listener"].at("listener")) == "other");
  auto answer = ask("GET", "https://a.example.com/", {{"host", "b.example.com"}});
  CHECK(text(answer["result"]) == "misdirected");
  CHECK(answer["status"] == 421);
  answer = ask("GET", "https://elsewhere.org/");
  CHECK(text(answer["summary"]).find("handshake fails") != std::string::npos);
}

TEST_CASE("a route below HTTP takes the connection", "[explain]") {
  auto answer = ask("GET", "tls://db.example.com:8443");
  CHECK(text(answer["result"]) == "stream");
  CHECK(text(answer["route"].at("object")) == "TLSRoute default/pass");
  CHECK(text(ask("GET", "tls://x.example.com:8443")["result"]) == "no_route");
}

TEST_CASE("a question that cannot be asked says what is wrong with it", "[explain]") {
  for (const char* url : {"ftp://a/", "http://", "http://a:port/", "http://a:99999/", ""}) {
    INFO(url);
    auto answer = ask("GET", url);
    CHECK(text(answer["result"]) == "invalid");
    CHECK(answer.contains("error"));
  }
}

TEST_CASE("near misses are bounded, and the rest is counted", "[explain]") {
  Snapshot many = snapshot();
  auto& entries = many.listeners[0].sites[0].routes.hosts[0].entries;
  for (int i = 0; i < 200; ++i)
    entries.push_back({match(PathMatch::Kind::kExact, "/" + std::to_string(i)), 1});
  auto answer = admin::explain(many, {"", "GET", "http://www.example.com/none", {}}, {});
  CHECK(answer["near_misses"].get_array().size() == 50);
  CHECK(answer["near_misses_left_out"].to_number<int>() > 150);
}

TEST_CASE("routes that no parent takes are told", "[explain]") {
  admin::ExplainContext context;
  context.unserved = {{{"HTTPRoute", "default", "lost", "", "lost.yaml", 3},
                       "Gateway default/g",
                       "default/g",
                       "NoMatchingParent: there is no listener x"},
                      {{"HTTPRoute", "default", "elsewhere", "", "lost.yaml", 9},
                       "Gateway default/other",
                       "default/other",
                       "NoMatchingParent"}};
  auto answer =
      admin::explain(snapshot(), {"default/g", "GET", "http://www.example.com/", {}}, context);
  REQUIRE(answer["unserved"].get_array().size() == 1);
  CHECK(admin::explain_text(answer).find("lost.yaml:3") != std::string::npos);
}
