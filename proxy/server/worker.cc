#include "proxy/server/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <cerrno>
#include <system_error>

#include "base/log.h"
#include "base/surely.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/net/accept.h"
#include "proxy/net/connect.h"
#include "proxy/net/connection_options.h"
#include "proxy/net/plain_stream.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/relay/tcp.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/poller.h"
#include "proxy/runtime/priority.h"
#include "proxy/server/converse.h"
#include "proxy/server/parting.h"
#include "proxy/snapshot/about.h"
#include "proxy/tls/error.h"
#include "proxy/tls/handshake_stats.h"
#include "proxy/tls/hello.h"
#include "proxy/tls/tls_stream.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {
/// Whether it was the peer who ended the connection.
bool left(net::Stream& stream) { return stream.is_open() && stream.peer_closed(); }
constexpr milliseconds kHandshakeTimeout{10000};
}  // namespace

Worker::Worker(std::size_t index, std::uint64_t seed, StatsStore& stats)
    : loop_(index, seed),
      stats_(stats),
      http_(stats.http()[index].get()),
      clusters_(loop_),
      exporters_(loop_, clusters_) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread([this] {
    come_first();
    loop_.run();
  });
}

void Worker::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
  // A socket holds the coroutine that waits for it, which holds what the socket is in.
  for (auto& [key, acceptor] : acceptors_) acceptor->close();
  acceptors_.clear();
  close_closed();
  for (auto& [key, listener] : datagrams_) listener->close();
  datagrams_.clear();
}

void Worker::apply(std::shared_ptr<const Compiled> compiled,
                   const std::map<std::string, std::vector<upstream::Address>>& addresses,
                   std::vector<OpenedSocket>& opened, const std::vector<std::string>& closed_keys) {
  clusters_.update(compiled->clusters, addresses);
  exporters_.update(compiled->sinks);
  for (const auto& [name, listener] : compiled->listeners) {
    SlotPtr& slot = slots_[name];
    if (!slot) slot = new Slot;
    PinnedListenerPtr fresh(new PinnedListener(listener));
    if (slot->current && !same_demands(*slot->current->compiled, *listener))
      changed_.emplace(slot, slot->current);
    slot->current = std::move(fresh);
  }
  for (const std::string& key : closed_keys) {
    if (auto found = acceptors_.find(key); found != acceptors_.end()) {
      closed_.push_back(found->second);
      acceptors_.erase(found);
    }
    if (auto found = datagrams_.find(key); found != datagrams_.end()) {
      found->second->close();
      datagrams_.erase(found);
    }
  }
  // What goes on there keeps the last version, through its slot.
  std::erase_if(slots_, [&](const auto& slot) {
    const bool gone = !compiled->listeners.contains(slot.first);
    if (gone) changed_[slot.second] = nullptr;
    return gone;
  });
  close_unwelcome(false);  // none of them is served by what demands more
  if (!changed_.empty()) later([this] { close_unwelcome(true); });
  if (!closed_.empty()) later([this] { close_closed(); });
  while (!opened.empty()) {
    open(opened.back());
    ::close(opened.back().fd);
    opened.pop_back();
  }
}

/// On a descriptor of its own: where it throws, the one that was given is there for another try.
void Worker::open(const OpenedSocket& opened) {
  if (draining_) return;
  const int fd = ::fcntl(opened.fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "a listening socket");
  net::Socket socket(loop_.io, fd, true);
  if (!socket.is_open()) throw std::bad_alloc();  // the kernel's, for its share of a poller
  SlotPtr slot = slots_[opened.listener];
  if (opened.udp) {
    auto current = [this, slot]() -> relay::UdpListener::Target {
      const CompiledListener& listener = *slot->current->compiled;
      const router::CompiledSite* site = listener.sites->by_sni({});
      const StreamRoute* route = site ? site->stream({}) : nullptr;
      if (!route) return {};
      return {route, (*listener.udp_stats.at(route))[loop_.index].get()};
    };
    auto listener =
        std::make_shared<relay::UdpListener>(loop_, clusters_, stats_.overload(), std::move(socket),
                                             std::move(current), [this] { check_drained(); });
    datagrams_[opened.key] = listener;
    listener->start();
    return;
  }
  auto acceptor = std::make_shared<net::Socket>(std::move(socket));
  acceptors_[opened.key] = acceptor;
  auto serve_one = [this, slot](net::Socket one, const net::Accepted& accepted) {
    if (!one.is_open() || !admit(*slot, one)) return;
    try {
      ListenerStats& counted = *(*slot->current->compiled->stats)[loop_.index];
      serve(std::make_unique<Connection>(std::move(one), accepted, slot, counted)).start();
    } catch (const std::exception&) {
      stats_.overload().leave();
      throw;
    }
  };
  spawn(loop_.io, net::accept_all(loop_.io, loop_.wheel, acceptor, std::move(serve_one)));
}

bool Worker::admit(const Slot& slot, const net::Socket& one) {
  bool full = net::for_ourselves(one.fd());
  if (!full && stats_.overload().admit(full)) return true;
  ListenerStats& counted = *(*slot.current->compiled->stats)[loop_.index];
  (full ? counted.downstream_global_cx_overflow : counted.downstream_cx_overload_reject).add();
  return false;
}

void Worker::set_addresses(const std::string& cluster,
                           const std::vector<upstream::Address>& addresses) {
  clusters_.set_addresses(cluster, addresses);
}

Detached Worker::serve(std::unique_ptr<Connection> connection) {
  Connection& one = *connection;
  connections_.push_back(one);
  one.accepted.id = net::next_connection_id();
  one.counted.downstream_cx_total.add();
  one.counted.downstream_cx_active.add();
  http_->downstream_cx_total.add();
  http_->downstream_cx_active.add();
  try {
    while (co_await next(one)) {
      while (one.rests()) co_await one.change();
      if (!one.wake()) break;
    }
  } catch (const std::exception& failed) {  // memory, above all: this connection ends, no other
    tell_failure("a connection was given up", failed.what());
  }
  end(one);
  connection.reset();
  try {
    check_drained();
  } catch (const std::exception& failed) {
    tell_failure("the end of a drain was given up", failed.what());
  }
}

Task<bool> Worker::next(Connection& one) {
  if (!std::exchange(one.begun, true)) {
    const CompiledListener& listener = *one.slot->current->compiled;
    const router::CompiledSite* site = listener.sites->by_sni({});
    if (listener.listener->connection || listener.tls ||
        (site && site->site->protocol == SiteProtocol::kTcp))
      return begin(one);
  }
  return serve_http(one);
}

Task<bool> Worker::begin(Connection& one) {
  Connection::Serving serving(one);
  PinnedListenerPtr pinned = one.slot->current;
  const CompiledListener& listener = *pinned->compiled;
  ListenerStats& counted = one.counted;
  if (const std::optional<ConnectionOptions>& options = listener.listener->connection) {
    net::set_options(one.socket.fd(), *options);
    if (options->proxy_header != ConnectionOptions::ProxyHeader::kNone) {
      counted.downstream_pre_cx_active.add();
      const bool welcome = co_await proxied(one, *options, serving.live);
      counted.downstream_pre_cx_active.sub();
      if (!welcome) {
        if (!one.socket.is_open()) counted.downstream_pre_cx_timeout.add();
        counted.downstream_listener_filter_error.add();
        co_return false;
      }
    }
  }
  if (listener.tls) co_return co_await begin_tls(one, std::move(pinned), serving.live);
  const router::CompiledSite* site = listener.sites->by_sni({});
  if (!site || site->site->protocol != SiteProtocol::kTcp) co_return true;
  net::PlainStream stream(std::move(one.socket), one.accepted);
  serving.live.close = serving.live.drain = [&stream] { stream.close(); };
  co_await serve_stream(stream, std::move(pinned), *site, {}, serving.live);
  one.local = !left(stream);
  stream.close();
  co_return false;
}

void Worker::end(Connection& one) {
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - one.started)
          .count();
  stats_.overload().leave();
  one.counted.downstream_cx_active.sub();
  one.counted.downstream_cx_destroy.add();
  one.counted.downstream_cx_length_ms.record(ms);
  if (one.secured) http_->downstream_cx_ssl_active.sub();
  if (one.history.counted) http_->downstream_cx_http1_active.sub();
  if (one.late()) http_->downstream_cx_idle_timeout.add();
  http_->downstream_cx_active.sub();
  http_->downstream_cx_destroy.add();
  (one.local ? http_->downstream_cx_destroy_local : http_->downstream_cx_destroy_remote).add();
  http_->downstream_cx_length_ms.record(ms);
}

/// Takes the PROXY header off the connection. False: there is none where there must be one, or it
/// is wrong.
Task<bool> Worker::proxied(Connection& one, const ConnectionOptions& options, Live& live) {
  net::Socket& socket = one.socket;
  live.close = live.drain = [&socket] { socket.close(); };
  auto late = [&socket] { socket.close(); };
  CallTimer<decltype(late)> deadline(late);
  loop_.wheel.arm(deadline, options.handshake_timeout.value_or(kHandshakeTimeout));
  Result<net::ProxyHeader> header = co_await net::take_proxy_header(socket);
  live.close = live.drain = [] {};
  if (!header) co_return false;
  if (header->source || header->destination) {
    boost::intrusive_ptr<net::NamedEnds> named(new net::NamedEnds);
    named->source = header->source;
    named->destination = header->destination;
    one.accepted.named = std::move(named);
  }
  co_return header->state == net::ProxyHeader::State::kWhole ||
      (header->state == net::ProxyHeader::State::kAbsent &&
       options.proxy_header == ConnectionOptions::ProxyHeader::kAllowed);
}

Task<bool> Worker::begin_tls(Connection& one, PinnedListenerPtr pinned, Live& live) {
  const CompiledListener& listener = *pinned->compiled;
  ListenerStats& counted = one.counted;
  const milliseconds handshake_timeout =
      listener.listener->connection
          ? listener.listener->connection->handshake_timeout.value_or(kHandshakeTimeout)
          : kHandshakeTimeout;
  http_->downstream_cx_ssl_total.add();
  http_->downstream_cx_ssl_active.add();
  one.secured = true;
  if (listener.passthrough) {
    net::Socket& socket = one.socket;
    live.close = live.drain = [&socket] { socket.close(); };
    Result<std::string> sni = error_code();
    {
      auto late = [&socket] { socket.close(); };
      CallTimer<decltype(late)> deadline(late);
      loop_.wheel.arm(deadline, handshake_timeout);
      counted.downstream_pre_cx_active.add();
      sni = co_await tls::peek_server_name(socket, loop_.buffers);
      counted.downstream_pre_cx_active.sub();
      if (!deadline.armed()) counted.downstream_pre_cx_timeout.add();
    }
    live.close = live.drain = [] {};
    if (!sni) {
      one.local = !socket.is_open();
      co_return false;
    }
    const router::CompiledSite* site = listener.sites->by_sni(*sni);
    if (site && site->site->protocol == SiteProtocol::kTls && !site->site->tls) {
      net::PlainStream stream(std::move(socket), one.accepted);
      stream.set_sni(*sni);
      live.close = live.drain = [&stream] { stream.close(); };
      co_await serve_stream(stream, std::move(pinned), *site, *sni, live);
      one.local = !left(stream);
      stream.close();
      live.close = live.drain = [] {};
      co_return false;
    }
  }
  one.tls = std::make_unique<tls::TlsStream>(std::move(one.socket), one.accepted);
  tls::TlsStream& stream = *one.tls;
  live.close = live.drain = [&stream] { stream.close(); };
  error_code failed;
  {
    auto late = [&stream] { stream.close(); };
    CallTimer<decltype(late)> deadline(late);
    loop_.wheel.arm(deadline, handshake_timeout);
    failed = co_await stream.handshake_server(*listener.tls);
    if (failed && !deadline.armed()) counted.downstream_cx_transport_socket_connect_timeout.add();
  }
  if (failed) {
    tls::count_failure(failed, counted);
    const std::vector<Site>& sites = listener.listener->sites;
    const bool https = std::any_of(sites.begin(), sites.end(), [](const Site& site) {
      return site.protocol == SiteProtocol::kHttps;
    });
    if (tls::is_plain_http(failed) && https) {
      co_await turn_away(stream.take_socket(), one.accepted, std::move(pinned), live);
      live.close = live.drain = [] {};
      co_return false;
    }
    tell_failed_handshake(*listener.listener, stream.facts().remote_ip, failed);
  } else {
    tls::count_handshake(stream.facts(), counted);
    const std::string& sni = stream.facts().sni;
    const router::CompiledSite* site = listener.sites->by_sni(sni);
    const CompiledListener& now = *one.slot->current->compiled;
    if (&now != &listener && (now.tls == nullptr || !same_demand(listener, now, sni))) {
      stream.close();
      co_return false;
    }
    if (site && site->site->protocol == SiteProtocol::kTls) {
      co_await serve_stream(stream, std::move(pinned), *site, stream.facts().sni, live);
    } else {
      co_return true;
    }
  }
  one.local = !failed && !left(stream);
  stream.close();
  co_return false;
}

Task<void> Worker::turn_away(net::Socket socket, const net::Accepted& accepted,
                             PinnedListenerPtr pinned, Live& live) {
  net::PlainStream stream(std::move(socket), accepted);
  live.close = live.drain = [&stream] { stream.close(); };
  Http1Connection::Options options;
  options.refused = [this, &stream, &pinned](const Refused& what) {
    log_refused(stream.facts(), *pinned->compiled, what);
  };
  Http1Connection::History history;
  history.counted = true;  // among those of TLS
  Http1Connection connection(loop_, stream, *http_, nullptr, options, history);
  co_await connection.turn_away("plain HTTP was sent to a port of HTTPS: use https://\n",
                                kPlainOnTlsPort);
  stream.close();
}

void Worker::tell_failed_handshake(const Listener& listener, std::string_view client,
                                   error_code failed) {
  // Probes and scanners that go away without a word are nobody's mistake.
  const bool told = failed.category() == tls::category() && !tls::is_cut_off(failed);
  const auto kept = told ? log::due("handshake " + listener.name) : std::nullopt;
  if (!kept) {
    return log::debug(log::Component::kConnection, "{}: {}: TLS handshake failed: {}",
                      listener.name, client, failed.message());
  }
  log::About where = listener.sites.empty() ? log::About{} : about(listener.sites.front().origin);
  log::tell(log::Component::kConnection, log::Level::kInfo, where,
            fmt::format("TLS handshake with {} on port {} failed: {}{}", client, listener.port,
                        failed.message(), log::kept_back(*kept)));
}

void Worker::tell_wrong_port(const Listener& listener, std::string_view client, bool tls) {
  const auto kept = log::due("wrong port " + listener.name);
  if (!kept) return;
  log::About where = listener.sites.empty() ? log::About{} : about(listener.sites.front().origin);
  log::tell(log::Component::kConnection, log::Level::kInfo, where,
            fmt::format("{} sent {} to port {}, which speaks {}: is its URL meant to begin with "
                        "{}://?{}",
                        client, tls ? "TLS" : "plain HTTP", listener.port,
                        tls ? "plain HTTP" : "TLS", tls ? "http" : "https", log::kept_back(*kept)));
}

Task<void> Worker::serve_stream(net::Stream& stream, PinnedListenerPtr pinned,
                                const router::CompiledSite& site, std::string_view sni,
                                Live& live) {
  const StreamRoute* route = site.stream(sni);
  if (!route) {
    (*pinned->compiled->stats)[loop_.index]->no_filter_chain_match.add();
    co_return;
  }
  live.drain = [] {};  // what is carried has no good moment to end; the drain timeout ends it
  TcpStats& counted = *(*pinned->compiled->tcp_stats.at(route))[loop_.index];
  const telemetry::AccessLogs* logs = pinned->compiled->options[site.index].logs.get();
  co_await relay::carry({loop_, clusters_, counted, logs}, *route, stream);
}

Task<bool> Worker::serve_http(Connection& one) {
  Connection::Serving serving(one);
  std::optional<net::PlainStream> plain;
  if (!one.tls) {
    // Asked for once, however often this is made anew.
    if (one.accepted.local.port() == 0) one.accepted.local = net::local_address(one.socket);
    plain.emplace(std::move(one.socket), one.accepted);
  }
  // What the terms need, in one pointer: they are copied.
  struct Whose {
    Worker& worker;
    Slot& slot;
    net::Stream& stream;

    const CompiledListener& listener() const { return *slot.current->compiled; }
    const HttpOptions* options() const { return listener().options_of(stream.facts()).source; }
  };
  const Whose whose{*this, *one.slot, plain ? static_cast<net::Stream&>(*plain) : *one.tls};
  net::Stream& stream = whose.stream;
  serving.live.close = serving.live.drain = [&stream] { stream.close(); };
  const Terms terms{
      .exchange =
          [&whose](http::ServerStream& exchange) {
            return whose.worker.serve_exchange(whose.stream.facts(), whose.slot.current, exchange);
          },
      .options = [&whose] { return whose.options(); },
      .refused =
          [&whose](const Refused& what) {
            whose.worker.log_refused(whose.stream.facts(), whose.listener(), what);
          },
      .draining = [this] { return draining_; },
  };
  const bool idles =
      co_await converse_until_idle(loop_, stream, *http_, terms, serving.live, one.history);
  if (idles && stream.is_open()) {
    if (plain) one.socket = plain->take_socket();
    co_return !one.rest(loop_.wheel, idle_timeout(whose.options()));
  }
  one.local = !left(stream);
  stream.close();
  co_return false;
}

/// What was no request has an entry all the same.
void Worker::log_refused(const net::ConnectionFacts& facts, const CompiledListener& listener,
                         const Refused& what) {
  if (what.details == kTlsOnPlainPort || what.details == kPlainOnTlsPort)
    tell_wrong_port(*listener.listener, facts.remote_ip, what.details == kTlsOnPlainPort);
  const exchange::SiteOptions& options = listener.options_of(facts);
  if (!options.logs) return;
  format::Values values;
  values.downstream = &facts;
  values.started = std::chrono::system_clock::now();
  values.status = what.status;
  values.flags = format::ResponseFlags::parse(what.flag);
  values.details = what.details;
  values.bytes_sent = what.bytes;
  values.listener_name = options.listener;
  values.random = &loop_.random;
  options.logs->write(loop_.index, values);
}

/// Apart, so that exchanges that are served need no room for it.
Task<void> Worker::refuse_exchange(const net::ConnectionFacts& facts,
                                   const CompiledListener& listener, http::ServerStream& stream) {
  http_->downstream_rq_overload_close.add();
  constexpr std::string_view kText = "overloaded\n";
  Arena arena;
  http::ResponseHead head;
  head.status = 503;
  co_await exchange::reply(stream, head, kText, arena);
  log_refused(facts, listener, {503, "OM", "overload", kText.size()});
}

/// `pinned` keeps what the exchange started with, whatever is published while it runs.
Task<void> Worker::serve_exchange(const net::ConnectionFacts& facts, PinnedListenerPtr pinned,
                                  http::ServerStream& stream) {
  const CompiledListener& listener = *pinned->compiled;
  try {
    if (stats_.overload().stop_accepting_requests.load(std::memory_order_relaxed)) {
      co_await refuse_exchange(facts, listener, stream);
      co_return;
    }
    exchange::Context context{loop_,
                              clusters_,
                              *http_,
                              *listener.sites,
                              listener.plans,
                              facts,
                              listener.options_of(facts),
                              (*listener.stats)[loop_.index].get()};
    co_await exchange::run(context, stream);
  } catch (const std::exception& failed) {  // memory, above all: this exchange ends, no other
    tell_failure("an exchange was given up", failed.what());
    stream.abort();
  }
}

}  // namespace tidegate::proxy::server
