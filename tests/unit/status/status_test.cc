#include "controlloop/status/status.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

using namespace tidegate::controlloop::status;

namespace {

Statuses one(Condition::Value value, std::string reason) {
  std::vector<Condition> conditions;
  set(conditions, "Accepted", value, std::move(reason), "");
  boost::json::object status;
  status["conditions"] = to_json(conditions, 1);
  return {{Key{"HTTPRoute", "default", "r"}, std::move(status)}};
}

std::string since(const StatusStore& store) {
  return std::string(store.find({"HTTPRoute", "default", "r"})
                         ->at("conditions")
                         .at(0)
                         .at("lastTransitionTime")
                         .as_string());
}

}  // namespace

TEST_CASE("lastTransitionTime moves with the status alone, the version with anything", "[status]") {
  StatusStore store;
  const Key key{"HTTPRoute", "default", "r"};
  store.update(one(Condition::Value::kTrue, "Accepted"), "t1");
  CHECK(since(store) == "t1");
  CHECK(store.version(key) == 1);
  store.update(one(Condition::Value::kTrue, "Accepted"), "t2");
  CHECK(store.version(key) == 1);
  store.update(one(Condition::Value::kTrue, "Other"), "t3");
  CHECK(since(store) == "t1");
  CHECK(store.version(key) == 2);
  store.update(one(Condition::Value::kFalse, "Other"), "t4");
  CHECK(since(store) == "t4");
  store.update({}, "t5");
  CHECK(store.find(key) == nullptr);
}

TEST_CASE("an object that goes and comes back is a new one", "[status]") {
  StatusStore store;
  const Key key{"HTTPRoute", "default", "r"};
  store.update(one(Condition::Value::kTrue, "Accepted"), "t1");
  store.update(one(Condition::Value::kFalse, "No"), "t2");
  CHECK(store.version(key) == 2);
  store.update({}, "t3");
  CHECK(store.version(key) == 0);
  store.update(one(Condition::Value::kFalse, "No"), "t4");
  CHECK(store.version(key) == 1);
  CHECK(since(store) == "t4");
}

TEST_CASE("whatever changes, each status is what it would be alone in its store", "[status]") {
  std::mt19937 random(7);
  auto below = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  // Few different things are said of many objects, as of routes with one parent.
  std::vector<Status> said;
  for (const auto value : {Condition::Value::kTrue, Condition::Value::kFalse}) {
    for (const char* reason : {"A", "B"}) {
      said.push_back(one(value, reason).begin()->second);
      said.push_back(one(value, reason).begin()->second);  // the same in a place of its own
    }
  }
  std::map<Key, StatusStore> alone;
  std::vector<Key> keys;
  for (const char* kind : {"Gateway", "HTTPRoute", "TrafficPolicy"}) {
    for (char name = 'a'; name <= 'f'; ++name) keys.push_back({kind, "n", std::string(1, name)});
  }
  StatusStore store;
  Statuses now;
  for (int turn = 0; turn < 500; ++turn) {
    for (unsigned i = below(4); i > 0; --i) {
      const Key& key = keys[below(static_cast<unsigned>(keys.size()))];
      if (below(3) == 0) {
        now.erase(key);
      } else {
        now[key] = said[below(static_cast<unsigned>(said.size()))];
      }
    }
    const std::string time = "t" + std::to_string(turn);
    store.update(now, time);
    CHECK(store.all().size() == now.size());
    for (const Key& key : keys) {
      Statuses own;
      if (auto found = now.find(key); found != now.end()) own.insert(*found);
      alone[key].update(own, time);
      CHECK(store.version(key) == alone[key].version(key));
      const boost::json::object* shown = store.find(key);
      REQUIRE((shown != nullptr) == !own.empty());
      if (shown != nullptr) CHECK(*shown == *alone[key].find(key));
    }
  }
}
