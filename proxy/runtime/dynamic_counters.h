#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "proxy/runtime/counters.h"

/// Counters whose names are only known when they are first needed; bounded, whatever peers send.
namespace tidegate::proxy {

/// Answers by status, 100 to 599; a page of counters for a class of them is made at its first
/// answer. Written by one thread, read by any.
class StatusCounters {
 public:
  StatusCounters() = default;
  ~StatusCounters() {
    for (auto& page : pages_) delete page.load(std::memory_order_relaxed);
  }
  StatusCounters(const StatusCounters&) = delete;
  StatusCounters& operator=(const StatusCounters&) = delete;

  void add(int status) {
    if (status < 100 || status > 599) return;
    std::atomic<Page*>& slot = pages_[static_cast<std::size_t>(status / 100 - 1)];
    Page* page = slot.load(std::memory_order_relaxed);
    if (page == nullptr) {
      page = std::make_unique<Page>().release();
      slot.store(page, std::memory_order_release);
    }
    (*page)[static_cast<std::size_t>(status % 100)].add();
  }
  /// Calls see(status, count) for what was counted, in order.
  template <class See>
  void each(See see) const {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      const Page* page = pages_[i].load(std::memory_order_acquire);
      if (page == nullptr) continue;
      for (std::size_t j = 0; j < page->size(); ++j) {
        if (const std::uint64_t count = (*page)[j].get(); count != 0)
          see(static_cast<int>((i + 1) * 100 + j), count);
      }
    }
  }

 private:
  using Page = std::array<Counter, 100>;
  std::array<std::atomic<Page*>, 5> pages_{};
};

/// Stats, and those of the same kind that are counted apart under a prefix; a prefix's are made
/// when it is first asked for, and stay. Written by one thread, read by any.
template <class Stats>
class Prefixed : public Stats {
 public:
  static constexpr std::size_t kMost = 64;  // prefixes; the rest counts as if it had none

  using Inner = Stats;

  Prefixed() = default;
  ~Prefixed() {
    for (Entry* one = first_.load(std::memory_order_relaxed); one != nullptr;) {
      const std::unique_ptr<Entry> gone(one);
      one = gone->next.load(std::memory_order_relaxed);
    }
  }
  Prefixed(const Prefixed&) = delete;
  Prefixed& operator=(const Prefixed&) = delete;

  /// Of an empty prefix: what has none.
  Stats& of(std::string_view prefix) {
    if (prefix.empty()) return *this;
    std::atomic<Entry*>* slot = &first_;
    for (std::size_t count = 0;; ++count) {
      Entry* one = slot->load(std::memory_order_relaxed);
      if (one == nullptr) {
        if (count >= kMost) return *this;
        one = std::make_unique<Entry>(prefix).release();
        slot->store(one, std::memory_order_release);
      }
      if (one->prefix == prefix) return one->stats;
      slot = &one->next;
    }
  }
  /// Calls see(prefix, stats) in the order of their making.
  template <class See>
  void each(See see) const {
    for (const Entry* one = first_.load(std::memory_order_acquire); one != nullptr;
         one = one->next.load(std::memory_order_acquire))
      see(one->prefix, one->stats);
  }

 private:
  struct Entry {
    explicit Entry(std::string_view name) : prefix(name) {}
    const std::string prefix;
    Stats stats;
    std::atomic<Entry*> next{nullptr};
  };
  std::atomic<Entry*> first_{nullptr};
};

/// For what happens seldom, as a TLS handshake: takes a lock that hardly anybody else has.
class NamedCounters {
 public:
  static constexpr std::size_t kMost = 64;  // names; the rest is counted as "other"

  void add(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto found = counts_.find(name);
    if (found == counts_.end()) {
      if (counts_.size() >= kMost) name = "other";
      found = counts_.try_emplace(std::string(name)).first;
    }
    ++found->second;
  }
  std::map<std::string, std::uint64_t, std::less<>> all() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace tidegate::proxy
