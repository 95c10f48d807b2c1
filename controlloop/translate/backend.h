#pragma once

#include <optional>
#include <string>

#include "config/kinds/gateway/references.h"
#include "config/object_set.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What a reference to a backend led to.
struct ResolvedBackend {
  std::string cluster;  // name in Snapshot::clusters; empty: it does not resolve
  std::string reason;   // of ResolvedRefs: False; empty: it does
  std::string message;
};

/// Resolves a reference of a route of `kind` in `namespace_`, and adds the cluster it needs.
/// Source: Gateway API BackendObjectReference; GEP-1911 (appProtocol).
ResolvedBackend resolve_backend(const config::ObjectSet& objects, std::string_view kind,
                                const std::string& namespace_, const config::BackendObjectRef& ref,
                                proxy::Snapshot& snapshot);

}  // namespace tidegate::controlloop::translate
