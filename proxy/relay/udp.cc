#include "proxy/relay/udp.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "proxy/net/accept.h"
#include "proxy/upstream/weighted.h"

namespace tidegate::proxy::relay {

namespace asio = boost::asio;

namespace {
constexpr std::chrono::seconds kIdleTimeout{60};
constexpr std::chrono::seconds kIdleTimeoutDraining{1};
constexpr std::size_t kSessionsMax = 16384;  // a worker; each has a descriptor
constexpr int kBatch = 64;                   // datagrams, before others get their turn
}  // namespace

/// Of a session among those that the process may have.
class UdpListener::Place {
 public:
  explicit Place(Overload& overload) : given_(overload.admit_session() ? &overload : nullptr) {}
  Place(Place&& other) noexcept : given_(std::exchange(other.given_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (given_) given_->leave_session();
  }
  explicit operator bool() const { return given_ != nullptr; }

 private:
  Overload* given_;
};

/// Lives as long as a coroutine reads from its backend.
class UdpListener::Session {
 public:
  Session(UdpListener& listener, const net::Client& client, std::string cluster,
          std::shared_ptr<upstream::Host> on, net::Socket socket, UdpStats& stats, Place place)
      : cluster_name(std::move(cluster)),
        host(std::move(on)),
        place_(std::move(place)),
        listener_(listener),
        client_(client),
        socket_(std::move(socket)),
        stats_(stats),
        idle_(Idle{this}) {
    stats_.downstream_sess_total.add();
    stats_.downstream_sess_active.add();
    if (host->counted) host->counted->cx_active.add();
    last_ = listener_.loop_.wheel.now();
    listener_.loop_.wheel.arm(idle_, kIdleTimeout);
  }
  ~Session() {
    stats_.downstream_sess_active.sub();
    if (host->counted) host->counted->cx_active.sub();
  }

  /// False: the backend is not there.
  bool send(std::span<const char> bytes) {
    last_ = listener_.loop_.wheel.now();
    stats_.downstream_sess_rx_datagrams.add();
    stats_.downstream_sess_rx_bytes.add(bytes.size());
    return !net::refused(net::send(socket_, bytes));
  }

  static Task<void> answers(std::shared_ptr<Session> self, std::shared_ptr<UdpListener> listener) {
    int batch = 0;
    net::Socket& socket = self->socket_;
    while (socket.is_open()) {
      Result<std::size_t> got = net::receive(socket, {listener->buffer_.get(), net::kDatagramMax});
      if (got) {
        self->last_ = listener->loop_.wheel.now();
        if (net::answer(listener->socket_, self->client_, {listener->buffer_.get(), *got})) {
          self->stats_.downstream_sess_tx_errors.add();
        } else {
          self->stats_.downstream_sess_tx_datagrams.add();
          self->stats_.downstream_sess_tx_bytes.add(*got);
        }
        if (++batch % kBatch == 0) co_await tidegate::turn(listener->loop_.io);
        continue;
      }
      if (got.error() != asio::error::would_block) {
        listener->end(self->client_);
        break;
      }
      if (co_await socket.wait_readable()) break;
    }
  }

  void close() {
    idle_.cancel();
    socket_.close();
  }

  /// Ends it if it has been silent for too long, else sees to it that somebody looks again.
  void check_idle() {
    const std::chrono::seconds limit = listener_.draining_ ? kIdleTimeoutDraining : kIdleTimeout;
    const auto rested = listener_.loop_.wheel.now() - last_;
    if (rested >= limit) {
      stats_.idle_timeout.add();
      listener_.end(client_);
      return;
    }
    listener_.loop_.wheel.arm(idle_, std::chrono::ceil<std::chrono::milliseconds>(limit - rested));
  }

  const std::string cluster_name;
  const std::shared_ptr<upstream::Host> host;

 private:
  const Place place_;
  struct Idle {
    Session* session;
    void operator()() const { session->check_idle(); }
  };

  UdpListener& listener_;
  const net::Client client_;
  net::Socket socket_;
  UdpStats& stats_;
  TimerWheel::Clock::time_point last_;
  CallTimer<Idle> idle_;
};

std::size_t UdpListener::ClientHash::operator()(const net::Client& client) const {
  return std::hash<std::string_view>()(
      {static_cast<const char*>(static_cast<const void*>(client.remote.data())),
       client.remote.size()});
}

UdpListener::UdpListener(Loop& loop, upstream::Clusters& clusters, Overload& overload,
                         net::Socket socket, Current current, std::function<void()> session_over)
    : loop_(loop),
      clusters_(clusters),
      overload_(overload),
      socket_(std::move(socket)),
      current_(std::move(current)),
      session_over_(std::move(session_over)),
      buffer_(std::make_unique_for_overwrite<char[]>(net::kDatagramMax)) {}

UdpListener::~UdpListener() = default;

void UdpListener::start() {
  auto run = [](std::shared_ptr<UdpListener> self) -> Task<void> { co_await self->receive(); };
  spawn(loop_.io, run(shared_from_this()));
}

void UdpListener::drain() {
  draining_ = true;
  std::vector<std::shared_ptr<Session>> all;
  for (auto& [client, session] : sessions_) all.push_back(session);
  for (auto& session : all) session->check_idle();
}

void UdpListener::close() {
  socket_.close();
  for (auto& [client, session] : sessions_) session->close();
  sessions_.clear();
  if (session_over_) session_over_();
}

Task<void> UdpListener::receive() {
  int batch = 0;
  while (socket_.is_open()) {
    net::Client client;
    Result<std::size_t> got =
        net::receive_from(socket_, {buffer_.get(), net::kDatagramMax}, client);
    if (got) {
      forward(client, {buffer_.get(), *got});
      if (++batch % kBatch == 0) co_await tidegate::turn(loop_.io);
      continue;
    }
    // Anything else is about one datagram (an ICMP error that came back).
    if (got.error() != asio::error::would_block) continue;
    const error_code failed = co_await socket_.wait_readable();
    if (failed == asio::error::operation_aborted) break;
    if (failed) co_await net::rest(loop_.wheel);  // the poller takes it later
  }
}

void UdpListener::forward(const net::Client& client, std::span<const char> bytes) {
  const Target target = current_();
  if (!target.route) return;
  auto found = sessions_.find(client);
  if (found != sessions_.end() && !still_good(*found->second, *target.route)) {
    end(client);
    found = sessions_.end();
  }
  std::shared_ptr<Session> session;
  if (found != sessions_.end()) {
    session = found->second;
  } else {
    session = begin(client, target);
  }
  // One that refuses has told so with the answer to an earlier datagram: this one is not lost.
  if (session && !session->send(bytes)) {
    end(client);
    session = begin(client, target);
    if (session) session->send(bytes);
  }
}

bool UdpListener::still_good(const Session& session, const StreamRoute& route) const {
  if (session.host->removed) return false;
  for (const WeightedCluster& one : route.clusters) {
    if (one.cluster == session.cluster_name) return clusters_.find(one.cluster) != nullptr;
  }
  return false;
}

std::shared_ptr<UdpListener::Session> UdpListener::begin(const net::Client& client,
                                                         const Target& target) {
  if (draining_) return nullptr;
  Place place(overload_);
  if (!place || sessions_.size() >= kSessionsMax) {
    target.stats->downstream_sess_overflow.add();
    return nullptr;
  }
  const WeightedCluster* picked = upstream::pick(target.route->clusters, loop_.random);
  std::shared_ptr<upstream::ClusterState> cluster;
  if (picked) cluster = clusters_.find(picked->cluster);
  std::shared_ptr<upstream::Host> host;
  if (cluster) host = cluster->pick();
  if (!host) {
    target.stats->downstream_sess_no_route.add();
    return nullptr;
  }
  cluster->stats().upstream_cx_total.add();
  if (host->counted) host->counted->cx_total.add();
  Result<net::Socket> socket = net::connect_datagram(loop_.io, host->address.at);
  if (!socket) {
    cluster->stats().upstream_cx_connect_fail.add();
    if (host->counted) host->counted->cx_connect_fail.add();
    return nullptr;
  }
  auto session = std::make_shared<Session>(*this, client, picked->cluster, std::move(host),
                                           std::move(*socket), *target.stats, std::move(place));
  sessions_[client] = session;
  spawn(loop_.io, Session::answers(session, shared_from_this()));
  return session;
}

void UdpListener::end(const net::Client& client) {
  auto found = sessions_.find(client);
  if (found == sessions_.end()) return;
  std::shared_ptr<Session> session = std::move(found->second);
  sessions_.erase(found);
  session->close();
  if (session_over_) session_over_();
}

}  // namespace tidegate::proxy::relay
