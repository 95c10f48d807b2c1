#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/plain_stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/server/compiled.h"
#include "proxy/server/converse.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::fuzz {

/// Whoever is at the other end of one of the gateway's connections.
class Peer {
 public:
  virtual ~Peer() = default;
  /// What the gateway has sent.
  virtual void hear(std::string_view bytes) = 0;
  /// Nothing more comes of it.
  virtual void ended() {}

  std::string out;      // what it will say
  bool leaves = false;  // and then ends the connection
  bool resets = false;  // or at once, by RST
  bool listens = true;  // takes what the gateway sends
};

/// A gateway on one thread, from the client's connection to those of the backends: the server's
/// loops, routes, filters, pools and codecs as they are, over sockets of this process. Time passes
/// only by pass(): the same input always takes the same way.
///
/// Routes: /h2 goes to a backend of HTTP/2, /direct and /redirect are answered, /policies changes
/// heads and path, /mirrored goes to both, /authorization and /processing ask a gRPC service at the
/// backend of HTTP/2 first, everything else goes to a backend of HTTP/1.
class Gateway {
 public:
  using Backend = std::function<std::unique_ptr<Peer>(bool http2)>;
  /// `client` lives longer; `backend` makes who answers at a new connection.
  Gateway(Peer& client, Backend backend);
  ~Gateway();

  /// Until nothing moves any more.
  void turn();
  void pass(std::chrono::milliseconds time);
  /// The client's connection has ended.
  bool over() const { return over_; }
  /// Lets much time pass, has the client leave, and looks whether everything has been given back.
  void finish();

  /// The client's requests so far: what began an exchange, as a backend should get it.
  struct Accepted {
    std::string method, authority, path;
    bool operator==(const Accepted&) const = default;
  };
  const std::vector<Accepted>& accepted() const { return accepted_; }
  /// Requests that the clusters have counted.
  std::uint64_t sent() const;

 private:
  struct Wire {
    std::unique_ptr<Peer> owned;
    Peer* peer = nullptr;
    int fd = -1;
  };
  Task<void> serve();
  Task<void> exchange(proxy::http::ServerStream& stream);
  bool accept();
  static bool move(Wire& wire);
  static void close(Wire& wire);
  void check_given_back();

  proxy::Loop loop_{0, 1};
  proxy::upstream::Clusters clusters_{loop_};
  Backend backend_;
  Wire client_;
  std::vector<Wire> backends_;
  std::unique_ptr<proxy::net::PlainStream> stream_;
  proxy::server::Live live_;
  std::vector<Accepted> accepted_;
  std::uint64_t sent_before_ = 0;
  bool over_ = false;
};

}  // namespace tidegate::fuzz
