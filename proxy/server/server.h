#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "proxy/aws/ec2_watcher.h"
#include "proxy/health/checker.h"
#include "proxy/health/outliers.h"
#include "proxy/server/certificate_age.h"
#include "proxy/server/compiled.h"
#include "proxy/server/sockets.h"
#include "proxy/server/worker.h"
#include "proxy/snapshot/applied.h"
#include "proxy/telemetry/access_log.h"
#include "proxy/upstream/dns.h"

namespace tidegate::proxy::server {

/// The data plane: workers, what they listen on, and the snapshot that they serve. Everything is
/// called on the control thread, whose loop `control` is, and every callback comes there.
class Server {
 public:
  struct Options {
    std::size_t workers = 1;
    std::chrono::milliseconds drain_timeout{30000};
    /// That this process listens on besides the listeners: requests that name their destination do
    /// not get there.
    std::vector<std::uint16_t> own_ports;
  };
  using OnApplied = std::function<void(const Applied&)>;

  /// `stats` and `log_writer` live longer. `logs` are those of listeners that have none of their
  /// own; null: none.
  Server(boost::asio::io_context& control, StatsStore& stats, telemetry::LogWriter& log_writer,
         std::shared_ptr<const telemetry::AccessLogs> logs, Options options, OnApplied on_applied);
  /// Stops the workers at once.
  ~Server();

  void start();
  /// Compiles, opens sockets, and has each worker serve it from its next request on. `on_applied`
  /// is called when all do, and again when a port that could not be bound is.
  void publish(SnapshotPtr snapshot, std::uint64_t version);
  /// No new connections; calls `done` when the last exchange has ended, or the drain timeout has.
  void drain(std::function<void()> done);

  /// Stops listening for good; connections go on and are asked to close at their next answer.
  void close_listeners();
  /// Whether the health check paths of listeners say that this process takes traffic.
  void set_healthy(bool healthy);
  /// Workers let go of free memory that they keep to be quick.
  void trim();
  /// Closes those connections that hold most, so many bytes in all.
  void close_most(std::uint64_t bytes);
  /// Asks all connections to close at their next answer, and goes on listening.
  void close_connections_gently();

  SnapshotPtr snapshot() const { return compiled_ ? compiled_->snapshot : nullptr; }
  /// The first snapshot is served by every worker.
  bool serving() const { return serving_; }
  bool draining() const { return draining_; }
  /// What is known of each cluster's addresses, DNS names resolved.
  const std::map<std::string, std::vector<upstream::Address>>& addresses() const {
    return addresses_;
  }
  Applied applied() const;

 private:
  template <class What>
  void on_workers(What what);
  void distribute(const Sockets::Change& change, std::function<void()> all_done);
  void follow_names(const Snapshot& snapshot);
  std::vector<upstream::Address> addresses_of(const Cluster& cluster);
  void add_health(const Cluster& cluster, std::vector<upstream::Address>& addresses);
  void name_changed(const std::string& name, std::vector<boost::asio::ip::address> found);
  void addresses_changed(const std::string& cluster);
  void follow_health();
  void check_health();
  void checked(const health::Checker::Result& result);
  void tripped(const std::string& cluster, const boost::asio::ip::tcp::endpoint& at, bool local);
  void sweep_outliers(const std::string& cluster);
  void look_up(Loop& loop, const std::string& name, std::uint16_t port,
               std::function<void(upstream::Found)> reply);
  bool is_own(const boost::asio::ip::address& address, std::uint16_t port) const;
  void follow_discoveries();
  void ask_clouds();
  void asked_cluster_moved(const std::string& cluster);
  void discovered(const aws::Ec2Watcher::Found& found);
  void count_members(const std::string& cluster);
  void count_changes(const Snapshot& next);
  void count_sockets(const Sockets::Change& change);
  void watch_loops();
  void free_retired();
  void schedule_retry();
  void look_at_certificates();
  void tell_applied();

  boost::asio::io_context& control_;
  StatsStore& stats_;
  Lasting lasting_;
  Options options_;
  OnApplied on_applied_;
  upstream::Resolver resolver_;
  Sockets sockets_;
  std::mutex handing_out_;  // held until all workers have what on_workers() gives them
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<const Compiled> compiled_;
  std::vector<std::shared_ptr<const Compiled>> retired_;  // before it, as long as they are in use
  std::map<std::string, std::vector<boost::asio::ip::address>> names_;  // that are followed
  std::map<std::string, std::vector<upstream::Address>> addresses_;     // by cluster
  struct OutlierState {
    OutlierState(health::Outliers outliers_in, boost::asio::io_context& io)
        : outliers(std::move(outliers_in)), timer(io) {}
    health::Outliers outliers;
    boost::asio::steady_timer timer;
  };
  std::map<std::string, std::unique_ptr<OutlierState>> outliers_;  // by cluster
  /// By cluster: what its health checks say so far.
  std::map<std::string, std::map<boost::asio::ip::tcp::endpoint, bool>> healthy_;
  std::unique_ptr<health::Checker> checker_;  // null until start()
  struct Discovery {
    Ec2Discovery what;
    std::shared_ptr<aws::Identity> identity;
    std::vector<Endpoint> endpoints;  // the last that were known
    bool answered = false;
    AppliedDiscovery said;
  };
  std::map<std::string, Discovery> discoveries_;  // by cluster
  std::unique_ptr<aws::Ec2Watcher> ec2_;          // null until a cluster has a discovery
  std::map<std::string, std::set<boost::asio::ip::tcp::endpoint>> members_;  // by cluster
  boost::asio::steady_timer watchdog_;
  CertificateAge certificate_age_;
  boost::asio::steady_timer age_timer_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer drain_timer_;
  std::function<void()> drained_;
  std::size_t draining_workers_ = 0;
  bool retry_scheduled_ = false;
  bool serving_ = false;
  bool settled_ = false;  // the snapshot of compiled_ is served by every worker
  bool draining_ = false;
};

}  // namespace tidegate::proxy::server
