#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/stream.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/slot.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/cluster.h"
#include "proxy/upstream/dynamic.h"
#include "proxy/upstream/error.h"
#include "proxy/upstream/host_set.h"
#include "proxy/upstream/http1_client.h"

struct ssl_ctx_st;

namespace tidegate::proxy::upstream {

class Http2Client;

/// What all workers note of one address for outlier detection. The control thread makes it.
struct OutlierWatch {
  std::atomic<std::uint32_t> consecutive_5xx{0};
  std::atomic<std::uint32_t> limit{5};
  std::atomic<bool> split{false};  // what failed before an answer is counted by itself
  std::atomic<std::uint32_t> consecutive_local{0};
  std::atomic<std::uint32_t> limit_local{5};
  std::function<void(bool local)> tripped;  // called on a worker when a limit is met
};

/// One address that an endpoint stands for, as the control thread found it, and how it is.
struct Address {
  boost::asio::ip::tcp::endpoint at;
  std::uint32_t weight = 1;
  const PerWorker<EndpointStats>* stats = nullptr;  // null: not counted
  std::uint32_t priority = 0;
  std::string zone;
  std::string hostname;                 // the endpoint as it is written
  bool failed_check = false;            // of its active health check, or not checked yet
  bool ejected = false;                 // by outlier detection
  std::shared_ptr<OutlierWatch> watch;  // null: no outlier detection
  bool healthy() const { return !failed_check && !ejected; }
  bool operator==(const Address&) const = default;
};

/// "127.0.0.1:9000", "[::1]:9000".
std::string text_of(const boost::asio::ip::tcp::endpoint& at);

/// What the control thread compiles of a snapshot's cluster: shared by all workers, immutable.
struct CompiledCluster {
  std::uint32_t id = 0;  // of its name, for the life of the process; from 1
  Cluster config;
  std::shared_ptr<ssl_ctx_st> tls;  // null: plaintext
  std::string client_certificate;   // PEM chain: its name stays when it is renewed
  PerWorker<ClusterStats>* stats = nullptr;
  ClusterLimits* limits = nullptr;  // null: no policy gives circuit breakers
  LookUp look_up;                   // where the config is `dynamic`
};
using CompiledClusterPtr = std::shared_ptr<const CompiledCluster>;

/// One address of a cluster on one worker: its connections and counters. Lives on by address when a
/// snapshot changes, and until its last exchange ends when it is taken out.
struct Host : std::enable_shared_from_this<Host> {
  Address address;
  std::string text;                                // "127.0.0.1:9000"
  std::vector<std::unique_ptr<Http1Client>> idle;  // last used last
  std::vector<std::unique_ptr<Http2Client>> http2;
  /// A request that waits for a connection.
  struct Waiting {
    Event over;
    error_code failed;
    /// Whoever asked does not want it any more; also where it does not wait yet, or has been told
    /// already to look again.
    void cancel(error_code why) {
      failed = why;
      if (over.awaited()) over.notify();
    }
  };
  std::vector<Waiting*> waiting;     // for one that is being made; each in its coroutine's frame
  std::vector<Waiting*> queue;       // for one that another gives back (circuit breakers)
  std::size_t connecting = 0;        // connections under way
  EndpointStats* counted = nullptr;  // this worker's; null: not counted
  std::uint32_t active = 0;
  bool removed = false;
  std::uint64_t session = 0;  // what stands for it in session tokens, in every process; never 0
  std::uint64_t epoch = 0;    // connections of an older one end with their exchange
  TimerWheel::Clock::time_point since;  // when it came, or came back to health

  Host();
  ~Host();
  /// How an attempt went, for outlier detection: the answer's status; 0: there was none.
  void note(int status);
  /// One that waits in the queue looks again, in a turn of its own.
  void wake(Loop& loop);
};

class ClusterState;

/// What a request wants of a cluster besides a connection. Plain: it stands in the frame of who
/// awaits acquire(), and what it points to lives as long.
struct Choice {
  Host* wanted = nullptr;                        // the host that a session says
  std::optional<std::uint64_t> hash;             // see ClusterState::hash_policies()
  std::string_view authority;                    // where the request wants to go (Cluster::dynamic)
  const net::ConnectionFacts* client = nullptr;  // who is told to the endpoint (PROXY protocol)
  /// Where the request waits for a connection that another makes or gives back, so that it can be
  /// told to stop; null: circuit breakers do not put it off, it fails with kOverflow.
  Host::Waiting* waiting = nullptr;
  /// How long making a connection may take, apart from the cluster's connect timeout.
  std::chrono::milliseconds most = std::chrono::milliseconds::max();
  bool for_ourselves = false;  // it may have the last file descriptors (net::for_ourselves())
};

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
  Slot request_;
  std::uint64_t epoch_ = 0;
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
  /// looked at first.
  Task<Result<Lease>> acquire(bool fresh, bool careful, Choice choice = Choice());

  const Cluster& config() const { return compiled_->config; }
  ClusterStats& stats() { return *(*compiled_->stats)[loop_.index]; }
  Loop& loop() { return loop_; }
  const std::vector<std::shared_ptr<Host>>& hosts() const { return hosts_; }
  /// A plaintext or TLS connection to a host, counted. `alpn`: what TLS offers; empty for a relay,
  /// which does not know what it carries.
  /// `client`: who is told to the endpoint, where it wants the PROXY protocol; null: nobody.
  /// `most`, `ours_alone`: see Choice.
  Task<Result<std::unique_ptr<net::Stream>>> connect(
      Host& host, std::string_view alpn, const net::ConnectionFacts* client = nullptr,
      std::chrono::milliseconds most = std::chrono::milliseconds::max(), bool ours_alone = false);
  /// Null where no host may be used. `hash`: of the request, where there are hash policies.
  std::shared_ptr<Host> pick(std::optional<std::uint64_t> hash = std::nullopt);
  /// Whether a request needs to be looked at for config()'s hash policies or stream duration.
  bool plain() const { return plain_; }
  /// A place among the retries that may be at a time; nothing where there is none.
  std::optional<Slot> begin_retry();
  void close_idle();

 private:
  friend class Lease;
  Task<Result<std::shared_ptr<Host>>> find_host(std::string_view authority);
  Task<Result<Lease>> acquire_http1(std::shared_ptr<Host> host, bool fresh, bool careful,
                                    Choice choice);
  Task<Result<std::unique_ptr<http::ClientStream>>> open_http2(std::shared_ptr<Host> host,
                                                               Choice choice);
  void read_config();
  bool overflows() const;
  bool full(const Host& host, std::size_t connections) const;
  void rebuild();
  void sweep();
  void sweep_soon();

  Loop& loop_;
  CompiledClusterPtr compiled_;
  // What each request looks at, out of compiled_: side by side, in one cache line.
  ClusterLimits* limits_ = nullptr;
  std::uint32_t requests_max_ = 0;
  bool http2_ = false;
  bool told_client_ = false;  // the PROXY protocol
  bool plain_ = true;
  bool slow_start_ = false;
  std::vector<Address> addresses_;
  std::vector<std::shared_ptr<Host>> hosts_;
  bool alone_ = false;                                               // one host, and it may be used
  std::unique_ptr<HostSet> choices_;                                 // null: alone, or no host
  std::unique_ptr<Names> names_;                                     // of Cluster::dynamic
  std::map<std::string, std::shared_ptr<Host>, std::less<>> named_;  // by "name address:port"
  std::uint32_t active_ = 0;
  std::atomic<std::uint32_t> retries_{0};  // this worker's alone, where there are no limits
  std::unique_ptr<Timer> sweeper_;
};

/// All clusters of one worker.
class Clusters {
 public:
  explicit Clusters(Loop& loop) : loop_(loop) {}
  Loop& loop() const { return loop_; }

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
