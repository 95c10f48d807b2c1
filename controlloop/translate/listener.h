#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/kinds/gateway/gateway.h"
#include "config/kinds/gateway/listener_set.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/precedence.h"
#include "controlloop/translate/translate.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

using Report = status::Report;

/// What a listener serves under one host name.
struct HostState {
  std::string kind;  // of its routes: HTTPRoute or GRPCRoute, never both
  RankedEntries entries;
};

/// The object that a listener stands in: a Gateway or a ListenerSet.
struct ListenerOwner {
  const char* kind = "Gateway";
  const config::Meta* meta = nullptr;  // lives as long as the object
};

/// One listener, as far as it has been judged.
struct ListenerState {
  ListenerOwner owner;
  const config::ListenerSpec* spec = nullptr;  // lives as long as the owner
  std::size_t index = 0;                       // in the owner's spec.listeners
  std::vector<std::string> supported_kinds;    // of Gateway API's group
  std::vector<status::Condition> conditions;   // all but Programmed
  proxy::TlsTermination tls;                   // where it terminates
  std::size_t routes_attached = 0;
  std::string snapshot_listener;  // that it is a site of; empty: not served
  proxy::RouteTable table;
  std::map<std::string, HostState> hosts;  // what table.hosts is made of
  std::set<std::string> kinds_attached;
  std::vector<proxy::StreamRoute> streams;
  std::set<std::string> stream_names;  // that `streams` serve

  std::optional<proxy::HttpOptions> http;              // of its policies
  std::optional<proxy::ConnectionOptions> connection;  // of its policies

  bool accepted() const { return status::is_true(conditions, "Accepted"); }
  bool served() const { return !snapshot_listener.empty(); }
  /// TLS ends here.
  bool terminates() const;
  /// Path of one of its fields in its owner, for Report.
  std::string field(std::string_view rest = {}) const;
  void fail(const char* condition, const char* reason, std::string_view path, std::string message,
            Report& report);
};

/// Fills in conditions, kinds and certificates: everything that can be said of a listener by
/// itself. Certificates go into `snapshot`. Source: Gateway API Listener, ListenerEntry; GEP-91
/// (client certificates, where `gateway` has them).
void judge_listener(ListenerState& listener, const config::Gateway& gateway,
                    const config::ObjectSet& objects, const Options& options,
                    proxy::Snapshot& snapshot, Report& report);

/// Listeners of one Gateway must differ: those on one port in protocol and host name. Of those of
/// one object that do not, none is accepted; between objects, the first in `listeners` (the
/// Gateway, then its ListenerSets, oldest first) wins. Source: Gateway API Gateway.spec.listeners,
/// GEP-1713.
void judge_conflicts(std::vector<ListenerState>& listeners, Report& report);

/// Whether two listeners on one port can be told apart by host name: HTTP by Host; HTTPS and TLS,
/// also together, by SNI.
bool share_port(std::string_view protocol, std::string_view other);

}  // namespace tidegate::controlloop::translate
