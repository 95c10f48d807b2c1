#include "proxy/upstream/cluster.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "base/log.h"
#include "proxy/net/connect.h"
#include "proxy/net/plain_stream.h"
#include "proxy/tls/tls_stream.h"
#include "proxy/upstream/http2_client.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;

namespace {
constexpr std::size_t kStreamsOfOne =
    100;  // that a connection is expected to carry, before it says
}

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
}  // namespace

Host::Host() = default;
Host::~Host() = default;

Lease::Lease(std::shared_ptr<ClusterState> cluster, std::shared_ptr<Host> host,
             std::unique_ptr<Http1Client> http1, std::unique_ptr<http::ClientStream> http2)
    : cluster_(std::move(cluster)),
      host_(std::move(host)),
      http1_(std::move(http1)),
      http2_(std::move(http2)) {
  ++host_->active;
  ++cluster_->active_;
  cluster_->stats().upstream_rq_active.add();
  cluster_->stats().upstream_rq_total.add();
  if (host_->counted) {
    host_->counted->rq_total.add();
    host_->counted->rq_active.add();
  }
}

void Lease::count(int status) {
  if (!host_ || !host_->counted) return;
  (status > 0 && status < 500 ? host_->counted->rq_success : host_->counted->rq_error).add();
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    finish();
    cluster_ = std::move(other.cluster_);
    host_ = std::move(other.host_);
    http1_ = std::move(other.http1_);
    http2_ = std::move(other.http2_);
  }
  return *this;
}

void Lease::finish() {
  if (!host_) return;
  --host_->active;
  if (host_->counted) host_->counted->rq_active.sub();
  --cluster_->active_;
  cluster_->stats().upstream_rq_active.sub();
  if (http1_ && http1_->reusable() && !host_->removed) {
    http1_->rest();
    host_->idle.push_back(std::move(http1_));
    if (!cluster_->sweeper_->armed()) {
      cluster_->loop().wheel.arm(*cluster_->sweeper_, std::chrono::seconds(1));
    }
  }
  http1_.reset();
  http2_.reset();
  host_.reset();
  cluster_.reset();
}

ClusterState::ClusterState(Loop& loop, CompiledClusterPtr compiled)
    : loop_(loop), compiled_(std::move(compiled)) {
  auto sweep_now = [this] { sweep(); };
  sweeper_ = std::make_unique<CallTimer<decltype(sweep_now)>>(sweep_now);
}

ClusterState::~ClusterState() = default;

void ClusterState::update(CompiledClusterPtr compiled) {
  bool same_connections = compiled->config.protocol == compiled_->config.protocol &&
                          compiled->config.tls == compiled_->config.tls;
  if (same_connections && compiled->tls && compiled_->tls) {
    // The same TLS settings: keep the context, and with it sessions to resume.
    auto kept = std::make_shared<CompiledCluster>(*compiled);
    kept->tls = compiled_->tls;
    compiled = std::move(kept);
  }
  compiled_ = std::move(compiled);
  if (same_connections) return;
  for (auto& host : hosts_) host->removed = true;
  std::vector<Address> addresses;
  for (auto& host : hosts_) addresses.push_back(host->address);
  hosts_.clear();
  set_addresses(addresses);
}

void ClusterState::set_addresses(const std::vector<Address>& addresses) {
  std::vector<std::shared_ptr<Host>> hosts;
  for (const Address& address : addresses) {
    std::shared_ptr<Host> host;
    for (auto& known : hosts_) {
      if (known && known->address.at == address.at) host = std::move(known);
    }
    if (!host) {
      host = std::make_shared<Host>();
      host->text = text_of(address.at);
      host->session = session_of(config().name, host->text);
    }
    host->address = address;
    host->counted = address.stats ? (*address.stats)[loop_.index].get() : nullptr;
    if (address.weight > 0) hosts.push_back(std::move(host));
  }
  for (auto& gone : hosts_) {
    if (!gone) continue;
    gone->removed = true;
    gone->idle.clear();
  }
  hosts_ = std::move(hosts);
  total_weight_ = 0;
  equal_weights_ = true;
  for (auto& host : hosts_) {
    total_weight_ += host->address.weight;
    equal_weights_ = equal_weights_ && host->address.weight == hosts_[0]->address.weight;
  }
}

std::shared_ptr<Host> ClusterState::pick() {
  if (hosts_.empty()) return nullptr;
  if (hosts_.size() == 1) return hosts_[0];
  if (equal_weights_) return hosts_[next_++ % hosts_.size()];
  // Smooth weighted round robin: each gains its weight, the richest is picked and pays for all.
  Host* best = nullptr;
  std::size_t best_index = 0;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i]->credit += hosts_[i]->address.weight;
    if (!best || hosts_[i]->credit > best->credit) {
      best = hosts_[i].get();
      best_index = i;
    }
  }
  best->credit -= static_cast<std::int64_t>(total_weight_);
  return hosts_[best_index];
}

Task<Result<std::unique_ptr<net::Stream>>> ClusterState::connect(Host& host,
                                                                 std::string_view alpn) {
  ClusterStats& counted = stats();
  CompiledClusterPtr compiled = compiled_;
  auto started = loop_.wheel.now();
  counted.upstream_cx_total.add();
  if (host.counted) host.counted->cx_total.add();
  Result<net::Socket> socket = co_await net::connect(loop_.io, host.address.at, loop_.wheel,
                                                     compiled->config.connect_timeout);
  if (!socket) {
    bool late = socket.error() == asio::error::timed_out;
    (late ? counted.upstream_cx_connect_timeout : counted.upstream_cx_connect_fail).add();
    if (host.counted) {
      host.counted->cx_connect_fail.add();
      host.counted->rq_error.add();
    }
    co_return make_error_code(late ? Error::kConnectTimeout : Error::kConnectFailed);
  }
  std::unique_ptr<net::Stream> stream;
  if (compiled->tls) {
    auto secure = std::make_unique<tls::TlsStream>(std::move(*socket));
    auto late = [&secure] { secure->close(); };
    CallTimer<decltype(late)> deadline(late);
    loop_.wheel.arm(deadline, compiled->config.connect_timeout);
    error_code failed =
        co_await secure->handshake_client(*compiled->tls, alpn, *compiled->config.tls);
    if (failed) {
      counted.upstream_cx_connect_fail.add();
      log::debug(log::Component::kUpstream, "{}: TLS with {} failed: {}", compiled->config.name,
                 host.text, failed.message());
      co_return make_error_code(deadline.armed() ? Error::kConnectFailed : Error::kConnectTimeout);
    }
    stream = std::move(secure);
  } else {
    stream = std::make_unique<net::PlainStream>(std::move(*socket));
  }
  counted.upstream_cx_connect_ms.record(
      std::chrono::duration<double, std::milli>(loop_.wheel.now() - started).count());
  co_return stream;
}

Task<Result<Lease>> ClusterState::acquire(bool fresh, bool careful, std::shared_ptr<Host> wanted) {
  std::shared_ptr<ClusterState> self = shared_from_this();
  std::shared_ptr<Host> host = wanted ? std::move(wanted) : pick();
  if (!host) {
    stats().upstream_cx_none_healthy.add();
    co_return make_error_code(Error::kNoEndpoint);
  }
  if (active_ >= config().requests_max) {
    stats().upstream_rq_pending_overflow.add();
    co_return make_error_code(Error::kOverflow);
  }
  if (config().protocol == UpstreamProtocol::kHttp2) {
    Result<std::unique_ptr<http::ClientStream>> opened = co_await open_http2(host);
    if (!opened) co_return opened.error();
    co_return Lease(self, host, nullptr, std::move(*opened));
  }
  while (!fresh && !host->idle.empty()) {
    std::unique_ptr<Http1Client> client = std::move(host->idle.back());
    host->idle.pop_back();
    if (careful && client->stale()) continue;
    client->begin();
    co_return Lease(self, host, std::move(client), nullptr);
  }
  stats().upstream_rq_pending_total.add();
  Result<std::unique_ptr<net::Stream>> stream = co_await connect(*host, "http/1.1");
  if (!stream) co_return stream.error();
  stats().upstream_cx_http1_total.add();
  auto client = std::make_unique<Http1Client>(loop_, std::move(*stream), stats());
  client->begin();
  co_return Lease(self, host, std::move(client), nullptr);
}

/// Who comes while a connection is being made waits for that one, up to what it will carry, so that
/// a burst does not make a connection for each of its requests.
Task<Result<std::unique_ptr<http::ClientStream>>> ClusterState::open_http2(
    std::shared_ptr<Host> host) {
  bool counted = false;
  while (true) {
    for (auto& client : host->http2) {
      if (std::unique_ptr<http::ClientStream> stream = client->open()) co_return std::move(stream);
    }
    if (!std::exchange(counted, true)) stats().upstream_rq_pending_total.add();
    if (host->waiting.size() >= host->connecting * kStreamsOfOne) break;
    Host::Waiting waiting;
    host->waiting.push_back(&waiting);
    co_await waiting.over.wait();
    if (waiting.failed) co_return waiting.failed;
  }
  ++host->connecting;
  Result<std::unique_ptr<net::Stream>> connected = co_await connect(*host, "h2");
  --host->connecting;
  std::unique_ptr<http::ClientStream> own;
  if (connected) {
    stats().upstream_cx_http2_total.add();
    std::erase_if(host->http2,
                  [](const auto& client) { return !client->usable() && client->active() == 0; });
    host->http2.push_back(std::make_unique<Http2Client>(std::move(*connected), loop_, stats(),
                                                        config().idle_timeout));
    host->http2.back()->start();
    own = host->http2.back()->open();
  }
  if (connected || host->connecting == 0) {
    for (Host::Waiting* one : std::exchange(host->waiting, {})) {
      if (!connected) one->failed = connected.error();
      one->over.notify();
    }
  }
  if (!connected) co_return connected.error();
  if (!own) co_return make_error_code(Error::kConnectFailed);
  co_return std::move(own);
}

/// Once a second while anything idles: what the peer has closed goes, and what idled for too long.
void ClusterState::sweep() {
  bool any = false;
  for (auto& host : hosts_) {
    std::size_t before = host->idle.size();
    std::erase_if(host->idle, [](const auto& client) { return client->stale(); });
    stats().upstream_cx_destroy_remote.add(before - host->idle.size());
    auto oldest = loop_.wheel.now() - config().idle_timeout;
    before = host->idle.size();
    std::erase_if(host->idle, [&](const auto& client) { return client->rested_at() < oldest; });
    stats().upstream_cx_idle_timeout.add(before - host->idle.size());
    any = any || !host->idle.empty();
  }
  if (any) loop_.wheel.arm(*sweeper_, std::chrono::seconds(1));
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
