#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/snapshot/http_options.h"
#include "proxy/telemetry/access_log.h"

namespace tidegate::proxy::exchange {

/// What is made of a site's HttpOptions on the control thread. Immutable, shared by all workers.
struct SiteOptions {
  /// Where the policy is; null: HTTP as usual, and nothing to do for any exchange.
  const HttpOptions* source = nullptr;
  std::shared_ptr<const telemetry::AccessLogs> logs;  // null: none
};

}  // namespace tidegate::proxy::exchange
