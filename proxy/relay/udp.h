#pragma once

#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

#include "proxy/net/datagram.h"
#include "proxy/net/socket.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/overload.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/route.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::relay {

/// A UDP listener on one worker: each client (address and port) has a session with one backend and
/// a socket of its own towards it, so that answers find their way back. A session ends when nothing
/// has come from either side for a minute (Envoy's default), when its backend is taken out of the
/// snapshot, or refuses; the client's next datagram begins a new one. Datagrams that a socket does
/// not take at once are dropped, as UDP may.
class UdpListener : public std::enable_shared_from_this<UdpListener> {
 public:
  /// The route as it is now; null: there is none, and datagrams are dropped.
  struct Target {
    const StreamRoute* route = nullptr;
    UdpStats* stats = nullptr;
  };
  using Current = std::function<Target()>;

  /// `socket` is bound (net::open_datagram_socket). `session_over` is called when a session has
  /// ended.
  UdpListener(Loop& loop, upstream::Clusters& clusters, Overload& overload, net::Socket socket,
              Current current, std::function<void()> session_over);
  ~UdpListener();

  void start();
  /// No new sessions; those that are open end once they have been silent for a second.
  void drain();
  void close();
  std::size_t sessions() const { return sessions_.size(); }

 private:
  class Place;
  class Session;
  struct ClientHash {
    std::size_t operator()(const net::Client& client) const;
  };

  Task<void> receive();
  void forward(const net::Client& client, std::span<const char> bytes);
  /// Null: no backend, or too many sessions.
  std::shared_ptr<Session> begin(const net::Client& client, const Target& target);
  bool still_good(const Session& session, const StreamRoute& route) const;
  void end(const net::Client& client);

  Loop& loop_;
  upstream::Clusters& clusters_;
  Overload& overload_;
  net::Socket socket_;
  Current current_;
  std::function<void()> session_over_;
  std::unordered_map<net::Client, std::shared_ptr<Session>, ClientHash> sessions_;
  std::unique_ptr<char[]> buffer_;  // for the largest datagram
  bool draining_ = false;
};

}  // namespace tidegate::proxy::relay
