#pragma once

#include <string>

#include "config/kinds/gateway/listener.h"
#include "config/object_set.h"

namespace tidegate::controlloop::translate {

/// Whether `choice`, made in namespace `own`, takes in objects of `other`. A namespace without an
/// object has the label of its name, as in a cluster. Source: Gateway API RouteNamespaces,
/// ListenerNamespaces.
bool namespace_allowed(const config::ObjectSet& objects, const config::NamespaceChoice& choice,
                       const std::string& own, const std::string& other);

}  // namespace tidegate::controlloop::translate
