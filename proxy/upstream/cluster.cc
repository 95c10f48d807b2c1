#include "proxy/upstream/cluster.h"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <utility>

#include "base/log.h"
#include "proxy/net/connect.h"
#include "proxy/net/plain_stream.h"
#include "proxy/net/preamble.h"
#include "proxy/snapshot/about.h"
#include "proxy/tls/handshake_stats.h"
#include "proxy/tls/tls_stream.h"
#include "proxy/upstream/http2_client.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;

namespace {

/// A request that waits for a connection.
class Pending {
 public:
  /// `counted`: the host's; null: nobody counts there.
  Pending(Gauge& gauge, EndpointStats* counted) : gauge_(gauge), counted_(counted) {
    gauge_.add();
    if (counted_ != nullptr) counted_->rq_pending_active.add();
  }
  ~Pending() {
    gauge_.sub();
    if (counted_ != nullptr) counted_->rq_pending_active.sub();
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

 private:
  Gauge& gauge_;
  EndpointStats* counted_;
};
constexpr std::size_t kStreamsOfOne =
    100;                                  // that a connection is expected to carry, before it says
constexpr std::uint32_t kRetriesMax = 3;  // at a time, on a worker; Envoy's default
}  // namespace

std::string text_of(const asio::ip::tcp::endpoint& at) {
  const std::string ip = at.address().to_string();
  return at.address().is_v6() ? fmt::format("[{}]:{}", ip, at.port())
                              : fmt::format("{}:{}", ip, at.port());
}

namespace {
/// FNV-1a, which is the same everywhere and always.
std::uint64_t session_of(std::string_view cluster, std::string_view host) {
  std::uint64_t out = 0xcbf29ce484222325;
  for (const std::string_view part : {cluster, std::string_view(" "), host}) {
    for (const char c : part) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return out == 0 ? 1 : out;
}

/// Whether it says nothing about the endpoint: this machine has no more to connect with.
bool ours(const error_code& failed) {
  using namespace boost::system::errc;
  return failed == too_many_files_open || failed == too_many_files_open_in_system ||
         failed == not_enough_memory || failed == no_buffer_space;
}

/// Requests that a connection under way is expected to carry, before the peer says.
std::size_t streams_of_one(const Cluster& config) {
  std::size_t out = kStreamsOfOne;
  if (config.http2 && config.http2->streams_max)
    out = std::min<std::size_t>(out, *config.http2->streams_max);
  if (config.requests_per_connection_max && *config.requests_per_connection_max > 0)
    out = std::min<std::size_t>(out, *config.requests_per_connection_max);
  return out;
}

http2::Limits http2_limits(const Cluster& config) {
  http2::Limits out = http2::upstream_limits();
  if (config.fields_max) out.head.fields_max = *config.fields_max;
  if (config.requests_per_connection_max)
    out.streams_total_max = *config.requests_per_connection_max;
  if (!config.http2) return out;
  if (config.http2->streams_max) out.concurrent_streams = *config.http2->streams_max;
  if (config.http2->stream_window_bytes) {
    out.stream_window_bytes = *config.http2->stream_window_bytes;
    out.first_window_bytes = 0;
    out.connection_window_bytes = std::max(out.connection_window_bytes, out.stream_window_bytes);
  }
  if (config.http2->connection_window_bytes)
    out.connection_window_bytes = *config.http2->connection_window_bytes;
  return out;
}
}  // namespace

ClusterState::ClusterState(Loop& loop, CompiledClusterPtr compiled)
    : loop_(loop), compiled_(std::move(compiled)) {
  auto sweep_now = [this] { sweep(); };
  sweeper_ = std::make_unique<CallTimer<decltype(sweep_now)>>(sweep_now);
  read_config();
}

ClusterState::~ClusterState() = default;

void ClusterState::read_config() {
  if (config().dynamic && !names_) names_ = std::make_unique<Names>(loop_);
  if (!config().dynamic) names_.reset();
  const Cluster& now = config();
  limits_ = compiled_->limits;
  requests_max_ = now.requests_max;
  http2_ = now.protocol == UpstreamProtocol::kHttp2;
  told_client_ = now.proxy_protocol.has_value();
  plain_ = !now.stream_duration_max && (!now.balancing || now.balancing->hash_policies.empty());
  slow_start_ = now.balancing && now.balancing->slow_start;
}

void ClusterState::update(CompiledClusterPtr compiled) {
  const Cluster& now = compiled->config;
  const Cluster& before = compiled_->config;
  const bool same_choice = now.balancing == before.balancing;
  bool same_connections = now.protocol == before.protocol && now.tls == before.tls &&
                          now.http2 == before.http2 &&
                          now.proxy_protocol == before.proxy_protocol &&
                          compiled->client_certificate == compiled_->client_certificate;
  if (same_connections && compiled->tls && compiled_->tls) {
    // The same TLS settings: keep the context, and with it sessions to resume.
    auto kept = std::make_shared<CompiledCluster>(*compiled);
    kept->tls = compiled_->tls;
    compiled = std::move(kept);
  }
  compiled_ = std::move(compiled);
  read_config();
  if (same_connections) {
    if (!same_choice) rebuild();
    return;
  }
  for (auto& host : hosts_) host->removed = true;
  hosts_.clear();
  named_.clear();
  const std::vector<Address> addresses = std::move(addresses_);
  addresses_.clear();
  set_addresses(addresses);
}

void ClusterState::set_addresses(const std::vector<Address>& addresses) {
  if (addresses == addresses_) return;
  bool others = false;
  std::vector<std::shared_ptr<Host>> hosts;
  for (const Address& address : addresses) {
    std::shared_ptr<Host> host;
    for (auto& known : hosts_) {
      if (known && known->address.at == address.at) host = std::move(known);
    }
    if (!host) {
      others = true;
      host = std::make_shared<Host>();
      host->text = text_of(address.at);
      host->session = session_of(config().name, host->text);
      host->since = loop_.wheel.now();
    } else if (!host->address.healthy() && address.healthy()) {
      host->since = loop_.wheel.now();
    }
    host->address = address;
    host->counted = address.stats ? (*address.stats)[loop_.index].get() : nullptr;
    if (address.weight > 0) hosts.push_back(std::move(host));
  }
  for (auto& gone : hosts_) {
    if (!gone) continue;
    others = true;
    gone->removed = true;
    gone->idle.clear();
  }
  hosts_ = std::move(hosts);
  addresses_ = addresses;
  if (others && config().balancing && config().balancing->close_on_change) {
    for (auto& host : hosts_) {
      ++host->epoch;
      host->idle.clear();
      host->http2.clear();
    }
  }
  rebuild();
}

/// What pick() looks at, from the hosts and how they are.
void ClusterState::rebuild() {
  static const LoadBalancing kDefault;
  const LoadBalancing& balancing = config().balancing ? *config().balancing : kDefault;
  choices_.reset();
  alone_ = hosts_.size() == 1 && (hosts_[0]->address.healthy() || balancing.panic_percent > 0);
  if (alone_ || hosts_.empty() || names_) return;
  std::vector<Member> members;
  members.reserve(hosts_.size());
  for (const auto& host : hosts_) {
    Member one;
    one.candidate.weight = host->address.weight;
    one.candidate.key = balancing.hash_hostname && !host->address.hostname.empty()
                            ? std::string_view(host->address.hostname)
                            : std::string_view(host->text);
    one.candidate.active = &host->active;
    one.candidate.since = host->since;
    one.priority = host->address.priority;
    one.zone = host->address.zone;
    one.healthy = host->address.healthy();
    members.push_back(one);
  }
  choices_ = std::make_unique<HostSet>(balancing, std::move(members), loop_.random.next() >> 1);
}

std::shared_ptr<Host> ClusterState::pick(std::optional<std::uint64_t> hash) {
  if (alone_) return hosts_[0];
  if (!choices_) return nullptr;
  Pick wanted{loop_.random, hash, {}};
  if (slow_start_) wanted.now = loop_.wheel.now();
  const std::optional<HostSet::Picked> picked = choices_->pick(wanted);
  if (!picked) return nullptr;
  if (picked->way == HostSet::Way::kPanic) stats().lb_healthy_panic.add();
  if (picked->way == HostSet::Way::kOwnZone) stats().lb_zone_routing_sampled.add();
  if (picked->way == HostSet::Way::kOtherZone) stats().lb_zone_routing_cross_zone.add();
  return hosts_[picked->index];
}

std::optional<Slot> ClusterState::begin_retry() {
  ClusterLimits* limits = limits_;
  std::atomic<std::uint32_t>& now = limits ? limits->retries : retries_;
  const std::uint32_t most =
      limits ? limits->retries_max.load(std::memory_order_relaxed) : kRetriesMax;
  if (now.load(std::memory_order_relaxed) >= most) {
    stats().upstream_rq_retry_overflow.add();
    return std::nullopt;
  }
  return Slot(&now);
}

namespace {

/// Once in a while, since each request may fail so.
void tell_failure(const Cluster& cluster, std::string_view endpoint, error_code why, bool in_tls) {
  const auto kept = log::due("connect " + cluster.name);
  if (!kept) return;
  log::tell(log::Component::kUpstream, log::Level::kWarning, about(cluster.origin),
            fmt::format("{}{} (cluster {}) failed: {}; requests for it get {}{}",
                        in_tls ? "TLS with " : "the connection to ", endpoint, cluster.name,
                        why.message(),
                        why == asio::error::timed_out ? "504" : "502, unless a retry helps",
                        log::kept_back(*kept)));
}

}  // namespace

Task<Result<std::unique_ptr<net::Stream>>> ClusterState::connect(Host& host, std::string_view alpn,
                                                                 const net::ConnectionFacts* client,
                                                                 std::chrono::milliseconds most,
                                                                 bool ours_alone) {
  ClusterStats& counted = stats();
  CompiledClusterPtr compiled = compiled_;
  auto started = loop_.wheel.now();
  // A deadline of who asks is to be the first to say so.
  most = most < compiled->config.connect_timeout ? most + 2 * TimerWheel::kTick
                                                 : compiled->config.connect_timeout;
  counted.upstream_cx_total.add();
  const Pending pending(counted.upstream_rq_pending_active, host.counted);
  if (host.counted) host.counted->cx_total.add();
  Result<net::Socket> socket =
      co_await net::connect(loop_.io, host.address.at, loop_.wheel, most, ours_alone);
  if (!socket) {
    bool late = socket.error() == asio::error::timed_out;
    counted.upstream_cx_connect_fail.add();
    if (late) counted.upstream_cx_connect_timeout.add();
    if (host.counted) {
      host.counted->cx_connect_fail.add();
      host.counted->rq_error.add();
    }
    if (!ours(socket.error())) host.note(0);
    tell_failure(compiled->config, host.text, socket.error(), false);
    co_return make_error_code(late ? Error::kConnectTimeout : Error::kConnectFailed);
  }
  if (compiled->config.keepalive) net::set_keepalive(*socket, *compiled->config.keepalive);
  if (compiled->config.buffer_max) net::set_buffers(*socket, *compiled->config.buffer_max);
  if (compiled->config.proxy_protocol) {
    if (!net::write_preamble(*socket, *compiled->config.proxy_protocol, client)) {
      counted.upstream_cx_connect_fail.add();
      host.note(0);
      co_return make_error_code(Error::kConnectFailed);
    }
  }
  std::unique_ptr<net::Stream> stream;
  if (compiled->tls) {
    auto secure = std::make_unique<tls::TlsStream>(std::move(*socket));
    auto late = [&secure] { secure->close(); };
    CallTimer<decltype(late)> deadline(late);
    loop_.wheel.arm(deadline, most);
    UpstreamTls wanted = *compiled->config.tls;
    if (compiled->config.dynamic) wanted.sni = host.address.hostname;
    error_code failed = co_await secure->handshake_client(*compiled->tls, alpn, wanted);
    if (failed) {
      counted.upstream_cx_connect_fail.add();
      tls::count_failure(failed, counted);
      host.note(0);
      tell_failure(compiled->config, host.text, failed, true);
      co_return make_error_code(deadline.armed() ? Error::kConnectFailed : Error::kConnectTimeout);
    }
    tls::count_handshake(secure->facts(), counted);
    stream = std::move(secure);
  } else {
    stream = std::make_unique<net::PlainStream>(std::move(*socket));
  }
  counted.upstream_cx_connect_ms.record(
      std::chrono::duration<double, std::milli>(loop_.wheel.now() - started).count());
  co_return stream;
}

bool ClusterState::overflows() const {
  return limits_ ? limits_->requests.load(std::memory_order_relaxed) >=
                       limits_->requests_max.load(std::memory_order_relaxed)
                 : active_ >= requests_max_;
}

/// Whether the host, which has so many connections on this worker, gets no more. One it gets
/// always: other workers and hosts may hold all that there are for as long as they like.
bool ClusterState::full(const Host& host, std::size_t connections) const {
  return limits_ && connections > 0 && !host.removed &&
         limits_->connections.load(std::memory_order_relaxed) >=
             limits_->connections_max.load(std::memory_order_relaxed);
}

Task<Result<Lease>> ClusterState::acquire(bool fresh, bool careful, Choice choice) {
  std::shared_ptr<ClusterState> self = shared_from_this();
  std::shared_ptr<Host> host;
  if (names_ && !choice.wanted) {
    Result<std::shared_ptr<Host>> found = co_await find_host(choice.authority);
    if (!found) co_return found.error();
    host = std::move(*found);
  } else {
    host = choice.wanted ? choice.wanted->shared_from_this() : pick(choice.hash);
  }
  if (!host) {
    stats().upstream_cx_none_healthy.add();
    co_return make_error_code(Error::kNoEndpoint);
  }
  if (overflows()) {
    stats().upstream_rq_pending_overflow.add();
    co_return make_error_code(Error::kOverflow);
  }
  if (http2_) {
    Result<std::unique_ptr<http::ClientStream>> opened = co_await open_http2(host, choice);
    if (!opened) co_return opened.error();
    co_return Lease(self, host, nullptr, std::move(*opened));
  }
  // An endpoint that is told who the client is has connections for that client alone.
  if (told_client_) fresh = true;
  while (!fresh && !host->idle.empty()) {
    std::unique_ptr<Http1Client> client = std::move(host->idle.back());
    host->idle.pop_back();
    if (client->stale(careful)) continue;
    client->begin();
    co_return Lease(self, host, std::move(client), nullptr);
  }
  co_return co_await acquire_http1(std::move(host), fresh, careful, choice);
}

/// The host that a request names, as it is known or looked up.
Task<Result<std::shared_ptr<Host>>> ClusterState::find_host(std::string_view authority) {
  CompiledClusterPtr compiled = compiled_;
  Result<Destination> to = destination_of(authority, compiled->config.tls.has_value());
  if (!to) co_return to.error();
  auto addresses = co_await names_->find(compiled->look_up, *to);
  if (!addresses) co_return addresses.error();
  const std::size_t index = loop_.random.below(addresses->size());
  const asio::ip::tcp::endpoint at((*addresses)[index], to->port);
  const std::string key = to->name + " " + text_of(at);
  std::shared_ptr<Host>& host = named_[key];
  if (!host) {
    host = std::make_shared<Host>();
    host->address.at = at;
    host->address.hostname = to->name;
    host->text = text_of(at);
    host->session = session_of(config().name, key);
    hosts_.push_back(host);
    sweep_soon();
  }
  co_return host;
}

/// No connection is at hand: waits for one that comes back, or makes one.
Task<Result<Lease>> ClusterState::acquire_http1(std::shared_ptr<Host> host, bool fresh,
                                                bool careful, Choice choice) {
  std::shared_ptr<ClusterState> self = shared_from_this();
  ClusterLimits* limits = limits_;
  stats().upstream_rq_pending_total.add();
  if (limits && limits->pending.load(std::memory_order_relaxed) >=
                    limits->pending_max.load(std::memory_order_relaxed)) {
    stats().upstream_rq_pending_overflow.add();
    co_return make_error_code(Error::kOverflow);
  }
  Slot pending(limits ? &limits->pending : nullptr);
  bool counted = false;
  while (full(*host, host->active + host->connecting + host->idle.size())) {
    if (!std::exchange(counted, true)) stats().upstream_cx_overflow.add();
    if (!choice.waiting) {
      stats().upstream_rq_pending_overflow.add();
      co_return make_error_code(Error::kOverflow);
    }
    if (host->idle.empty()) {
      if (choice.waiting->failed) co_return choice.waiting->failed;
      const Pending waits(stats().upstream_rq_pending_active, host->counted);
      host->queue.push_back(choice.waiting);
      co_await choice.waiting->over.wait();
      std::erase(host->queue, choice.waiting);
      if (choice.waiting->failed) {
        host->wake(loop_);  // it may have been told of a connection that another can have now
        co_return choice.waiting->failed;
      }
    }
    while (!host->idle.empty()) {
      std::unique_ptr<Http1Client> client = std::move(host->idle.back());
      host->idle.pop_back();
      if (fresh || client->stale(careful)) continue;
      client->begin();
      co_return Lease(self, host, std::move(client), nullptr);
    }
  }
  ++host->connecting;
  Slot connection(limits ? &limits->connections : nullptr);
  Result<std::unique_ptr<net::Stream>> stream =
      co_await connect(*host, "http/1.1", choice.client, choice.most, choice.for_ourselves);
  --host->connecting;
  if (!stream) {
    host->wake(loop_);
    co_return stream.error();
  }
  stats().upstream_cx_http1_total.add();
  auto client = std::make_unique<Http1Client>(loop_, std::move(*stream), stats());
  Http1Client::Terms terms;
  if (config().fields_max) terms.head.fields_max = *config().fields_max;
  terms.exchanges_max = told_client_ ? 1 : config().requests_per_connection_max.value_or(0);
  terms.slot = std::move(connection);
  if (config().connection_duration_max)
    terms.until = loop_.wheel.now() + *config().connection_duration_max;
  client->set_terms(std::move(terms));
  client->begin();
  co_return Lease(self, host, std::move(client), nullptr);
}

/// Who comes while a connection is being made waits for that one, up to what it will carry, so that
/// a burst does not make a connection for each of its requests.
Task<Result<std::unique_ptr<http::ClientStream>>> ClusterState::open_http2(
    std::shared_ptr<Host> host, Choice choice) {
  ClusterLimits* limits = limits_;
  Host::Waiting of_its_own;
  Host::Waiting& waiting = choice.waiting ? *choice.waiting : of_its_own;
  const bool shared = !told_client_;  // else it is for this client alone
  Slot pending;
  bool counted = false;
  while (true) {
    for (auto& client : host->http2) {
      if (!shared) break;
      if (std::unique_ptr<http::ClientStream> stream = client->open()) co_return std::move(stream);
    }
    if (!std::exchange(counted, true)) {
      stats().upstream_rq_pending_total.add();
      if (limits && limits->pending.load(std::memory_order_relaxed) >=
                        limits->pending_max.load(std::memory_order_relaxed)) {
        stats().upstream_rq_pending_overflow.add();
        co_return make_error_code(Error::kOverflow);
      }
      if (limits) pending = Slot(&limits->pending);
    }
    if (!shared || host->waiting.size() >= host->connecting * streams_of_one(config())) break;
    if (waiting.failed) co_return waiting.failed;
    host->waiting.push_back(&waiting);
    co_await waiting.over.wait();
    std::erase(host->waiting, &waiting);  // it may have been told to stop
    if (waiting.failed) co_return waiting.failed;
  }
  std::erase_if(host->http2,
                [](const auto& client) { return !client->usable() && client->active() == 0; });
  if (full(*host, host->http2.size() + host->connecting)) {
    stats().upstream_cx_overflow.add();
    stats().upstream_rq_pending_overflow.add();
    co_return make_error_code(Error::kOverflow);
  }
  ++host->connecting;
  Slot connection(limits ? &limits->connections : nullptr);
  Result<std::unique_ptr<net::Stream>> connected =
      co_await connect(*host, "h2", choice.client, choice.most, choice.for_ourselves);
  --host->connecting;
  std::unique_ptr<http::ClientStream> own;
  if (connected) {
    stats().upstream_cx_http2_total.add();
    auto client = std::make_unique<Http2Client>(
        std::move(*connected), loop_, stats(), config().idle_timeout, http2_limits(config()),
        config().http2 ? config().http2->keepalive : std::nullopt,
        config().connection_duration_max.value_or(std::chrono::milliseconds(0)));
    client->keep(std::move(connection));
    client->start();
    own = client->open();
    // Without a place among the others it ends with its one stream.
    if (shared) host->http2.push_back(std::move(client));
  }
  if (connected || host->connecting == 0) {
    // Who has more time than this one had may try by itself.
    const bool for_all = !connected && choice.most >= config().connect_timeout;
    for (std::size_t left = host->waiting.size(); left > 0 && !host->waiting.empty(); --left) {
      Host::Waiting* one = host->waiting.front();
      host->waiting.erase(host->waiting.begin());
      if (for_all) one->failed = connected.error();
      one->over.notify();
    }
  }
  if (!connected) co_return connected.error();
  if (!own) co_return make_error_code(Error::kConnectFailed);
  co_return std::move(own);
}

void ClusterState::sweep_soon() {
  if (!sweeper_->armed()) loop_.wheel.arm(*sweeper_, std::chrono::seconds(1));
}

/// Once a second while anything idles: what the peer has closed goes, what idled for too long, and
/// hosts that requests named (Cluster::dynamic) without a connection.
void ClusterState::sweep() {
  bool any = false;
  for (auto& host : hosts_) {
    std::erase_if(host->idle, [](const auto& client) { return client->stale(true); });
    if (config().idle_timeout.count() > 0) {  // 0: never
      auto oldest = loop_.wheel.now() - config().idle_timeout;
      const std::size_t before = host->idle.size();
      std::erase_if(host->idle, [&](const auto& client) { return client->rested_at() < oldest; });
      stats().upstream_cx_idle_timeout.add(before - host->idle.size());
    }
    any = any || !host->idle.empty();
  }
  if (names_) {
    auto unused = [](const std::shared_ptr<Host>& host) {
      std::erase_if(host->http2,
                    [](const auto& client) { return !client->usable() && client->active() == 0; });
      return host->active == 0 && host->connecting == 0 && host->idle.empty() &&
             host->http2.empty();
    };
    std::erase_if(named_, [&unused](const auto& one) { return unused(one.second); });
    std::erase_if(hosts_, unused);
    any = any || !named_.empty();
  }
  if (any) sweep_soon();
}

void ClusterState::close_idle() {
  for (auto& host : hosts_) host->idle.clear();
}

void Clusters::update(const std::map<std::string, CompiledClusterPtr>& compiled,
                      const std::map<std::string, std::vector<Address>>& addresses) {
  std::erase_if(clusters_, [&](const auto& known) { return !compiled.contains(known.first); });
  by_id_.assign(1, nullptr);
  for (const auto& [name, cluster] : compiled) {
    std::shared_ptr<ClusterState>& state = clusters_[name];
    if (state) {
      state->update(cluster);
    } else {
      state = std::make_shared<ClusterState>(loop_, cluster);
    }
    if (by_id_.size() <= cluster->id) by_id_.resize(cluster->id + 1);
    by_id_[cluster->id] = state;
    auto known = addresses.find(name);
    state->set_addresses(known == addresses.end() ? std::vector<Address>() : known->second);
  }
}

void Clusters::set_addresses(const std::string& cluster, const std::vector<Address>& addresses) {
  auto found = clusters_.find(cluster);
  if (found != clusters_.end()) found->second->set_addresses(addresses);
}

std::shared_ptr<ClusterState> Clusters::find(std::string_view name) const {
  auto found = clusters_.find(name);
  return found == clusters_.end() ? nullptr : found->second;
}

void Clusters::close_idle() {
  for (auto& [name, cluster] : clusters_) cluster->close_idle();
}

}  // namespace tidegate::proxy::upstream
