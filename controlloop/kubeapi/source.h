#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <vector>

#include "config/object_set.h"
#include "config/problem.h"
#include "controlloop/status/status.h"

namespace tidegate::controlloop::kubeapi {

/// What the API shows; asked for at each request, on the control thread.
struct Source {
  std::function<const config::ObjectSet&()> objects;
  std::function<const status::StatusStore&()> statuses;
  std::function<std::uint64_t()> resource_version;  // counts changes of what the others give
  /// Objects that nobody wrote: Services that stand for the Gateways.
  std::function<const std::vector<boost::json::object>&()> generated;
  /// Shown as Events of the objects that they are about.
  std::function<std::vector<config::Problem>()> problems;
};

}  // namespace tidegate::controlloop::kubeapi
