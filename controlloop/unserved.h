#pragma once

#include <vector>

#include "config/object_set.h"
#include "controlloop/status/status.h"
#include "proxy/snapshot/unserved.h"

namespace tidegate::controlloop {

/// The routes that a parent does not accept, with the reason of their status.
std::vector<proxy::Unserved> unserved(const config::ObjectSet& objects,
                                      const status::Statuses& statuses);

}  // namespace tidegate::controlloop
