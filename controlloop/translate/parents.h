#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "controlloop/status/status.h"

namespace tidegate::controlloop::translate {

/// `.status` of a route: one entry a parent. Source: RouteParentStatus.
class ParentStatuses {
 public:
  ParentStatuses(std::string controller, std::int64_t generation)
      : controller_(std::move(controller)), generation_(generation) {}

  void add(const config::ParentRef& ref, const std::vector<status::Condition>& conditions);
  boost::json::object take();

 private:
  std::string controller_;
  std::int64_t generation_;
  boost::json::array parents_;
};

}  // namespace tidegate::controlloop::translate
