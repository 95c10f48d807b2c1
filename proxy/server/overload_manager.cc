#include "proxy/server/overload_manager.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/surely.h"
#include "proxy/net/pump.h"

#ifdef TIDEGATE_GPERFTOOLS
#include <gperftools/malloc_extension.h>
#endif

namespace tidegate::proxy::server {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kLook{50};
constexpr milliseconds kLookClosely{10};  // above kWatch
constexpr seconds kShrinkEvery{5};        // where nothing is short
constexpr milliseconds kResetEvery{20};
constexpr seconds kTellEvery{10};  // at most, in the log
constexpr std::uint64_t kFreeKept = 16 * 1024 * 1024;
constexpr unsigned kWatch = 50, kShrink = 70, kRequests = 80, kConnections = 85,
                   kReset = 90;  // percent
constexpr unsigned kHysteresis = 3;
constexpr unsigned kResetTo = 85;  // what closing connections aims at

std::uint64_t page() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

/// A number in a file; the highest there is where it says "max" or is not there.
std::uint64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t out = 0;
  return file >> out ? out : std::numeric_limits<std::uint64_t>::max();
}

/// Of this process's cgroup and those above it, version 2; or of version 1.
std::uint64_t cgroup_limit() {
  std::uint64_t out = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::")) continue;
    std::string path = line.substr(3);
    while (true) {
      out = std::min(out, number_in("/sys/fs/cgroup" + path + "/memory.max"));
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  return out;
}

std::uint64_t address_space_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::uint64_t>::max();
  return limit.rlim_cur;
}

/// Of the heap. `free` bytes are ours still; `unmapped` ones are addresses only.
struct Heap {
  std::uint64_t free = 0;
  std::uint64_t unmapped = 0;
};

Heap heap() {
  Heap out;
#ifdef TIDEGATE_GPERFTOOLS
  std::size_t value = 0;
  MallocExtension::instance()->GetNumericProperty("tcmalloc.pageheap_free_bytes", &value);
  out.free = value;
  MallocExtension::instance()->GetNumericProperty("tcmalloc.pageheap_unmapped_bytes", &value);
  out.unmapped = value;
#endif
  return out;
}

void give_memory_back() {
#ifdef TIDEGATE_GPERFTOOLS
  MallocExtension::instance()->ReleaseFreeMemory();
#else
  ::malloc_trim(0);
#endif
}

/// What the kernel keeps for the sockets of this process's cgroup, which the cgroup's limit counts.
std::uint64_t socket_bytes() {
  // Found out once: looks are many a second.
  static const std::string file_name = [] {
    if (cgroup_limit() == std::numeric_limits<std::uint64_t>::max()) return std::string();
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3) + "/memory.stat";
    }
    return std::string();
  }();
  if (file_name.empty()) return 0;
  std::ifstream file(file_name);
  std::string name;
  std::uint64_t bytes = 0;
  while (file >> name >> bytes) {
    if (name == "sock") return bytes;
  }
  return 0;
}

/// What is in use: of the memory, or of the addresses where these are what is limited.
std::uint64_t bytes_in_use(const Heap& heap, bool addresses) {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  if (!addresses)
    return resident * page() + socket_bytes();  // what is free counts, too, until it goes back
  const std::uint64_t all = total * page();
  return all - std::min(all, heap.free + heap.unmapped);
}

void follow(std::atomic<bool>& action, std::uint64_t percent, unsigned threshold) {
  if (percent >= threshold) action = true;
  if (percent + kHysteresis < threshold) action = false;
}

}  // namespace

std::uint64_t memory_limit() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  return std::min({pages * page(), cgroup_limit(), address_space_limit()});
}

std::size_t usual_connections_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  const auto files = static_cast<std::size_t>(limit.rlim_cur);
  return std::max<std::size_t>(files - files / 4, 80) - 64;
}

std::size_t sessions_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return std::max<std::size_t>(static_cast<std::size_t>(limit.rlim_cur) / 8, 1);
}

OverloadManager::OverloadManager(Overload& overload, const Options& options, Hooks hooks)
    : overload_(overload), max_(options.memory_bytes_max), hooks_(std::move(hooks)) {
  overload_.memory_bytes_max = max_;
  overload_.connections_max = options.connections_max;
  overload_.sessions_max = sessions_max();
}

OverloadManager::~OverloadManager() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void OverloadManager::start() {
  if (max_ != 0) thread_ = std::thread([this] { watch(); });
}

void OverloadManager::watch() {
  std::unique_lock lock(mutex_);
  while (true) {
    const milliseconds pause = overload_.memory_percent >= kWatch ? kLookClosely : kLook;
    if (stopped_.wait_for(lock, pause, [this] { return stopping_; })) return;
    try {
      look(bytes_in_use(heap(), address_space_limit() <= max_), std::chrono::steady_clock::now());
    } catch (const std::exception& failed) {  // memory, now of all times
      tell_failure("a look at memory was given up", failed.what());
    }
  }
}

void OverloadManager::look(std::uint64_t bytes, std::chrono::steady_clock::time_point now) {
  const std::uint64_t percent = bytes * 100 / max_;
  overload_.memory_bytes = bytes;
  overload_.memory_percent = percent;
  follow(overload_.shrink_heap, percent, kShrink);
  follow(overload_.stop_accepting_requests, percent, kRequests);
  net::Pump::hold_back(overload_.stop_accepting_requests);
  follow(overload_.reject_incoming_connections, percent, kConnections);
  follow(overload_.reset_high_memory_stream, percent, kReset);
  // What was closed takes a moment to be gone from the measure.
  if (overload_.reset_high_memory_stream && now - reset_ >= kResetEvery) {
    reset_ = now;
    hooks_.close_most(bytes - max_ / 100 * kResetTo);
  }
  const auto pause = overload_.shrink_heap ? milliseconds(100) : milliseconds(kShrinkEvery);
  if (now - shrunk_ >= pause) {
    const std::uint64_t free = heap().free;
    // What workers keep to be quick is not free; where memory is short it goes too.
    if (overload_.shrink_heap || free >= kFreeKept || (shrink_again_ && free > 0)) {
      shrunk_ = now;
      shrink_again_ = free >= kFreeKept;
      hooks_.trim();
      give_memory_back();
    }
  }
  tell(now);
}

/// Once when it begins and once when it ends, and not more often than a reader can follow.
void OverloadManager::tell(std::chrono::steady_clock::time_point now) {
  const bool refusing = overload_.stop_accepting_requests;
  if (refusing == refusing_ || now - told_ < kTellEvery) return;
  refusing_ = refusing;
  told_ = now;
  constexpr std::uint64_t kMega = 1024 * 1024;
  if (refusing) {
    log::warning(log::Component::kMain,
                 "memory is short: {} of {} MiB are in use: new requests are refused",
                 overload_.memory_bytes / kMega, max_ / kMega);
  } else {
    log::info(log::Component::kMain, "memory is enough again: {} of {} MiB are in use",
              overload_.memory_bytes / kMega, max_ / kMega);
  }
}

}  // namespace tidegate::proxy::server
