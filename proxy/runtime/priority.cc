#include "proxy/runtime/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace tidegate::proxy {

namespace {

constexpr std::uint64_t kShortSlice = 100'000;  // ns; the least that the kernel takes
constexpr int kSecond = 5;                      // of nice: a third of the weight of 0

/// The kernel's first version of it; the C library has none.
struct Attributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;  // of the usual policy: its slice
  std::uint64_t deadline;
  std::uint64_t period;
};

bool usual() { return ::sched_getscheduler(0) == SCHED_OTHER; }

}  // namespace

void come_first() {
  if (!usual()) return;
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno != 0) return;
  Attributes attributes{sizeof attributes, SCHED_OTHER, 0, nice, 0, kShortSlice, 0, 0};
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void come_second() {
  if (!usual()) return;
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0) ::setpriority(PRIO_PROCESS, 0, nice + kSecond);
}

}  // namespace tidegate::proxy
