#pragma once

#include "proxy/net/stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/route.h"
#include "proxy/telemetry/access_log.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::relay {

/// What a relayed connection needs from its worker. All outlive it.
struct TcpContext {
  Loop& loop;
  upstream::Clusters& clusters;
  TcpStats& stats;
  const telemetry::AccessLogs* logs = nullptr;
};

/// Carries a connection's bytes to one of the route's backends and back, as they are, until both
/// sides have ended, one has failed, or nothing has moved for an hour. An end is passed on as an
/// end: the other direction goes on (half-close). A side that does not take bytes holds the other
/// one back. Where a backend cannot be connected to, the next ones are tried: nothing is lost, the
/// client's bytes are still unread. `route` and `downstream` outlive the task.
Task<void> carry(TcpContext context, const StreamRoute& route, net::Stream& downstream);

}  // namespace tidegate::proxy::relay
