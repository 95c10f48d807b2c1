#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/jose/key_set.h"
#include "base/task.h"
#include "proxy/filters/filter.h"
#include "proxy/filters/kept.h"
#include "proxy/runtime/event.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::proxy::filters {

inline constexpr std::chrono::seconds kKeysTimeout{5};      // of one try
inline constexpr std::chrono::seconds kKeysTimeoutAll{15};  // of a fetch with its retries

/// A key set behind a URL: fetched by the first request that needs it, shared by all workers, kept
/// until it expires, and fetched again by a request that finds that a fifth of its time is left,
/// while it goes on itself. A set that has expired is not used: without a new one there are no
/// keys. Workers read it without a lock: each has its own reference, renewed when a number changes.
class RemoteKeySet : public std::enable_shared_from_this<RemoteKeySet> {
 public:
  explicit RemoteKeySet(RemoteKeys config) : config_(std::move(config)) {}
  /// The one that is kept for this configuration, or a new one.
  static std::shared_ptr<RemoteKeySet> kept(const RemoteKeys& config, Kept& kept);

  /// What is there and holds; null: get() has to be waited for. Valid until the worker's next call.
  const jose::KeySet* now(Call& call);
  /// Fetches where need be. Null: the server cannot be reached or answers nonsense, now or within
  /// RemoteKeys::failed_refetch before.
  Task<const jose::KeySet*> get(Call& call);

 private:
  using Clock = std::chrono::steady_clock;
  struct Held {
    jose::KeySet keys;
  };
  /// A worker's own.
  struct Slot {
    std::uint64_t version = 0;
    std::shared_ptr<const Held> held;
    bool fetching = false;
    std::vector<Event*> waiting;  // for the fetch, each in the frame of its coroutine
  };
  static constexpr std::size_t kWorkersMax = 1024;

  static Task<void> refresh(std::shared_ptr<RemoteKeySet> self, upstream::Clusters& clusters,
                            Loop& loop, HttpStats& stats);
  Task<void> fetch(upstream::Clusters& clusters, Loop& loop, HttpStats& stats);
  /// One try: false where it failed; `problem` says why.
  Task<bool> fetch_once(upstream::Clusters& clusters, std::string& problem);
  Slot* slot(const Loop& loop);
  bool refused(Clock::time_point now) const {
    return now.time_since_epoch().count() < not_before_.load(std::memory_order_relaxed);
  }

  const RemoteKeys config_;
  std::atomic<std::uint64_t> version_{0};  // of held_; 0: none yet
  std::atomic<Clock::rep> expires_{0};     // since the clock's epoch
  std::atomic<Clock::rep> not_before_{0};  // the next fetch, after one that failed
  std::atomic<bool> refreshing_{false};    // one worker does it for all
  std::mutex mutex_;                       // over held_, when it changes
  std::shared_ptr<const Held> held_;
  std::array<std::unique_ptr<Slot>, kWorkersMax> slots_;  // each touched by its worker alone
};

}  // namespace tidegate::proxy::filters
