#pragma once

#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/surely.h"
#include "base/task.h"
#include "proxy/net/facts.h"
#include "proxy/net/socket.h"
#include "proxy/relay/udp.h"
#include "proxy/runtime/loop.h"
#include "proxy/server/compiled.h"
#include "proxy/server/connection.h"
#include "proxy/server/converse.h"
#include "proxy/telemetry/exporter.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::server {

/// A listening socket that the control thread has opened for one worker.
struct OpenedSocket {
  std::string key;       // "NAME ADDRESS"
  std::string listener;  // name in the snapshot
  int fd = -1;
  bool udp = false;
};

/// One event loop on one thread, with everything that a connection needs. All but the constructor,
/// leave() and wake() run on it.
class Worker {
 public:
  Worker(std::size_t index, std::uint64_t seed, StatsStore& stats);
  ~Worker();

  std::size_t index() const { return loop_.index; }
  void start();
  void stop();  // and join
  /// The halves of Loop::post().
  template <class Function>
  void leave(Function function) {
    loop_.leave(std::move(function));
  }
  void wake() { loop_.wake(); }

  /// Takes `opened` one by one. Where it throws, what is left of them is for another try.
  void apply(std::shared_ptr<const Compiled> compiled,
             const std::map<std::string, std::vector<upstream::Address>>& addresses,
             std::vector<OpenedSocket>& opened, const std::vector<std::string>& closed_keys);
  void set_addresses(const std::string& cluster, const std::vector<upstream::Address>& addresses);
  /// No new connections; those that are open end with their next answer. `done` is called once none
  /// is left.
  void drain(std::function<void()> done);
  /// Answers close their connections, but new ones are taken (POST /healthcheck/fail); until told
  /// otherwise.
  void close_connections_gently();
  void close_listeners();
  void close_all();
  /// Lets go of free memory that it keeps to be quick.
  void trim();
  /// Closes those connections that hold most, until they have held so many bytes.
  void close_most(std::uint64_t bytes);
  /// What the health check paths of listeners answer.
  void set_healthy(bool healthy) { loop_.healthy = healthy; }

 private:
  /// `what`, once those whose sockets are ready now have had their turn: what would end them, while
  /// their request is there already, would be a reset.
  template <class What>
  void later(const What& what) {
    surely([&] {
      spawn(loop_.io, [](Loop& loop, What what_then) -> Task<void> {
        try {
          co_await turn(loop.io);
        } catch (const std::bad_alloc&) {  // at once, then
        }
        what_then();
      }(loop_, what));
    });
  }
  void open(const OpenedSocket& opened);
  /// Whether there is a place for one more connection; counts it.
  bool admit(const Slot& slot, const net::Socket& one);
  /// A connection, from its accept to its end.
  Detached serve(std::unique_ptr<Connection> connection);
  /// What comes next of it. True: it goes on, with another next() once it does not rest.
  Task<bool> next(Connection& one);
  /// What comes before HTTP, or all that a connection below it is. True: HTTP follows.
  Task<bool> begin(Connection& one);
  Task<bool> proxied(Connection& one, const ConnectionOptions& options, Live& live);
  Task<bool> begin_tls(Connection& one, PinnedListenerPtr pinned, Live& live);
  /// HTTP, until it rests (true) or is over.
  Task<bool> serve_http(Connection& one);
  void end(Connection& one);
  void log_refused(const net::ConnectionFacts& facts, const CompiledListener& listener,
                   const Refused& what);
  /// A connection below HTTP, to the route that the SNI names at this site. `pinned` lives as long
  /// as the connection: it goes on with what it started with.
  Task<void> serve_stream(net::Stream& stream, PinnedListenerPtr pinned,
                          const router::CompiledSite& site, std::string_view sni, Live& live);
  /// A client of plain HTTP at a port of HTTPS.
  Task<void> turn_away(net::Socket socket, const net::Accepted& accepted, PinnedListenerPtr pinned,
                       Live& live);
  void tell_wrong_port(const Listener& listener, std::string_view client, bool tls);
  void tell_failed_handshake(const Listener& listener, std::string_view client, error_code failed);
  Task<void> refuse_exchange(const net::ConnectionFacts& facts, const CompiledListener& listener,
                             http::ServerStream& stream);
  Task<void> serve_exchange(const net::ConnectionFacts& facts, PinnedListenerPtr pinned,
                            http::ServerStream& stream);
  /// Those that `which` says: no request more, and what is under way is answered.
  template <class Which>
  void close_gently(const Which& which);
  void close_unwelcome(bool gone);
  void close_closed();
  void check_drained();

  Loop loop_;
  StatsStore& stats_;
  HttpStats* http_;
  upstream::Clusters clusters_;
  telemetry::Exporters exporters_;
  std::map<std::string, SlotPtr> slots_;
  /// What was in slots that demand more now (null: nothing is any more), until connections know:
  /// apply() may fail, and comes again.
  std::map<SlotPtr, PinnedListenerPtr> changed_;
  std::map<std::string, std::shared_ptr<net::Socket>> acceptors_;         // TCP, by key
  std::vector<std::shared_ptr<net::Socket>> closed_;                      // were among them
  std::map<std::string, std::shared_ptr<relay::UdpListener>> datagrams_;  // UDP, by key
  Connections connections_;
  bool draining_ = false;
  std::function<void()> drained_;
  std::thread thread_;
};

}  // namespace tidegate::proxy::server
