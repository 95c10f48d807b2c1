#include "controlloop/status/status.h"

#include <catch2/catch.hpp>

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
