#include "proxy/filters/remote_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "proxy/filters/discovery.h"
#include "proxy/rpc/call.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::filters {
namespace {

std::string url(const HttpUri& uri) {
  if (uri.authority.empty()) return "of the issuer";
  return fmt::format("{}://{}{}", uri.scheme, uri.authority, uri.path);
}

Task<void> pause(Loop& loop, std::chrono::milliseconds time) {
  Event over;
  auto expired = [&over] { over.notify(); };
  CallTimer<decltype(expired)> timer(expired);
  loop.wheel.arm(timer, time);
  co_await over.wait();
}

}  // namespace

std::shared_ptr<RemoteKeySet> RemoteKeySet::kept(const RemoteKeys& config, Kept& kept) {
  const std::string name = fmt::format(
      "{} {} {} {} {} {} {} {} {}", config.uri.cluster, url(config.uri), config.issuer,
      config.discovery_cluster, config.cache_duration.count(), config.failed_refetch.count(),
      config.retries, config.backoff.count(), config.backoff_max.count());
  return kept.get<RemoteKeySet>(name, [&config] { return std::make_shared<RemoteKeySet>(config); });
}

RemoteKeySet::Slot* RemoteKeySet::slot(const Loop& loop) {
  if (loop.index >= kWorkersMax) return nullptr;
  std::unique_ptr<Slot>& own = slots_[loop.index];
  if (!own) own = std::make_unique<Slot>();
  return own.get();
}

const jose::KeySet* RemoteKeySet::now(Call& call) {
  const std::uint64_t version = version_.load(std::memory_order_acquire);
  Slot* own = slot(call.loop);
  if (version == 0 || !own) return nullptr;
  const Clock::time_point at = call.loop.wheel.now();
  const auto left =
      Clock::duration(expires_.load(std::memory_order_relaxed)) - at.time_since_epoch();
  if (left <= Clock::duration::zero()) return nullptr;
  if (own->version != version) {
    const std::lock_guard lock(mutex_);
    own->held = held_;
    own->version = version;
  }
  if (left < config_.cache_duration / 5 && !refused(at) &&
      !refreshing_.exchange(true, std::memory_order_relaxed)) {
    spawn(call.loop.io, refresh(shared_from_this(), call.clusters, call.loop, call.stats));
  }
  return &own->held->keys;
}

Task<const jose::KeySet*> RemoteKeySet::get(Call& call) {
  const std::shared_ptr<RemoteKeySet> self = shared_from_this();
  if (const jose::KeySet* keys = now(call)) co_return keys;
  Slot* own = slot(call.loop);
  if (!own) co_return nullptr;
  if (own->fetching) {
    Event over;
    own->waiting.push_back(&over);
    co_await over.wait();
    co_return now(call);
  }
  if (refused(Clock::now())) co_return nullptr;
  own->fetching = true;
  co_await fetch(call.clusters, call.loop, call.stats);
  own->fetching = false;
  for (Event* one : std::exchange(own->waiting, {})) one->notify_later(call.loop.io);
  co_return now(call);
}

Task<void> RemoteKeySet::refresh(std::shared_ptr<RemoteKeySet> self, upstream::Clusters& clusters,
                                 Loop& loop, HttpStats& stats) {
  co_await self->fetch(clusters, loop, stats);
  self->refreshing_.store(false, std::memory_order_relaxed);
}

Task<void> RemoteKeySet::fetch(upstream::Clusters& clusters, Loop& loop, HttpStats& stats) {
  const Clock::time_point began = Clock::now();
  std::chrono::milliseconds backoff = config_.backoff;
  std::string problem;
  for (int tries = 0; tries <= config_.retries; ++tries) {
    if (tries > 0) {
      if (Clock::now() - began + backoff > kKeysTimeoutAll) break;
      co_await pause(loop, backoff);
      backoff = std::min(2 * backoff, config_.backoff_max);
    }
    if (co_await fetch_once(clusters, problem)) {
      stats.jwt_authn.jwks_fetch_success.add();
      co_return;
    }
  }
  stats.jwt_authn.jwks_fetch_failed.add();
  not_before_.store((Clock::now() + config_.failed_refetch).time_since_epoch().count(),
                    std::memory_order_relaxed);
  log::warning(log::Component::kJwt, "key set {} (cluster {}) was not fetched: {}",
               url(config_.uri), config_.uri.cluster, problem);
}

Task<bool> RemoteKeySet::fetch_once(upstream::Clusters& clusters, std::string& problem) {
  HttpUri uri = config_.uri;
  if (uri.authority.empty()) {
    const std::shared_ptr<const ProviderMetadata> found =
        co_await discover(clusters, config_.discovery_cluster, config_.issuer, problem);
    if (!found) co_return false;
    std::optional<HttpUri> told = uri_of(found->jwks_uri, config_.uri.cluster);
    if (!told) {
      problem = "the provider does not tell where its keys are";
      co_return false;
    }
    uri = std::move(*told);
  }
  http::RequestHead head;
  head.method = "GET";
  head.scheme = uri.scheme;
  head.authority = uri.authority;
  head.path = uri.path;
  head.fields.append("accept", "application/json");
  Arena arena;
  rpc::CallOptions options;
  options.timeout = kKeysTimeout;
  options.answer_max = jose::kKeySetBytesMax;
  const rpc::Answer answer =
      co_await rpc::call(clusters, config_.uri.cluster, head, {}, options, arena);
  if (!answer.whole || answer.status != 200) {
    problem = answer.whole ? fmt::format("status {}", answer.status)
                           : std::string("no whole answer came");
    co_return false;
  }
  auto fresh = std::make_shared<Held>();
  jose::ReadKeys read = jose::read_key_set(answer.body);
  if (read.set.keys.empty()) {
    problem = read.problem;
    co_return false;
  }
  fresh->keys = std::move(read.set);
  {
    const std::lock_guard lock(mutex_);
    held_ = std::move(fresh);
  }
  expires_.store((Clock::now() + config_.cache_duration).time_since_epoch().count(),
                 std::memory_order_relaxed);
  version_.fetch_add(1, std::memory_order_release);
  co_return true;
}

}  // namespace tidegate::proxy::filters
