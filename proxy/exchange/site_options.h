#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cidr.h"
#include "proxy/exchange/local_replies.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/http_options.h"
#include "proxy/telemetry/access_log.h"
#include "proxy/telemetry/tracer.h"

namespace tidegate::proxy::exchange {

/// What is made of a site's HttpOptions on the control thread. Immutable, shared by all workers.
struct SiteOptions {
  /// Where the policy is; null: HTTP as usual, and nothing to do for any exchange.
  const HttpOptions* source = nullptr;
  std::shared_ptr<const telemetry::AccessLogs> logs;  // null: none
  std::uint16_t port = 0;                             // that the Gateway names
  std::string listener;                               // FILTER_CHAIN_NAME
  CidrTable trusted;                                  // HttpOptions::trusted_cidrs
  LocalReplyRules replies;
  std::shared_ptr<const telemetry::Tracer> tracer;  // null: exchanges have no spans

  /// `config` outlives it; null: none. What is wrong is left out and told in `problems`.
  static SiteOptions compile(const HttpOptions* config, std::uint16_t port,
                             std::shared_ptr<const telemetry::AccessLogs> default_logs,
                             telemetry::LogWriter& writer, telemetry::Sinks& sinks,
                             std::vector<std::string>& problems);
};

/// What is wrong with options, before anything is made of them: formats, expressions, ranges.
/// Empty: nothing.
std::vector<std::string> problems_of(const HttpOptions& config);

/// What becomes of a request before a route is looked for.
enum class Prepared {
  kGoOn,
  kHealthCheck,     // is answered with 200
  kOldVersion,      // HTTP/1.0 is not taken: 426
  kUnknownUpgrade,  // 403
};

/// Carries out what the options say of every request: host without port or final dot, early header
/// changes, and what is answered at once. What it makes anew lives in `arena`.
Prepared prepare(const SiteOptions& options, http::RequestHead& request, Arena& arena);

/// Sets or leaves the Server field.
void name_server(const HttpOptions& options, http::ResponseHead& head);

}  // namespace tidegate::proxy::exchange
