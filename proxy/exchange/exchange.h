#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/exchange/plan.h"
#include "proxy/exchange/site_options.h"
#include "proxy/http/stream.h"
#include "proxy/net/stream.h"
#include "proxy/router/site_table.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::exchange {

/// What an exchange needs from the connection and the worker that it is on. All outlive it; what
/// belongs to a snapshot is pinned by whoever calls run().
struct Context {
  Loop& loop;
  upstream::Clusters& clusters;
  HttpStats& stats;
  const router::SiteTable& sites;
  const std::vector<Plans>& plans;  // by CompiledSite::index
  const net::ConnectionFacts& facts;
  const SiteOptions& options;         // of the connection's site
  ListenerStats* listener = nullptr;  // null: not counted by listener
};

/// One request's life: route, filters, attempts, reply. Returns when the answer is sent, or the
/// stream is aborted. A request body that nobody wanted may be left unread.
Task<void> run(Context context, http::ServerStream& stream);

}  // namespace tidegate::proxy::exchange
