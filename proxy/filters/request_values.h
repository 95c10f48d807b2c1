#pragma once

#include <chrono>

#include "proxy/filters/filter.h"
#include "proxy/format/values.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::filters {

/// What a format knows of a request that a filter sees. It points into the call.
inline format::Values request_values(Call& call) {
  format::Values out;
  out.request = &call.request;
  out.downstream = &call.facts;
  out.random = &call.loop.random;
  out.dynamic_metadata = call.all_metadata();
  out.started = std::chrono::system_clock::now();
  if (call.rule) {
    out.route = &call.rule->origin;
    out.route_name = call.rule->name;
  }
  return out;
}

}  // namespace tidegate::proxy::filters
