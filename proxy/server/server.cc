#include "proxy/server/server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/surely.h"
#include "proxy/runtime/priority.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;

namespace {
// Envoy's watchdog: miss_timeout, megamiss_timeout.
constexpr std::chrono::milliseconds kLate{200};
constexpr std::chrono::milliseconds kVeryLate{1000};
}  // namespace

Server::Server(asio::io_context& control, StatsStore& stats, telemetry::LogWriter& log_writer,
               std::shared_ptr<const telemetry::AccessLogs> logs, Options options,
               OnApplied on_applied)
    : control_(control),
      stats_(stats),
      lasting_(stats, options.workers),
      options_(options),
      on_applied_(std::move(on_applied)),
      resolver_(control, &stats.dns()),
      sockets_(options.workers),
      watchdog_(control),
      age_timer_(control),
      retry_timer_(control),
      drain_timer_(control) {
  lasting_.look_up = [this](Loop& loop, const std::string& name, std::uint16_t port,
                            std::function<void(upstream::Found)> reply) {
    look_up(loop, name, port, std::move(reply));
  };
  lasting_.log_writer = &log_writer;
  lasting_.default_logs = std::move(logs);
  std::random_device seed;
  for (std::size_t i = 0; i < options.workers; ++i) {
    std::uint64_t word = (static_cast<std::uint64_t>(seed()) << 32U) | seed();
    workers_.push_back(std::make_unique<Worker>(i, word, stats));
  }
}

Server::~Server() {
  for (auto& worker : workers_) worker->stop();
  ec2_.reset();  // before the loops of those whose questions it may be asking
}

void Server::start() {
  for (auto& worker : workers_) worker->start();
  checker_ = std::make_unique<health::Checker>([this](const health::Checker::Result& result) {
    asio::post(control_, [this, result] { checked(result); });
  });
  come_second();  // this thread, and those that it starts from here on
  watch_loops();
}

/// Each worker does `what`, before whatever becomes ready from now on, and none of them while
/// another does not have it yet: who has seen one act on it finds no other that does not, but for
/// what one is in the middle of reading.
template <class What>
void Server::on_workers(What what) {
  struct WakeAll {
    std::vector<std::unique_ptr<Worker>>& workers;
    ~WakeAll() {
      for (auto& worker : workers) worker->wake();
    }
  } const wake_all{workers_};
  std::shared_ptr<const What> shared;
  surely([&] { shared = std::make_shared<const What>(what); });
  const std::lock_guard until_all_have_it(handing_out_);
  for (auto& worker : workers_) {
    worker->leave([this, &worker = *worker, what = shared] {
      handing_out_.lock();
      handing_out_.unlock();
      (*what)(worker);
    });
  }
}

/// Asks each worker once a second how long it takes to come round.
void Server::watch_loops() {
  watchdog_.expires_after(std::chrono::seconds(1));
  watchdog_.async_wait([this](error_code cancelled) {
    if (cancelled) return;
    watch_loops();
    free_retired();
    for (auto& worker : workers_) {
      worker->leave([this, asked = std::chrono::steady_clock::now()] {
        const auto late = std::chrono::steady_clock::now() - asked;
        if (late < kLate) return;
        asio::post(control_, [this, late] {
          WatchdogStats& counted = stats_.watchdog();
          counted.watchdog_miss.add();
          if (late >= kVeryLate) counted.watchdog_mega_miss.add();
        });
      });
      worker->wake();
    }
  });
}

void Server::publish(SnapshotPtr snapshot, std::uint64_t version) {
  if (draining_) return;
  count_changes(*snapshot);
  std::vector<std::string> problems;
  retired_.reserve(retired_.size() + 1);
  std::shared_ptr<const Compiled> before =
      std::exchange(compiled_, compile(snapshot, version, lasting_, problems));
  if (before) retired_.push_back(std::move(before));
  for (const std::string& problem : problems) log::error(log::Component::kConfig, "{}", problem);
  settled_ = false;
  look_at_certificates();
  follow_names(*snapshot);
  follow_health();
  follow_discoveries();
  addresses_.clear();
  for (const auto& [name, cluster] : compiled_->clusters)
    addresses_[name] = addresses_of(cluster->config);
  check_health();
  ask_clouds();
  Sockets::Change change = sockets_.update(*snapshot);
  count_sockets(change);
  distribute(change, [this, compiled = compiled_] {
    serving_ = true;
    settled_ = settled_ || compiled == compiled_;
    tell_applied();
    free_retired();
  });
  schedule_retry();
}

/// What was made of thousands of routes takes milliseconds to free: here, and not in the worker
/// whose exchange was the last to need it.
void Server::free_retired() {
  std::erase_if(retired_, [](const std::shared_ptr<const Compiled>& one) {
    return one.use_count() == 1 &&
           std::all_of(one->listeners.begin(), one->listeners.end(),
                       [](const auto& listener) { return listener.second.use_count() == 1; });
  });
}

void Server::distribute(const Sockets::Change& change, std::function<void()> all_done) {
  struct Given {
    std::shared_ptr<const Compiled> compiled;
    std::map<std::string, std::vector<upstream::Address>> addresses;
    std::vector<std::vector<OpenedSocket>> opened;  // by worker, each of which changes its own
    std::vector<std::string> closed;
    std::size_t left;  // the control thread's
    std::function<void()> all_done;
  };
  auto given =
      std::make_shared<Given>(Given{compiled_, addresses_, change.opened, change.closed_keys,
                                    workers_.size(), std::move(all_done)});
  on_workers([this, given](Worker& worker) {
    surely([&] {
      worker.apply(given->compiled, given->addresses, given->opened[worker.index()], given->closed);
    });
    surely([&] {
      asio::post(control_, [given] {
        if (--given->left == 0) given->all_done();
      });
    });
  });
}

Applied Server::applied() const {
  Applied out;
  if (!compiled_) return out;
  out.version = compiled_->version;
  out.listeners = sockets_.state(*compiled_->snapshot);
  for (const auto& [cluster, discovery] : discoveries_) {
    if (discovery.answered) out.discoveries.push_back(discovery.said);
  }
  return out;
}

void Server::tell_applied() {
  if (!on_applied_) return;
  std::optional<Applied> now;
  surely([&] { now = applied(); });
  on_applied_(*now);
}

/// One socket a worker.
void Server::count_sockets(const Sockets::Change& change) {
  ListenerManagerStats& counted = stats_.listener_manager();
  for (const auto& of_worker : change.opened) counted.listener_create_success.add(of_worker.size());
  const std::vector<AppliedListener> all = sockets_.state(*compiled_->snapshot);
  const auto failed =
      std::count_if(all.begin(), all.end(), [](const AppliedListener& one) { return !one.bound; });
  counted.listener_create_failure.add(static_cast<std::uint64_t>(failed) * workers_.size());
}

void Server::schedule_retry() {
  if (retry_scheduled_ || sockets_.all_bound() || draining_) return;
  retry_scheduled_ = true;
  retry_timer_.expires_after(std::chrono::seconds(1));
  retry_timer_.async_wait([this](error_code cancelled) {
    retry_scheduled_ = false;
    if (cancelled || draining_) return;
    Sockets::Change change = sockets_.retry();
    if (!change.empty()) distribute(change, [this] { tell_applied(); });
    schedule_retry();
  });
}

/// Now, and each hour: they grow old without a change.
void Server::look_at_certificates() {
  certificate_age_.look(*compiled_->snapshot, std::time(nullptr));
  age_timer_.expires_after(std::chrono::hours(1));
  age_timer_.async_wait([this](error_code cancelled) {
    if (!cancelled && !draining_) look_at_certificates();
  });
}

/// Endpoints that are DNS names: follows the new ones, lets the others go.
void Server::follow_names(const Snapshot& snapshot) {
  std::map<std::string, std::vector<DnsRefresh>> wanted;
  auto follow = [&wanted](const std::vector<Endpoint>& endpoints,
                          const std::optional<DnsRefresh>& refresh) {
    for (const Endpoint& endpoint : endpoints) {
      error_code not_an_address;
      asio::ip::make_address(endpoint.host, not_an_address);
      if (!not_an_address) continue;
      std::vector<DnsRefresh>& all = wanted[endpoint.host];
      if (refresh) all.push_back(*refresh);
    }
  };
  for (const auto& [name, cluster] : snapshot.clusters) {
    follow(cluster.endpoints, cluster.dns);
    for (const auto& endpoints : cluster.failover) follow(endpoints, cluster.dns);
  }
  for (auto known = names_.begin(); known != names_.end();) {
    if (wanted.contains(known->first)) {
      ++known;
      continue;
    }
    resolver_.unwatch(known->first);
    known = names_.erase(known);
  }
  for (auto& [name, refresh] : wanted) {
    if (names_.try_emplace(name).second) {
      resolver_.watch(name, [this, name = name](const std::vector<asio::ip::address>& found) {
        name_changed(name, found);
      });
    }
    resolver_.refresh(name, std::move(refresh));
  }
}

void Server::name_changed(const std::string& name, std::vector<asio::ip::address> found) {
  auto known = names_.find(name);
  if (known == names_.end() || known->second == found) return;
  known->second = std::move(found);
  auto names = [&name](const std::vector<Endpoint>& endpoints) {
    return std::any_of(endpoints.begin(), endpoints.end(),
                       [&name](const Endpoint& one) { return one.host == name; });
  };
  for (const auto& [cluster_name, cluster] : compiled_->clusters) {
    const Cluster& config = cluster->config;
    if (!names(config.endpoints) &&
        std::none_of(config.failover.begin(), config.failover.end(), names))
      continue;
    addresses_changed(cluster_name);
    if (config.health_check) check_health();
  }
}

/// Has the workers take what is known of a cluster's addresses now.
void Server::addresses_changed(const std::string& cluster_name) {
  auto cluster = compiled_->clusters.find(cluster_name);
  if (cluster == compiled_->clusters.end()) return;
  std::vector<upstream::Address> addresses = addresses_of(cluster->second->config);
  on_workers(
      [cluster_name, addresses](Worker& worker) { worker.set_addresses(cluster_name, addresses); });
  addresses_[cluster_name] = std::move(addresses);
  count_members(cluster_name);
  asked_cluster_moved(cluster_name);
}

std::vector<upstream::Address> Server::addresses_of(const Cluster& cluster) {
  std::vector<upstream::Address> out;
  std::uint32_t priority = 0;
  auto add = [&](const asio::ip::address& ip, const Endpoint& endpoint) {
    const asio::ip::tcp::endpoint at(ip, endpoint.port);
    upstream::Address one;
    one.at = at;
    one.weight = endpoint.weight;
    one.stats = &stats_.endpoint(cluster.name + " " + upstream::text_of(at));
    one.priority = priority;
    one.zone = endpoint.zone;
    one.hostname = endpoint.host;
    out.push_back(std::move(one));
  };
  auto add_all = [&](const std::vector<Endpoint>& endpoints) {
    for (const Endpoint& endpoint : endpoints) {
      error_code not_an_address;
      asio::ip::address ip = asio::ip::make_address(endpoint.host, not_an_address);
      if (!not_an_address) {
        add(ip, endpoint);
        continue;
      }
      auto found = names_.find(endpoint.host);
      if (found == names_.end()) continue;
      for (const asio::ip::address& address : found->second) add(address, endpoint);
    }
  };
  add_all(cluster.endpoints);
  if (auto known = discoveries_.find(cluster.name); known != discoveries_.end())
    add_all(known->second.endpoints);
  for (const std::vector<Endpoint>& endpoints : cluster.failover) {
    ++priority;
    add_all(endpoints);
  }
  add_health(cluster, out);
  return out;
}

void Server::close_listeners() {
  on_workers([](Worker& worker) {
    worker.close_listeners();
    worker.close_connections_gently();
  });
}

void Server::set_healthy(bool healthy) {
  on_workers([healthy](Worker& worker) { worker.set_healthy(healthy); });
}

void Server::trim() {
  on_workers([](Worker& worker) { worker.trim(); });
}

void Server::close_most(std::uint64_t bytes) {
  const std::uint64_t each = bytes / workers_.size();
  on_workers([each](Worker& worker) { worker.close_most(each); });
}

void Server::close_connections_gently() {
  on_workers([](Worker& worker) { worker.close_connections_gently(); });
}

void Server::drain(std::function<void()> done) {
  if (draining_) return;
  draining_ = true;
  drained_ = std::move(done);
  age_timer_.cancel();
  retry_timer_.cancel();
  draining_workers_ = workers_.size();
  auto finish = [this] {
    if (!drained_) return;
    auto call = std::move(drained_);
    drained_ = nullptr;
    drain_timer_.cancel();
    call();
  };
  on_workers([this, finish](Worker& worker) {
    worker.drain([this, finish] {
      asio::post(control_, [this, finish] {
        if (--draining_workers_ == 0) finish();
      });
    });
  });
  drain_timer_.expires_after(options_.drain_timeout);
  drain_timer_.async_wait([this, finish](error_code cancelled) {
    if (cancelled) return;
    log::warning(log::Component::kMain, "drain timeout: closing what is left");
    on_workers([](Worker& worker) { worker.close_all(); });
    drain_timer_.expires_after(std::chrono::seconds(1));
    drain_timer_.async_wait([finish](error_code cancelled_too) {
      if (!cancelled_too) finish();
    });
  });
}

}  // namespace tidegate::proxy::server
