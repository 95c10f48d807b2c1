#include "proxy/health/checker.h"

#include <chrono>

#include "proxy/rpc/call.h"
#include "proxy/rpc/protobuf.h"

namespace tidegate::proxy::health {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kBodyMax = 64 * 1024;  // of an answer; what is longer is not read
constexpr milliseconds kStopTimeout{200};
constexpr std::uint64_t kServing = 1;  // grpc.health.v1.HealthCheckResponse.ServingStatus

/// Sends the request and reads the answer.
Task<Outcome> converse(http::ClientStream& stream, const HealthCheck& config) {
  http::RequestHead head;
  head.scheme = "http";
  head.authority = config.host;
  head.fields.append("user-agent", "Tidegate/HC");
  std::string frame;
  const bool grpc = config.kind == HealthCheck::Kind::kGrpc;
  if (grpc) {
    rpc::ProtoWriter request;
    request.bytes(1, config.service);
    frame = rpc::grpc_frame(request.data());
    head.method = "POST";
    head.path = "/grpc.health.v1.Health/Check";
    head.te_trailers = true;
    head.body = {http::BodyLength::Kind::kUnknown, 0};
    head.fields.append("content-type", "application/grpc");
  } else {
    head.method = config.method;
    head.path = config.path;
  }
  const http::Chunk body{{frame.data(), frame.size()}, true};
  if (co_await stream.send_head(head, body)) co_return Outcome::kSilent;
  http::ResponseHead* answer = nullptr;
  while (answer == nullptr || answer->status < 200) {
    Result<http::ResponseHead*> next = co_await stream.receive_head();
    if (!next) co_return Outcome::kSilent;
    answer = *next;
    if (answer->status == 101) co_return Outcome::kBad;
  }
  const int status = answer->status;
  std::string_view grpc_status = answer->fields.get("grpc-status");
  std::string message;
  while (true) {
    Result<http::Chunk> chunk = co_await stream.response_body().read();
    if (!chunk) co_return Outcome::kSilent;
    message.append(chunk->bytes.data(), chunk->bytes.size());
    if (chunk->end) break;
    if (message.size() <= kBodyMax) continue;
    stream.cancel(make_error_code(upstream::Error::kReset));
    break;
  }
  if (status != 200) co_return Outcome::kBad;
  if (!grpc) co_return Outcome::kGood;
  if (const http::Fields* trailers = stream.response_body().trailers())
    grpc_status = trailers->get("grpc-status");
  if (grpc_status != "0" || message.size() < 5) co_return Outcome::kBad;
  rpc::ProtoReader reader(std::string_view(message).substr(5));
  std::uint64_t serving = 0;
  while (reader.next()) {
    if (reader.field() == 1) serving = reader.number();
  }
  co_return serving == kServing ? Outcome::kGood : Outcome::kBad;
}

}  // namespace

bool Verdict::note(Outcome outcome, const HealthCheck& config) {
  const bool good = outcome == Outcome::kGood;
  good_ = good ? good_ + 1 : 0;
  bad_ = good ? 0 : bad_ + 1;
  bool now = healthy_;
  if (!known_) {
    now = good;
  } else if (good) {
    now = healthy_ || good_ >= config.healthy_threshold;
  } else {
    now = healthy_ && outcome != Outcome::kBad && bad_ < config.unhealthy_threshold;
  }
  const bool changed = !std::exchange(known_, true) || now != healthy_;
  healthy_ = now;
  return changed;
}

Checker::Checker(OnResult on_result)
    : on_result_(std::move(on_result)), loop_(0, 0x9e3779b97f4a7c15), clusters_(loop_) {
  stats_.push_back(std::make_unique<ClusterStats>());
  thread_ = std::thread([this] { loop_.run(); });
}

Checker::~Checker() {
  auto expired = [this] { loop_.stop(); };
  CallTimer<decltype(expired)> late(expired);
  loop_.post([this, &late] {
    stopping_ = true;
    clusters_.close_idle();
    for (auto& [key, probe] : probes_) stop(*probe);
    if (running_ == 0) {
      loop_.stop();
    } else {
      loop_.wheel.arm(late, kStopTimeout);
    }
  });
  thread_.join();
  late.cancel();
}

void Checker::update(std::map<std::string, upstream::CompiledClusterPtr> clusters,
                     std::map<std::string, std::vector<upstream::Address>> addresses) {
  loop_.post([this, clusters = std::move(clusters), addresses = std::move(addresses)]() mutable {
    apply(std::move(clusters), addresses);
  });
}

void Checker::apply(std::map<std::string, upstream::CompiledClusterPtr> clusters,
                    const std::map<std::string, std::vector<upstream::Address>>& addresses) {
  if (stopping_) return;
  std::map<std::string, std::vector<upstream::Address>> plain;
  for (auto& [name, cluster] : clusters) {
    // Ours: no limits, no counters of the traffic, and no balancing.
    auto own = std::make_shared<upstream::CompiledCluster>(*cluster);
    own->stats = &stats_;
    own->limits = nullptr;
    own->config.balancing.reset();
    own->config.connect_timeout =
        std::min(own->config.connect_timeout, own->config.health_check->timeout);
    if (own->config.health_check->kind == HealthCheck::Kind::kGrpc)
      own->config.protocol = UpstreamProtocol::kHttp2;
    cluster = std::move(own);
    auto found = addresses.find(name);
    if (found == addresses.end()) continue;
    for (const upstream::Address& address : found->second) {
      upstream::Address one;
      one.at = address.at;
      plain[name].push_back(std::move(one));
    }
  }
  clusters_.update(clusters, plain);
  std::map<Key, std::shared_ptr<Probe>> probes;
  for (const auto& [name, all] : plain) {
    for (const upstream::Address& address : all) {
      const Key key(name, address.at);
      std::shared_ptr<Probe>& probe = probes[key];
      if (probe) continue;
      if (auto known = probes_.find(key); known != probes_.end()) {
        probe = std::move(known->second);
        probes_.erase(known);
        continue;
      }
      probe = std::make_shared<Probe>();
      probe->cluster = name;
      probe->at = address.at;
      ++running_;
      spawn(loop_.io, run(probe));
    }
  }
  for (auto& [key, gone] : probes_) stop(*gone);
  probes_ = std::move(probes);
}

void Checker::stop(Probe& probe) {
  probe.stopped = true;
  if (probe.lease != nullptr && *probe.lease)
    probe.lease->stream().cancel(make_error_code(upstream::Error::kClientGone));
  if (probe.wake.awaited()) probe.wake.notify_later(loop_.io);
}

Task<void> Checker::run(std::shared_ptr<Probe> probe) {
  auto again = [&probe] { probe->wake.notify(); };
  CallTimer<decltype(again)> timer(again);
  while (!probe->stopped) {
    std::shared_ptr<upstream::ClusterState> cluster = clusters_.find(probe->cluster);
    if (!cluster) break;
    const Outcome outcome = co_await check(*probe, *cluster);
    if (probe->stopped) break;
    const HealthCheck config = *cluster->config().health_check;
    Result result{probe->cluster, probe->at, outcome, false, false};
    result.changed = probe->verdict.note(outcome, config);
    result.healthy = probe->verdict.healthy();
    on_result_(result);
    cluster.reset();
    probe->wake.clear();
    loop_.wheel.arm(timer, std::max(config.interval, milliseconds(10)));
    co_await probe->wake.wait();
  }
  timer.cancel();
  if (--running_ == 0 && stopping_) loop_.stop();
}

Task<Outcome> Checker::check(Probe& probe, upstream::ClusterState& cluster) {
  upstream::Choice choice;
  for (const std::shared_ptr<upstream::Host>& host : cluster.hosts()) {
    if (host->address.at == probe.at) choice.wanted = host.get();
  }
  if (choice.wanted == nullptr) co_return Outcome::kSilent;
  const HealthCheck config = *cluster.config().health_check;
  upstream::Lease lease;
  bool late = false;
  auto expired = [&] {
    late = true;
    if (lease) lease.stream().cancel(make_error_code(upstream::Error::kTimeout));
  };
  CallTimer<decltype(expired)> deadline(expired);
  loop_.wheel.arm(deadline, config.timeout);
  choice.most = config.timeout;
  choice.for_ourselves = true;
  auto got = co_await cluster.acquire(false, true, choice);
  if (!got || late || probe.stopped) co_return Outcome::kSilent;
  lease = std::move(*got);
  probe.lease = &lease;
  const Outcome outcome = co_await converse(lease.stream(), config);
  probe.lease = nullptr;
  lease.finish();
  co_return outcome;
}

}  // namespace tidegate::proxy::health
