#pragma once

#include <vector>

#include "config/fields/fields.h"
#include "config/kinds/gateway/listener.h"

namespace tidegate::config {

/// What must hold among the listeners of a Gateway or a ListenerSet.
template <class T>
void add_listener_rules(fields::Fields<T>& f) {
  f.rule_at("listeners", "Listener name must be unique within the Gateway", [](const T& object) {
    const auto& list = object.listeners;
    for (auto a = list.begin(); a != list.end(); ++a) {
      for (auto b = list.begin(); b != a; ++b) {
        if (a->name == b->name) return false;
      }
    }
    return true;
  });
  f.rule_at(
      "listeners", "Combination of port, protocol and hostname must be unique for each listener",
      [](const T& object) {
        const auto& list = object.listeners;
        for (auto a = list.begin(); a != list.end(); ++a) {
          for (auto b = list.begin(); b != a; ++b) {
            if (a->port == b->port && a->protocol == b->protocol && a->hostname == b->hostname) {
              return false;
            }
          }
        }
        return true;
      });
}

}  // namespace tidegate::config
