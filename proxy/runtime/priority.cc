#include "proxy/runtime/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace tidegate::proxy {

namespace {

constexpr std::uint64_t kShortSlice = 100'000;   // ns; the least that the kernel takes
constexpr std::uint64_t kMiddleSlice = 500'000;  // longer, so that it is interrupted by those
constexpr int kSecond = 15;                      // of nice: a thirtieth of the weight of 0
constexpr int kNicest = 19;

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

/// Where the kernel knows no slices, it leaves them alone.
void take(int nicer, std::uint64_t slice) {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  errno = 0;
  const int nice = std::min(::getpriority(PRIO_PROCESS, 0) + nicer, kNicest);
  if (errno != 0) return;
  if (nicer > 0) ::setpriority(PRIO_PROCESS, 0, nice);
  Attributes attributes{sizeof attributes, SCHED_OTHER, 0, nice, 0, slice, 0, 0};
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void come_first() { take(0, kShortSlice); }

void come_second() { take(kSecond, kMiddleSlice); }

}  // namespace tidegate::proxy
