#pragma once

#include <optional>
#include <string>

#include "config/kinds/gateway/references.h"
#include "config/object_set.h"
#include "proxy/snapshot/route.h"

namespace tidegate::controlloop::translate {

/// What a reference to a DirectResponse led to.
struct NamedResponse {
  std::optional<proxy::DirectResponse> response;
  bool missing = false;  // there is no such object
  std::string problem;   // why there is no response
};

/// Whether an ExtensionRef names a DirectResponse, not a policy.
bool names_direct_response(const config::LocalObjectRef& ref);

/// The DirectResponse `name` in the route's namespace. Source: kgateway DirectResponse.
NamedResponse find_direct_response(const config::ObjectSet& objects, const std::string& namespace_,
                                   const std::string& name);

}  // namespace tidegate::controlloop::translate
