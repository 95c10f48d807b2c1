#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/stream.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/cluster.h"
#include "proxy/upstream/error.h"
#include "proxy/upstream/http1_client.h"

struct ssl_ctx_st;

namespace tidegate::proxy::upstream {

class Http2Client;

/// One address that an endpoint stands for, as the control thread found it.
struct Address {
  boost::asio::ip::tcp::endpoint at;
  std::uint32_t weight = 1;
  const PerWorker<EndpointStats>* stats = nullptr;  // null: not counted
  bool operator==(const Address&) const = default;
};

/// "127.0.0.1:9000", "[::1]:9000".
std::string text_of(const boost::asio::ip::tcp::endpoint& at);

/// What the control thread compiles of a snapshot's cluster: shared by all workers, immutable.
struct CompiledCluster {
  std::uint32_t id = 0;  // of its name, for the life of the process; from 1
  Cluster config;
  std::shared_ptr<ssl_ctx_st> tls;  // null: plaintext
  PerWorker<ClusterStats>* stats = nullptr;
};
using CompiledClusterPtr = std::shared_ptr<const CompiledCluster>;

/// One address of a cluster on one worker: its connections and counters. Lives on by address when a
/// snapshot changes, and until its last exchange ends when it is taken out.
struct Host {
  Address address;
  std::string text;                                // "127.0.0.1:9000"
  std::vector<std::unique_ptr<Http1Client>> idle;  // last used last
  std::vector<std::unique_ptr<Http2Client>> http2;
  /// A request that waits for a connection that another has asked for.
  struct Waiting {
    Event over;
    error_code failed;
  };
  std::vector<Waiting*> waiting;     // each in the frame of its own coroutine
  std::size_t connecting = 0;        // HTTP/2 connections under way
  EndpointStats* counted = nullptr;  // this worker's; null: not counted
  std::uint32_t active = 0;
  bool removed = false;
  std::uint64_t session = 0;  // what stands for it in session tokens, in every process; never 0
  std::int64_t credit = 0;    // of weighted round robin

  Host();
  ~Host();
};

class ClusterState;

/// An attempt's hold on a connection. Ends by finish() (back to the pool if it can be) or by being
/// destroyed.
class Lease {
 public:
  Lease() = default;
  Lease(std::shared_ptr<ClusterState> cluster, std::shared_ptr<Host> host,
        std::unique_ptr<Http1Client> http1, std::unique_ptr<http::ClientStream> http2);
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { finish(); }

  explicit operator bool() const { return host_ != nullptr; }
  http::ClientStream& stream() {
    return http1_ ? static_cast<http::ClientStream&>(*http1_) : *http2_;
  }
  const Host& host() const { return *host_; }
  /// How the attempt went, for /clusters: the answer's status; 0: none came.
  void count(int status);
  void finish();

 private:
  std::shared_ptr<ClusterState> cluster_;
  std::shared_ptr<Host> host_;
  std::unique_ptr<Http1Client> http1_;
  std::unique_ptr<http::ClientStream> http2_;
};

/// A cluster on one worker: its hosts, their pools, and the choice among them.
class ClusterState : public std::enable_shared_from_this<ClusterState> {
 public:
  ClusterState(Loop& loop, CompiledClusterPtr compiled);
  ~ClusterState();

  /// A new snapshot's version of it. Pools are dropped where protocol or TLS changed.
  void update(CompiledClusterPtr compiled);
  void set_addresses(const std::vector<Address>& addresses);

  /// Picks a host and a connection to it, a new one if need be. `fresh`: no pooled one (a retry
  /// after a stale one). `careful`: the request must not be sent twice, so a pooled connection is
  /// looked at first. `wanted`: the host, where a session says so.
  Task<Result<Lease>> acquire(bool fresh, bool careful, std::shared_ptr<Host> wanted = nullptr);

  const Cluster& config() const { return compiled_->config; }
  ClusterStats& stats() { return *(*compiled_->stats)[loop_.index]; }
  Loop& loop() { return loop_; }
  const std::vector<std::shared_ptr<Host>>& hosts() const { return hosts_; }
  /// A plaintext or TLS connection to a host, counted. `alpn`: what TLS offers; empty for a relay,
  /// which does not know what it carries.
  Task<Result<std::unique_ptr<net::Stream>>> connect(Host& host, std::string_view alpn);
  std::shared_ptr<Host> pick();
  void close_idle();

 private:
  friend class Lease;
  Task<Result<std::unique_ptr<http::ClientStream>>> open_http2(std::shared_ptr<Host> host);
  void sweep();

  Loop& loop_;
  CompiledClusterPtr compiled_;
  std::vector<std::shared_ptr<Host>> hosts_;
  std::uint64_t total_weight_ = 0;
  bool equal_weights_ = true;
  std::size_t next_ = 0;
  std::uint32_t active_ = 0;
  std::unique_ptr<Timer> sweeper_;
};

/// All clusters of one worker.
class Clusters {
 public:
  explicit Clusters(Loop& loop) : loop_(loop) {}

  void update(const std::map<std::string, CompiledClusterPtr>& compiled,
              const std::map<std::string, std::vector<Address>>& addresses);
  void set_addresses(const std::string& cluster, const std::vector<Address>& addresses);
  /// Null where there is none of that name.
  std::shared_ptr<ClusterState> find(std::string_view name) const;
  /// The same by CompiledCluster::id: for the request path.
  std::shared_ptr<ClusterState> by_id(std::uint32_t id) const {
    return id < by_id_.size() ? by_id_[id] : nullptr;
  }
  void close_idle();

 private:
  Loop& loop_;
  std::map<std::string, std::shared_ptr<ClusterState>, std::less<>> clusters_;
  std::vector<std::shared_ptr<ClusterState>> by_id_;  // 0 is nobody's
};

}  // namespace tidegate::proxy::upstream
