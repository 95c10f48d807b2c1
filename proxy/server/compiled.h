#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/exchange/plan.h"
#include "proxy/exchange/site_options.h"
#include "proxy/net/stream.h"
#include "proxy/router/site_table.h"
#include "proxy/snapshot/snapshot.h"
#include "proxy/telemetry/access_log.h"
#include "proxy/tls/context.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::server {

/// What is made of a snapshot's listener: its host and path tables, its TLS contexts. Immutable,
/// shared by all workers.
struct CompiledListener {
  SnapshotPtr snapshot;  // that the pointers below point into
  const Listener* listener = nullptr;
  std::unique_ptr<router::SiteTable> sites;
  std::vector<exchange::Plans> plans;        // of each site
  std::unique_ptr<tls::ServerContexts> tls;  // null: plaintext
  bool passthrough = false;                  // some site passes TLS through: the SNI is peeked at
  PerWorker<ListenerStats>* stats = nullptr;
  std::map<const StreamRoute*, PerWorker<TcpStats>*> tcp_stats;
  std::map<const StreamRoute*, PerWorker<UdpStats>*> udp_stats;
  std::vector<exchange::SiteOptions> options;  // of each site
  std::size_t plain_site = 0;                  // whose options are those of plaintext connections

  /// The options of a connection: those of the site that its SNI names; without TLS a port has one
  /// set of them.
  const exchange::SiteOptions& options_of(const net::ConnectionFacts& facts) const;
};

/// What is made of a snapshot, on the control thread.
struct Compiled {
  SnapshotPtr snapshot;
  std::uint64_t version = 0;
  std::map<std::string, std::shared_ptr<const CompiledListener>> listeners;  // by name
  std::map<std::string, upstream::CompiledClusterPtr> clusters;
  std::vector<std::shared_ptr<const telemetry::Sink>> sinks;  // that spans and log entries go to
};

/// What outlives snapshots. Control thread.
struct Lasting {
  Lasting(StatsStore& stats_in, std::size_t workers) : stats(stats_in), sinks(stats_in, workers) {}
  /// The number of a cluster's name, from 1.
  std::uint32_t cluster_id(const std::string& name) {
    return cluster_ids.try_emplace(name, static_cast<std::uint32_t>(cluster_ids.size() + 1))
        .first->second;
  }

  StatsStore& stats;
  upstream::LookUp look_up;  // for clusters whose endpoints are what requests name
  filters::Kept kept;
  telemetry::Sinks sinks;
  telemetry::LogWriter* log_writer = nullptr;
  std::shared_ptr<const telemetry::AccessLogs> default_logs;  // of the command line; null: none
  std::map<std::string, std::uint32_t> cluster_ids;
};

/// Errors of single parts (a certificate that OpenSSL refuses) leave that part out and are told in
/// `problems`.
std::shared_ptr<const Compiled> compile(SnapshotPtr snapshot, std::uint64_t version,
                                        Lasting& lasting, std::vector<std::string>& problems);

/// A worker's own hold on a compiled listener: exchanges pin it with a plain count, not with one
/// that workers contend for.
struct PinnedListener : boost::intrusive_ref_counter<PinnedListener, boost::thread_unsafe_counter> {
  explicit PinnedListener(std::shared_ptr<const CompiledListener> compiled_in)
      : compiled(std::move(compiled_in)) {}
  std::shared_ptr<const CompiledListener> compiled;
};
using PinnedListenerPtr = boost::intrusive_ptr<PinnedListener>;

}  // namespace tidegate::proxy::server
