#include "proxy/relay/tcp.h"

#include <boost/asio/error.hpp>
#include <chrono>

#include "proxy/relay/pair.h"
#include "proxy/upstream/weighted.h"

namespace tidegate::proxy::relay {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::hours kIdleTimeout{1};  // Envoy's default
constexpr int kConnectAttempts = 3;

/// What there is to tell of a connection when it has ended.
struct Outcome {
  const char* flags = "-";
  std::string host;
  const WeightedCluster* cluster = nullptr;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};

Task<Outcome> connect_and_copy(TcpContext& context, const StreamRoute& route,
                               net::Stream& downstream) {
  Outcome out;
  out.cluster = upstream::pick(route.clusters, context.loop.random);
  std::shared_ptr<upstream::ClusterState> cluster;
  if (out.cluster) cluster = context.clusters.find(out.cluster->cluster);
  if (!cluster) {
    context.stats.downstream_cx_no_route.add();
    out.flags = "NC";
    co_return out;
  }
  out.flags = "UH";
  std::shared_ptr<upstream::Host> host;
  std::unique_ptr<net::Stream> upstream;
  for (int i = 0; i < kConnectAttempts && !upstream && downstream.is_open(); ++i) {
    const std::shared_ptr<upstream::Host> next = cluster->pick();
    if (!next) {
      cluster->stats().upstream_cx_none_healthy.add();
      break;
    }
    if (next == host) break;  // the only one
    host = next;
    out.host = host->text;
    Result<std::unique_ptr<net::Stream>> connected =
        co_await cluster->connect(*host, {}, &downstream.facts());
    if (connected) {
      host->note(200);
      upstream = std::move(*connected);
    } else {
      out.flags = "UF";
    }
  }
  if (!upstream) co_return out;
  ClusterStats& counted = cluster->stats();
  counted.upstream_cx_active.add();
  if (host->counted) host->counted->cx_active.add();
  const auto started = context.loop.wheel.now();
  Pair pair(context.loop,
            {downstream, context.stats.downstream_cx_rx_bytes_total,
             context.stats.downstream_cx_tx_bytes_total},
            {*upstream, counted.upstream_cx_rx_bytes_total, counted.upstream_cx_tx_bytes_total},
            kIdleTimeout);
  co_await pair.run();
  upstream->close();
  if (host->counted) host->counted->cx_active.sub();
  counted.upstream_cx_active.sub();
  counted.upstream_cx_destroy.add();
  counted.upstream_cx_length_ms.record(
      std::chrono::duration<double, std::milli>(context.loop.wheel.now() - started).count());
  if (pair.idled) context.stats.idle_timeout.add();
  out.flags = pair.idled ? "SI" : "-";
  out.received = pair.from_downstream;
  out.sent = pair.from_upstream;
  co_return out;
}

}  // namespace

Task<void> carry(TcpContext context, const StreamRoute& route, net::Stream& downstream) {
  const auto began = std::chrono::system_clock::now();
  const auto started = std::chrono::steady_clock::now();
  context.stats.downstream_cx_total.add();
  const Outcome outcome = co_await connect_and_copy(context, route, downstream);
  if (!context.logs) co_return;
  format::Values values;
  values.http = false;
  values.started = began;
  values.downstream = &downstream.facts();
  values.flags = format::ResponseFlags::parse(outcome.flags);
  values.bytes_received = outcome.received;
  values.bytes_sent = outcome.sent;
  values.duration = std::chrono::steady_clock::now() - started;
  values.upstream_host = outcome.host;
  if (outcome.cluster) values.upstream_cluster = outcome.cluster->cluster;
  values.route = &route.origin;
  values.route_name = route.origin.name;
  values.random = &context.loop.random;
  context.logs->write(context.loop.index, values);
}

}  // namespace tidegate::proxy::relay
