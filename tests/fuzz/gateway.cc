#include "tests/fuzz/gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "proxy/exchange/exchange.h"
#include "proxy/http/normal_path.h"
#include "proxy/snapshot/external_processing.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view kPolicies = "/policies";
constexpr std::string_view kRewritten = "/rewritten";

/// A port of loopback that connections wait at.
struct Port {
  Port() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    must(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 && ::listen(fd, 512) == 0,
         "there are ports");
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    number = ntohs(at.sin_port);
  }
  int fd;
  std::uint16_t number = 0;
};

Rule forwarding(const std::string& cluster) {
  Rule rule;
  rule.origin.kind = "HTTPRoute";
  Forward forward;
  forward.clusters.push_back({cluster, 1, {}});
  rule.action = forward;
  return rule;
}

SnapshotPtr snapshot() {
  auto out = std::make_shared<Snapshot>();
  for (const bool http2 : {false, true}) {
    Cluster cluster;
    cluster.name = http2 ? "http2" : "http1";
    cluster.protocol = http2 ? UpstreamProtocol::kHttp2 : UpstreamProtocol::kHttp1;
    out->clusters[cluster.name] = cluster;
  }
  Site site;
  RouteTable& routes = site.routes;
  routes.hosts.emplace_back();
  auto add = [&routes](const std::string& prefix, Rule rule) {
    RouteEntry entry;
    entry.match.path.value = prefix;
    entry.rule = static_cast<std::uint32_t>(routes.rules.size());
    routes.hosts[0].entries.push_back(entry);
    routes.rules.push_back(std::move(rule));
  };
  Rule mirrored = forwarding("http1");
  RequestMirror mirror;
  mirror.cluster = "http2";
  mirrored.filters.emplace_back(mirror);
  add("/mirrored", mirrored);
  Rule policies = forwarding("http1");
  RequestHeaderModifier request;
  request.changes.set.push_back({"x-set", "by the route", {}});
  request.changes.remove.push_back("x-removed");
  ResponseHeaderModifier response;
  response.changes.add.push_back({"x-added", "by the route", {}});
  UrlRewrite rewrite;
  rewrite.path = PathModifier{PathModifier::Kind::kPrefix, std::string(kRewritten)};
  Cors cors;
  cors.allow_origins.push_back("*");
  policies.filters = {cors, request, response, rewrite};
  add(std::string(kPolicies), policies);
  ExternalAuth authorization;
  authorization.protocol = ExternalAuth::Protocol::kGrpc;
  authorization.service.cluster = "http2";
  authorization.body_max = 1000;
  out->shared_filters["authorization"] = FilterSettings(authorization);
  ExternalProcessing processing;
  processing.service.cluster = "http2";
  processing.mode.request_body = ProcessingMode::Body::kBuffered;
  processing.mode.response_body = ProcessingMode::Body::kStreamed;
  processing.allow_mode_override = true;
  out->shared_filters["processing"] = FilterSettings(processing);
  for (const char* name : {"authorization", "processing"}) {
    Rule asking = forwarding("http1");
    asking.filters.emplace_back(SharedFilter{name});
    add(std::string("/") + name, asking);
  }
  Rule redirect;
  redirect.action = Redirect();
  std::get<Redirect>(redirect.action).hostname = "elsewhere.example";
  add("/redirect", redirect);
  Rule direct;
  direct.action = DirectResponse();
  std::get<DirectResponse>(direct.action).status = 200;
  std::get<DirectResponse>(direct.action).body = "at once\n";
  add("/direct", direct);
  add("/h2", forwarding("http2"));
  add("/", forwarding("http1"));
  Listener listener;
  listener.name = "listener~8080";
  listener.addresses = {"127.0.0.1"};
  listener.port = listener.declared_port = 8080;
  listener.sites.push_back(std::move(site));
  out->listeners.push_back(std::move(listener));
  return out;
}

/// What every input is served with, made once.
struct World {
  World() {
    lasting.log_writer = &writer;
    std::vector<std::string> problems;
    compiled = server::compile(snapshot(), 1, lasting, problems);
    must(problems.empty(), "the routes compile");
    for (const bool http2 : {false, true}) {
      upstream::Address address;
      address.at = {boost::asio::ip::address_v4::loopback(), ports[http2 ? 1 : 0].number};
      addresses[http2 ? "http2" : "http1"] = {address};
    }
  }
  HttpStats& http() { return *stats.http()[0]; }
  const server::CompiledListener& listener() const { return *compiled->listeners.begin()->second; }

  StatsStore stats{1};
  telemetry::LogWriter writer{1};
  server::Lasting lasting{stats, 1};
  std::array<Port, 2> ports;
  std::shared_ptr<const server::Compiled> compiled;
  std::map<std::string, std::vector<upstream::Address>> addresses;
};

World& world() {
  static World& one = *new World;  // its thread ends with the process
  return one;
}

constexpr int kTurnsMax = 20000;  // of one step: more, and it turns without end

}  // namespace

Gateway::Gateway(Peer& client, Backend backend) : backend_(std::move(backend)) {
  World& here = world();
  // One that no clock drives.
  std::destroy_at(&loop_.wheel);
  std::construct_at(&loop_.wheel);
  int ends[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
       "there are sockets");
  client_.peer = &client;
  client_.fd = ends[0];
  net::Accepted accepted;
  accepted.id = 1;
  accepted.remote = {boost::asio::ip::address_v4::loopback(), 40000};
  accepted.local = {boost::asio::ip::address_v4::loopback(), 8080};
  stream_ = std::make_unique<net::PlainStream>(net::Socket(loop_.io, ends[1], true), accepted);
  clusters_.update(here.compiled->clusters, here.addresses);
  sent_before_ = 0;
  sent_before_ = sent();
  spawn(loop_.io, serve());
  turn();
}

Gateway::~Gateway() {
  close(client_);
  for (Wire& wire : backends_) close(wire);
}

Task<void> Gateway::serve() {
  const server::Terms terms{
      .exchange = [this](http::ServerStream& stream) { return exchange(stream); },
      .options = [] { return static_cast<const HttpOptions*>(nullptr); },
      .refused = [](const server::Refused&) {},
      .draining = [] { return false; },
  };
  co_await server::converse(loop_, *stream_, world().http(), terms, live_);
  stream_->close();
  over_ = true;
}

Task<void> Gateway::exchange(http::ServerStream& stream) {
  World& here = world();
  const http::RequestHead& head = stream.request();
  Arena arena;
  const auto path = head.path.starts_with('/') ? http::normal_path(head.path, arena) : head.path;
  const bool tunnel = head.method == "CONNECT" && !head.upgrade.empty();
  std::string target = path ? std::string(*path) : std::string();
  if (target.starts_with(kPolicies) &&
      (target.size() == kPolicies.size() || target[kPolicies.size()] == '/' ||
       target[kPolicies.size()] == '?'))
    target.replace(0, kPolicies.size(), kRewritten);
  accepted_.push_back(
      {tunnel ? "GET" : std::string(head.method), std::string(head.authority), std::move(target)});
  const server::CompiledListener& listener = here.listener();
  const exchange::Context context{loop_,
                                  clusters_,
                                  here.http(),
                                  *listener.sites,
                                  listener.plans,
                                  stream_->facts(),
                                  listener.options_of(stream_->facts()),
                                  (*listener.stats)[0].get()};
  co_await exchange::run(context, stream);
}

bool Gateway::accept() {
  bool moved = false;
  for (const bool http2 : {false, true}) {
    while (true) {
      const int fd = ::accept4(world().ports[http2 ? 1 : 0].fd, nullptr, nullptr,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      std::unique_ptr<Peer> peer = backend_(http2);
      Peer* borrowed = peer.get();
      backends_.push_back({std::move(peer), borrowed, fd});
      moved = true;
    }
  }
  return moved;
}

/// By RST, where it is TCP: no port stays taken for a minute by each input.
void Gateway::close(Wire& wire) {
  if (wire.fd < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(wire.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(wire.fd, -1));
}

bool Gateway::move(Wire& wire) {
  if (wire.fd < 0) return false;
  bool moved = false;
  char bytes[65536];
  while (wire.peer->listens && wire.fd >= 0) {
    const ssize_t got = ::recv(wire.fd, bytes, sizeof bytes, 0);
    if (got > 0) {
      wire.peer->hear({bytes, static_cast<std::size_t>(got)});
      moved = true;
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      wire.peer->ended();
      close(wire);
      return true;
    }
    break;
  }
  if (wire.peer->resets) {
    close(wire);
    return true;
  }
  std::string& out = wire.peer->out;
  if (!out.empty()) {
    const ssize_t sent = ::send(wire.fd, out.data(), out.size(), MSG_NOSIGNAL);
    if (sent > 0) out.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN) out.clear();
    moved = moved || sent > 0;
  }
  if (out.empty() && wire.peer->leaves) {
    ::shutdown(wire.fd, SHUT_WR);
    wire.peer->leaves = false;
    moved = true;
  }
  return moved;
}

void Gateway::turn() {
  bool moved = true;
  for (int turns = 0; moved; ++turns) {
    must(turns < kTurnsMax, "a step comes to an end");
    moved = loop_.turn(std::chrono::milliseconds(0)) > 0;
    moved = accept() || moved;
    moved = move(client_) || moved;
    for (std::size_t i = 0; i < backends_.size(); ++i) moved = move(backends_[i]) || moved;
  }
}

void Gateway::pass(milliseconds time) {
  loop_.wheel.advance_to(loop_.wheel.now() + time);
  turn();
}

std::uint64_t Gateway::sent() const {
  std::uint64_t out = 0;
  for (const char* name : {"http1", "http2"})
    out += world().stats.cluster(name)[0]->upstream_rq_total.get();
  return out - sent_before_;
}

void Gateway::finish() {
  turn();
  for (int i = 0; i < 20; ++i) pass(std::chrono::seconds(10));
  client_.peer->listens = true;
  client_.peer->leaves = true;
  turn();
  for (int i = 0; i < 20; ++i) pass(std::chrono::seconds(10));
  client_.peer->resets = true;  // who will not take the end
  turn();
  for (int i = 0; i < 40 && !over_; ++i) pass(std::chrono::minutes(1));
  must(over_, "a connection ends where its client has left");
  check_given_back();
}

void Gateway::check_given_back() {
  clusters_.close_idle();
  clusters_.update({}, {});
  for (int i = 0; i < 40; ++i) pass(std::chrono::minutes(1));
  for (Wire& wire : backends_) {  // what is still under way
    if (wire.fd >= 0 && wire.peer->listens) move(wire);
  }
  const HttpStats& http = world().http();
  must(http.downstream_rq_active.get() == 0, "every exchange has ended");
  must(http.downstream_cx_http1_active.get() == 0 && http.downstream_cx_http2_active.get() == 0,
       "every connection is counted off");
  for (const char* name : {"http1", "http2"}) {
    const ClusterStats& cluster = *world().stats.cluster(name)[0];
    must(cluster.upstream_rq_active.get() == 0 && cluster.upstream_rq_pending_active.get() == 0,
         "every request of a cluster has ended");
    must(cluster.upstream_cx_active.get() == 0, "every connection of a cluster is closed");
  }
}

}  // namespace tidegate::fuzz
