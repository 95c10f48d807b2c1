#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/filters/filter.h"
#include "proxy/filters/kept.h"
#include "proxy/filters/route_places.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::filters {

using FilterPtr = std::shared_ptr<const Filter>;
using Chain = std::vector<FilterPtr>;
using ChainPtr = std::shared_ptr<const Chain>;

/// What a filter may want to know while it is made. Control thread.
struct CompileContext {
  const Snapshot& snapshot;
  Kept& kept;
  std::string name = {};          // in Snapshot::shared_filters; empty: it is not shared
  RoutePlaces* places = nullptr;  // null: nobody serves the snapshot
};

/// Lets the filters act on an answer, the last one first. False: Call::reply is to be sent instead.
Task<bool> run_response(const Chain& chain, Call& call, http::ResponseHead& head);

/// Makes the run-time filters of one snapshot; what the snapshot shares is made once.
class Compiler {
 public:
  explicit Compiler(const CompileContext& context) : context_(context), places_(context.snapshot) {}

  /// Null where there is nothing to do: a rule without filters pays for none.
  ChainPtr chain(const std::vector<proxy::Filter>& filters);

 private:
  FilterPtr one(const proxy::Filter& filter);
  FilterPtr shared(const std::string& name);

  CompileContext context_;
  RoutePlaces places_;
  std::map<std::string, FilterPtr> shared_;              // by name in Snapshot::shared_filters
  std::map<std::vector<std::string>, ChainPtr> chains_;  // of shared filters alone, by their names
};

}  // namespace tidegate::proxy::filters
