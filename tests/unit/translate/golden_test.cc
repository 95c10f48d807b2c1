// tests/golden/NAME.in.yaml -> NAME.out.json: snapshot, statuses, problems. TIDEGATE_ACCEPT=1
// writes what comes out.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/directory.h"
#include "controlloop/translate/address_pool.h"
#include "controlloop/translate/hostname.h"
#include "controlloop/translate/translate.h"

namespace json = boost::json;
using namespace tidegate;
using namespace tidegate::controlloop;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// JSON with one member a line, so that a difference is seen in a diff.
void pretty(const json::value& value, const std::string& indent, std::string& out) {
  const std::string deeper = indent + " ";
  if (const json::object* object = value.if_object(); object && !object->empty()) {
    out += "{\n";
    for (auto member = object->begin(); member != object->end(); ++member) {
      out += deeper + json::serialize(json::value(member->key())) + ": ";
      pretty(member->value(), deeper, out);
      out += std::next(member) == object->end() ? "\n" : ",\n";
    }
    out += indent + "}";
  } else if (const json::array* list = value.if_array(); list && !list->empty()) {
    out += "[\n";
    for (std::size_t i = 0; i < list->size(); ++i) {
      out += deeper;
      pretty((*list)[i], deeper, out);
      out += i + 1 == list->size() ? "\n" : ",\n";
    }
    out += indent + "]";
  } else {
    out += json::serialize(value);
  }
}

std::string translated(const std::string& yaml) {
  config::LoadResult loaded = config::load_text(yaml);
  translate::Translation result = translate::translate(*loaded.objects, {});
  proxy::Applied applied;
  for (const proxy::Listener& listener : result.snapshot->listeners)
    applied.listeners.push_back({listener.name, true, ""});
  json::object statuses;
  for (const auto& [key, status] : translate::statuses_of(result, &applied)) {
    json::object shown = *status;
    shown.erase("supportedFeatures");  // one table, the same in all
    statuses[key.kind + " " + (key.namespace_.empty() ? "" : key.namespace_ + "/") + key.name] =
        std::move(shown);
  }
  json::array problems;
  for (const config::Problem& problem : loaded.problems)
    problems.push_back(json::string(to_string(problem)));
  for (const config::Problem& problem : result.problems)
    problems.push_back(json::string(to_string(problem)));
  json::object out;
  out["snapshot"] = proxy::to_json(*result.snapshot);
  out["statuses"] = std::move(statuses);
  out["problems"] = std::move(problems);
  std::string text;
  pretty(out, "", text);
  return text + "\n";
}

}  // namespace

TEST_CASE("each golden input translates to its output", "[golden]") {
  const std::filesystem::path folder = "tests/golden";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".in.yaml")) continue;
    ++count;
    const std::filesystem::path expected = folder / (name.substr(0, name.size() - 8) + ".out.json");
    const std::string got = translated(contents(entry.path()));
    if (std::getenv("TIDEGATE_ACCEPT") != nullptr) std::ofstream(expected) << got;
    INFO(name);
    CHECK(got == contents(expected));
  }
  CHECK(count > 0);
}

TEST_CASE("translation is pure", "[golden]") {
  const std::string yaml = contents("examples/quickstart/gateway.yaml") + "\n---\n" +
                           contents("examples/quickstart/routes.yaml");
  CHECK(translated(yaml) == translated(yaml));
}

TEST_CASE("host names intersect to the more specific one", "[translate]") {
  using translate::intersect;
  CHECK(intersect("", "a.example.com") == "a.example.com");
  CHECK(intersect("*.example.com", "A.example.com") == "a.example.com");
  CHECK(intersect("*.example.com", "*.b.example.com") == "*.b.example.com");
  CHECK(intersect("*.example.com", "x.y.example.com") == "x.y.example.com");
  CHECK_FALSE(intersect("*.example.com", "example.com").has_value());
  CHECK_FALSE(intersect("a.example.com", "b.example.com").has_value());
  CHECK(translate::serving_names("", {}) == std::vector<std::string>{"*"});
}

TEST_CASE("an address of the pool stays with its Gateway", "[translate]") {
  using translate::assign_addresses;
  const config::NamespacedName a{"default", "a"};
  const config::NamespacedName b{"default", "b"};
  auto both = assign_addresses("127.99.0.0/16", {a, b});
  REQUIRE(both.size() == 2);
  CHECK(both[a] != both[b]);
  CHECK(assign_addresses("127.99.0.0/16", {a})[a] == both[a]);
  CHECK(assign_addresses("127.99.0.0/30", {a, b}).size() == 2);
  CHECK(assign_addresses("127.99.0.0/32", {a, b}).empty());
  CHECK(assign_addresses("nonsense", {a}).empty());
}
