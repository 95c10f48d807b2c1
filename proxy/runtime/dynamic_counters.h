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
