#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "config/object_set.h"
#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// A listener that a route is attached to, and the host names under which it serves it.
struct Attachment {
  const GatewayState* gateway = nullptr;
  ListenerState* listener = nullptr;
  std::vector<std::string> hostnames;
};

/// What became of one parentRef.
struct AttachResult {
  bool ours = false;  // else nothing is said about it
  std::vector<Attachment> attachments;
  std::string reason;  // of Accepted: False, where there are none
  std::string message;
};

/// Whose route it is that wants to attach.
struct RouteIdentity {
  const char* kind = "HTTPRoute";
  const config::Meta* meta = nullptr;
  const std::vector<std::string>* hostnames = nullptr;
};

/// The Gateway or ListenerSet that a parentRef of an object in `namespace_` names; owner null: it
/// is none of ours.
struct Parent {
  GatewayState* gateway = nullptr;
  const config::Meta* owner = nullptr;
};
Parent find_parent(const std::vector<std::shared_ptr<GatewayState>>& gateways,
                   const std::string& namespace_, const config::ParentRef& ref);

/// Finds the listeners that a parentRef names and that take the route.
/// Source: Gateway API ParentReference, AllowedRoutes; reasons of RouteConditionReason.
AttachResult attach(const config::ObjectSet& objects,
                    const std::vector<std::shared_ptr<GatewayState>>& gateways,
                    const RouteIdentity& route, const config::ParentRef& ref);

}  // namespace tidegate::controlloop::translate
