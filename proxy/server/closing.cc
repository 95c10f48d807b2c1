#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/surely.h"
#include "proxy/server/parting.h"
#include "proxy/server/worker.h"

#ifdef TIDEGATE_GPERFTOOLS
#include <gperftools/malloc_extension.h>
#endif

/// How a worker ends connections and listeners.
namespace tidegate::proxy::server {

namespace {
constexpr std::chrono::milliseconds kFlushMax{2000};
constexpr std::size_t kWorthClosing = 32 * 1024;  // bytes that a connection holds
}  // namespace

/// Those that have come to them already are taken first.
void Worker::close_listeners() {
  for (auto& [key, acceptor] : acceptors_) closed_.push_back(acceptor);
  acceptors_.clear();
  for (auto& [key, listener] : datagrams_) listener->drain();
  later([this] { close_closed(); });
}

void Worker::close_closed() {
  for (auto& acceptor : closed_) acceptor->close();
  closed_.clear();
}

template <class Which>
void Worker::close_gently(const Which& which) {
  std::vector<std::function<void()>> all;
  for (Connection& one : connections_) {
    if (!which(one)) continue;
    if (one.live) {
      all.push_back(one.live->drain);
    } else {
      one.close();
    }
  }
  for (auto& drain_one : all) drain_one();
}

/// What a change ends: connections of listeners that are gone, or those that do not meet what
/// theirs demands now.
void Worker::close_unwelcome(bool gone) {
  surely([this, gone] {
    close_gently([this, gone](const Connection& one) {
      const auto found = changed_.find(one.slot);
      if (found == changed_.end() || gone != !found->second) return false;
      return gone || !may_stay(one, *found->second->compiled);
    });
  });
  std::erase_if(changed_, [gone](const auto& one) { return gone == !one.second; });
}

void Worker::close_connections_gently() {
  later([this] { close_gently([](const Connection&) { return true; }); });
}

void Worker::drain(std::function<void()> done) {
  draining_ = true;
  loop_.healthy = false;
  drained_ = std::move(done);
  close_listeners();
  close_connections_gently();
  later([this] { check_drained(); });
}

void Worker::close_all() {
  std::vector<std::function<void()>> all;
  for (Connection& one : connections_) {
    if (one.live) {
      all.push_back(one.live->close);
    } else {
      one.close();
    }
  }
  for (auto& close_one : all) close_one();
  for (auto& [key, listener] : datagrams_) listener->close();
}

void Worker::trim() {
  loop_.buffers.clear();
#ifdef TIDEGATE_GPERFTOOLS
  MallocExtension::instance()->MarkThreadTemporarilyIdle();
#endif
}

void Worker::close_most(std::uint64_t bytes) {
  std::vector<std::pair<std::size_t, Live*>> all;
  for (Connection& one : connections_) {
    const std::size_t held = one.live && one.live->buffered ? one.live->buffered() : 0;
    if (held >= kWorthClosing) all.emplace_back(held, one.live);
  }
  std::sort(all.begin(), all.end(),
            [](const auto& one, const auto& other) { return one.first > other.first; });
  std::vector<std::function<void()>> closing;
  for (const auto& [held, live] : all) {
    closing.push_back(live->close);
    if (held >= bytes) break;
    bytes -= held;
  }
  stats_.overload().connections_reset.fetch_add(closing.size(), std::memory_order_relaxed);
  http_->limits.memory_held.add(closing.size());
  for (auto& close_one : closing) close_one();
}

void Worker::check_drained() {
  if (!draining_ || !connections_.empty() || !drained_) return;
  for (auto& [key, listener] : datagrams_) {
    if (listener->sessions() > 0) return;
  }
  // What is known of the last requests goes out before the process does.
  exporters_.flush(kFlushMax, std::exchange(drained_, nullptr));
}

}  // namespace tidegate::proxy::server
