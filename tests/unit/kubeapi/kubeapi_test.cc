#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "config/directory.h"
#include "controlloop/kubeapi/openapi.h"
#include "controlloop/kubeapi/pages.h"
#include "controlloop/kubeapi/selector.h"

using namespace tidegate;
using controlloop::kubeapi::Selector;
namespace json = boost::json;
namespace kubeapi = controlloop::kubeapi;

namespace {

constexpr char kTwoRoutes[] = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, labels: {app: x}}
spec: {hostnames: [a.example.com]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: b, namespace: other}
spec: {}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {key: planted-secret}
)";
constexpr char kRoutes[] = "/apis/gateway.networking.k8s.io/v1/httproutes";

/// The pages over texts that a test exchanges.
struct Api {
  config::LoadResult loaded = config::load_text(kTwoRoutes);
  controlloop::status::StatusStore statuses;
  std::uint64_t version = 1;
  std::vector<json::object> generated;
  std::vector<Page> pages = kubeapi::pages(
      {[this]() -> const config::ObjectSet& { return *loaded.objects; },
       [this]() -> const controlloop::status::StatusStore& { return statuses; },
       [this] { return version; },
       [this]() -> const std::vector<json::object>& { return generated; },
       [] {
         return std::vector<config::Problem>{{config::Severity::kError, "config.yaml", 4,
                                              "HTTPRoute", "default", "a", "something is wrong"}};
       }},
      "0.0.0");

  void change(const std::string& text) {
    loaded = config::load_text(text);
    ++version;
  }
  PageResponse ask(const std::string& path,
                   std::vector<std::pair<std::string, std::string>> query = {}, bool table = false,
                   const std::string& method = "GET") {
    PageRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    if (table) request.headers = {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}};
    const Page* best = nullptr;
    for (const Page& page : pages) {
      if (path.starts_with(page.path) &&
          (path.size() == page.path.size() || path[page.path.size()] == '/') &&
          (best == nullptr || best->path.size() < page.path.size()))
        best = &page;
    }
    REQUIRE(best != nullptr);
    return best->serve(request);
  }
  json::object get(const std::string& path,
                   std::vector<std::pair<std::string, std::string>> query = {},
                   bool table = false) {
    return json::parse(ask(path, std::move(query), table).body).get_object();
  }
};

std::string names(const json::object& list) {
  std::string out;
  for (const json::value& one : list.at("items").get_array())
    out += std::string(one.at("metadata").at("name").get_string()) + " ";
  return out;
}

std::vector<json::object> events(PageStream& watch) {
  std::vector<json::object> out;
  std::string text = watch.next();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out.push_back(json::parse(text.substr(at, end - at)).get_object());
    at = end + 1;
  }
  return out;
}

std::string said(const std::vector<json::object>& all) {
  std::string out;
  for (const json::object& one : all)
    out += std::string(one.at("type").get_string()) + " " +
           std::string(one.at("object").at("metadata").at("name").get_string()) + "; ";
  return out;
}

}  // namespace

TEST_CASE("label selectors: every form, and malformed ones", "[kubeapi]") {
  const std::map<std::string, std::string> labels{{"app", "x"}, {"tier", "front"}};
  for (const char* text : {"", "app=x", "app==x", "app!=y", "app", "!other", "app in (x,y)",
                           "app notin (y), tier=front", "other!=x", "app in (x),tier in (front)"}) {
    INFO(text);
    auto selector = Selector::labels(text);
    REQUIRE(selector);
    CHECK(selector->matches(labels));
  }
  for (const char* text : {"app=y", "app!=x", "other", "!app", "app in (y)", "app notin (x)"}) {
    INFO(text);
    auto selector = Selector::labels(text);
    REQUIRE(selector);
    CHECK_FALSE(selector->matches(labels));
  }
  for (const char* text :
       {",", "app in x", "app in (x", "=x", "a b=c", "app within (x)", "a=b=c"}) {
    INFO(text);
    CHECK_FALSE(Selector::labels(text));
  }
  CHECK_FALSE(Selector::fields("metadata.name"));
  CHECK_FALSE(Selector::fields("metadata.name in (a)"));
}

TEST_CASE("list and get: selectors, pages of a list, namespaces, what is not there", "[kubeapi]") {
  Api api;
  CHECK(names(api.get(kRoutes)) == "a b ");
  CHECK(names(api.get(kRoutes, {{"labelSelector", "app=x"}})) == "a ");
  CHECK(names(api.get(kRoutes, {{"fieldSelector", "metadata.namespace=other"}})) == "b ");
  CHECK(names(api.get("/apis/gateway.networking.k8s.io/v1/namespaces/other/httproutes")) == "b ");
  CHECK(api.ask(kRoutes, {{"labelSelector", "app in x"}}).status == 400);
  auto first = api.get(kRoutes, {{"limit", "1"}});
  CHECK(names(first) == "a ");
  CHECK(first["metadata"].at("remainingItemCount") == 1);
  CHECK(names(api.get(
            kRoutes, {{"limit", "1"},
                      {"continue", std::string(first["metadata"].at("continue").get_string())}})) ==
        "b ");
  auto one = api.get("/apis/gateway.networking.k8s.io/v1beta1/namespaces/default/httproutes/a");
  CHECK(one["apiVersion"] == "gateway.networking.k8s.io/v1beta1");
  auto missing = api.ask("/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/c");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("\\\"c\\\" not found") != std::string::npos);
  CHECK(api.ask("/apis/gateway.networking.k8s.io/v9/httproutes").status == 404);
  CHECK(api.ask("/apis/nobody.example.com").status == 404);
}

TEST_CASE("what would change something is refused, and the file is named", "[kubeapi]") {
  Api api;
  auto answer = api.ask("/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/a", {},
                        false, "DELETE");
  CHECK(answer.status == 405);
  CHECK(answer.body.find("config.yaml:2") != std::string::npos);
}

TEST_CASE("no value of a Secret is shown", "[kubeapi]") {
  Api api;
  CHECK(api.ask("/api/v1/secrets").body.find("planted") == std::string::npos);
  CHECK(api.ask("/api/v1/secrets", {{"includeObject", "Object"}}, true).body.find("planted") ==
        std::string::npos);
}

TEST_CASE("tables have the columns that kubectl shows", "[kubeapi]") {
  Api api;
  auto table = api.get(kRoutes, {}, true);
  CHECK(table["kind"] == "Table");
  CHECK(table["columnDefinitions"].at(1).at("name") == "Hostnames");
  CHECK(table["rows"].at(0).at("cells").at(1) == "a.example.com");
  CHECK(table["rows"].at(0).at("object").at("kind") == "PartialObjectMetadata");
  CHECK(table["rows"].at(0).at("cells").get_array().size() ==
        table["columnDefinitions"].get_array().size());
  for (const char* path : {"/api/v1/secrets", "/api/v1/events"}) {
    auto other = api.get(path, {}, true);
    CHECK(other["rows"].at(0).at("cells").get_array().size() ==
          other["columnDefinitions"].get_array().size());
  }
}

TEST_CASE("problems are Events of the objects that they are about", "[kubeapi]") {
  Api api;
  auto found = api.get("/api/v1/namespaces/default/events",
                       {{"fieldSelector", "involvedObject.kind=HTTPRoute,involvedObject.name=a"}});
  CHECK(found["items"].at(0).at("message") == "config.yaml:4: something is wrong");
  CHECK(names(api.get("/api/v1/events", {{"fieldSelector", "involvedObject.name=b"}})) == "");
}

TEST_CASE("a watch from a list's version tells what came after it", "[kubeapi]") {
  Api api;
  auto list = api.get(kRoutes);
  const std::string from(list["metadata"].at("resourceVersion").get_string());
  auto watch = api.ask(kRoutes, {{"watch", "true"}, {"resourceVersion", from}}).stream;
  REQUIRE(watch);
  CHECK(watch->next().empty());
  std::string changed = kTwoRoutes;
  changed.replace(changed.find("a.example.com"), 13, "c.example.com");
  api.change(changed +
             "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, "
             "metadata: {name: c}, spec: {}}\n");
  auto late = api.ask(kRoutes, {{"watch", "1"}, {"resourceVersion", from}}).stream;
  CHECK(said(events(*watch)) == "MODIFIED a; ADDED c; ");
  CHECK(said(events(*late)) == "MODIFIED a; ADDED c; ");
  api.change(
      "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: c}, "
      "spec: {}}");
  CHECK(said(events(*watch)) == "DELETED a; DELETED b; ");
  auto later = api.ask(kRoutes, {{"watch", "1"}, {"resourceVersion", from}}).stream;
  CHECK(said(events(*later)) == "ADDED c; DELETED a; DELETED b; ");
  CHECK(watch->next().empty());
}

TEST_CASE("a watch without a version begins with what is there", "[kubeapi]") {
  Api api;
  auto watch = api.ask(kRoutes, {{"watch", "true"}, {"labelSelector", "app=x"}}).stream;
  CHECK(said(events(*watch)) == "ADDED a; ");
  std::string changed = kTwoRoutes;
  changed.replace(changed.find("app: x"), 6, "app: y");
  api.change(changed);
  CHECK(said(events(*watch)) == "DELETED a; ");
}

TEST_CASE("a version of another process is told to be gone", "[kubeapi]") {
  Api api;
  CHECK(api.ask(kRoutes, {{"watch", "true"}, {"resourceVersion", "17"}}).status == 410);
  CHECK(api.ask(kRoutes, {{"watch", "true"}, {"resourceVersion", "99999999999999999"}}).status ==
        410);
  CHECK(api.ask(kRoutes, {{"watch", "true"}, {"resourceVersion", "x"}}).status == 410);
}

TEST_CASE("OpenAPI nests the fields and names the kind of each path", "[kubeapi]") {
  auto document = kubeapi::openapi_document("gateway.networking.k8s.io", "v1");
  const auto& gateway =
      document["components"].at("schemas").at("gateway.networking.k8s.io.v1.Gateway");
  const auto& port = gateway.at("properties")
                         .at("spec")
                         .at("properties")
                         .at("listeners")
                         .at("items")
                         .at("properties")
                         .at("port");
  CHECK(port.at("type") == "integer");
  CHECK(document["paths"]
            .at("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways")
            .at("get")
            .at("x-kubernetes-group-version-kind")
            .at("kind") == "Gateway");
  CHECK(kubeapi::openapi_document("nobody", "v1").empty());
  CHECK(kubeapi::openapi_index()["paths"].at("api/v1").at("serverRelativeURL") ==
        "/openapi/v3/api/v1");
}
