#pragma once

#include <vector>

#include "base/page.h"
#include "config/object_set.h"
#include "controlloop/status/status.h"

namespace tidegate::controlloop::kubeapi {

/// What the pages show; asked for at each request, on the control thread.
struct Source {
  std::function<const config::ObjectSet&()> objects;
  std::function<const status::StatusStore&()> statuses;
  std::function<std::uint64_t()> resource_version;
  /// Objects that nobody wrote: Services that stand for the Gateways.
  std::function<const std::vector<boost::json::object>&()> generated;
};

/// The read-only Kubernetes API: discovery, list and get of every object of the directory, with
/// `.status`; Secrets redacted. Source: Kubernetes API concepts.
std::vector<Page> pages(Source source);

}  // namespace tidegate::controlloop::kubeapi
