// Preloaded into the gateway by tests/blackbox/faults.py: the Nth call of a kind fails, as a file
// that both map says. C++'s own allocations throw (kind "new"); those of C libraries (OpenSSL,
// nghttp2, libc itself) give null (kind "malloc").
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// In the order of KINDS in tests/support/faults.py.
enum Kind {
  kNew,
  kMalloc,
  kAccept4,
  kSocket,
  kConnect,
  kBind,
  kListen,
  kRead,
  kRecv,
  kRecvmsg,
  kWrite,
  kSend,
  kSendmsg,
  kWritev,
  kEpollCtl,
  kEpollWait,
  kEpollCreate,
  kOpen,
  kFopen,
  kOpendir,
  kStat,
  kMmap,
  kEventfd,
  kTimerfdCreate,
  kTimerfdSettime,
  kGetsockname,
  kGetpeername,
  kGetsockopt,
  kSetsockopt,
  kInotifyInit,
  kInotifyAddWatch,
  kPthreadCreate,
  kKinds
};

struct Slot {
  std::atomic<long> countdown;  // at 1 the call fails; 0: none does
  std::atomic<long> calls;
  std::atomic<long> fired;
  std::atomic<long> error;
};

Slot nowhere[kKinds];
Slot* slots = nowhere;
bool trace = false;

__attribute__((constructor)) void begin() {
  const char* path = std::getenv("TIDEGATE_TEST_FAULTS");
  trace = std::getenv("TIDEGATE_TEST_FAULTS_TRACE") != nullptr;
  const int fd =
      path ? static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)) : -1;
  if (fd < 0) return;
  void* at = reinterpret_cast<void*>(
      ::syscall(SYS_mmap, nullptr, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ::syscall(SYS_close, fd);
  if (at != MAP_FAILED) slots = static_cast<Slot*>(at);
  void* warm[1];
  backtrace(warm, 1);  // it allocates the first time
}

/// Whether a caller is one of those that SECURITY.md names: they end the process.
bool in_a_library_that_ends() {
  void* frames[24];
  const int count = backtrace(frames, 24);
  for (int i = 0; i < count; ++i) {
    Dl_info about{};
    if (dladdr(frames[i], &about) == 0 || about.dli_sname == nullptr) continue;
    for (const char* name : {"5boost4json6object5equal", "5boost4json5value5equal",
                             "5boost4json5array5equal", "nghttp2_submit_data"}) {
      if (std::strstr(about.dli_sname, name) != nullptr) return true;
    }
  }
  return false;
}

/// Whether this call is the one.
bool fails(Kind kind) {
  Slot& slot = slots[kind];
  slot.calls.fetch_add(1, std::memory_order_relaxed);
  if (slot.countdown.load(std::memory_order_relaxed) <= 0) return false;
  if (slot.countdown.fetch_sub(1) != 1) return false;
  if (kind <= kMalloc && in_a_library_that_ends()) {  // the next one, then
    slot.countdown.store(1);
    return false;
  }
  slot.fired.fetch_add(1);
  if (trace) {
    void* frames[40];
    const int count = backtrace(frames, 40);
    backtrace_symbols_fd(frames, count, 2);
  }
  errno = static_cast<int>(slot.error.load());
  return true;
}

/// What may fail in earnest: not the wake-ups of a loop.
bool may_fail(int fd) {
  struct stat one{};
  return ::fstat(fd, &one) == 0 && (S_ISSOCK(one.st_mode) || S_ISREG(one.st_mode));
}

void reset(int fd) {
  const int error = errno;
  if (error == ECONNRESET) ::shutdown(fd, SHUT_RDWR);
  errno = error;
}

template <class Function>
Function* real(Function*& known, const char* name) {
  if (!known) known = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
  return known;
}

}  // namespace

extern "C" {

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t size) { return fails(kMalloc) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_realloc(old, size);
}
void* memalign(size_t align, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_memalign(align, size);
}
void* aligned_alloc(size_t align, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_memalign(align, size);
}
int posix_memalign(void** out, size_t align, size_t size) {
  *out = fails(kMalloc) ? nullptr : __libc_memalign(align, size);
  return *out ? 0 : ENOMEM;
}
void free(void* at) { __libc_free(at); }

#define CALL(kind, result, name, parameters, arguments) \
  result name parameters {                              \
    static result(*next) parameters;                    \
    if (fails(kind)) return (result) - 1;               \
    return real(next, #name) arguments;                 \
  }
#define CALL_OF(kind, result, name, parameters, arguments) \
  result name parameters {                                 \
    static result(*next) parameters;                       \
    if (may_fail(fd) && fails(kind)) return (result) - 1;  \
    return real(next, #name) arguments;                    \
  }
// A connection that has been reset is dead both ways.
#define CALL_ON_PEER(kind, result, name, parameters, arguments) \
  result name parameters {                                      \
    static result(*next) parameters;                            \
    if (fails(kind)) return reset(fd), (result) - 1;            \
    return real(next, #name) arguments;                         \
  }
#define POINTER(kind, result, name, parameters, arguments) \
  result name parameters {                                 \
    static result(*next) parameters;                       \
    if (fails(kind)) return nullptr;                       \
    return real(next, #name) arguments;                    \
  }
CALL(kAccept4, int, accept4, (int fd, struct sockaddr* at, socklen_t* size, int flags),
     (fd, at, size, flags))
CALL(kSocket, int, socket, (int family, int type, int protocol), (family, type, protocol))
CALL(kConnect, int, connect, (int fd, const struct sockaddr* at, socklen_t size), (fd, at, size))
CALL(kBind, int, bind, (int fd, const struct sockaddr* at, socklen_t size), (fd, at, size))
CALL(kListen, int, listen, (int fd, int queue), (fd, queue))
CALL_OF(kRead, ssize_t, read, (int fd, void* at, size_t size), (fd, at, size))
CALL_ON_PEER(kRecv, ssize_t, recv, (int fd, void* at, size_t size, int flags),
             (fd, at, size, flags))
CALL_ON_PEER(kRecvmsg, ssize_t, recvmsg, (int fd, struct msghdr* at, int flags), (fd, at, flags))
CALL_OF(kWrite, ssize_t, write, (int fd, const void* at, size_t size), (fd, at, size))
CALL_ON_PEER(kSend, ssize_t, send, (int fd, const void* at, size_t size, int flags),
             (fd, at, size, flags))
CALL_ON_PEER(kSendmsg, ssize_t, sendmsg, (int fd, const struct msghdr* at, int flags),
             (fd, at, flags))
CALL(kWritev, ssize_t, writev, (int fd, const struct iovec* at, int count), (fd, at, count))
// Of sockets and files: of its own wake-ups and timers Asio does not look at what the kernel says.
int epoll_ctl(int fd, int what, int other, struct epoll_event* at) noexcept {
  static int (*next)(int, int, int, struct epoll_event*);
  if (may_fail(other) && fails(kEpollCtl)) return -1;
  return real(next, "epoll_ctl")(fd, what, other, at);
}
CALL(kEpollWait, int, epoll_wait, (int fd, struct epoll_event* at, int count, int time),
     (fd, at, count, time))
CALL(kEpollCreate, int, epoll_create1, (int flags) noexcept, (flags))
CALL(kStat, int, stat, (const char* path, struct stat* out) noexcept, (path, out))
CALL(kEventfd, int, eventfd, (unsigned value, int flags) noexcept, (value, flags))
CALL(kTimerfdCreate, int, timerfd_create, (clockid_t clock, int flags) noexcept, (clock, flags))
CALL(kTimerfdSettime, int, timerfd_settime,
     (int fd, int flags, const struct itimerspec* in, struct itimerspec* out) noexcept,
     (fd, flags, in, out))
CALL(kGetsockname, int, getsockname, (int fd, struct sockaddr* at, socklen_t* size) noexcept,
     (fd, at, size))
CALL(kGetpeername, int, getpeername, (int fd, struct sockaddr* at, socklen_t* size) noexcept,
     (fd, at, size))
CALL(kGetsockopt, int, getsockopt,
     (int fd, int level, int name, void* at, socklen_t* size) noexcept, (fd, level, name, at, size))
CALL(kSetsockopt, int, setsockopt,
     (int fd, int level, int name, const void* at, socklen_t size) noexcept,
     (fd, level, name, at, size))
CALL(kInotifyInit, int, inotify_init1, (int flags) noexcept, (flags))
CALL(kInotifyAddWatch, int, inotify_add_watch, (int fd, const char* path, uint32_t mask) noexcept,
     (fd, path, mask))
CALL(kMmap, void*, mmap,
     (void* at, size_t size, int access, int flags, int fd, off_t from) noexcept,
     (at, size, access, flags, fd, from))
POINTER(kFopen, FILE*, fopen, (const char* path, const char* mode), (path, mode))
POINTER(kFopen, FILE*, fopen64, (const char* path, const char* mode), (path, mode))
POINTER(kOpendir, DIR*, opendir, (const char* path), (path))

// The error is what it returns.
int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* with) noexcept {
  static int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (fails(kPthreadCreate)) return errno;
  return real(next, "pthread_create")(out, attributes, run, with);
}

int open(const char* path, int flags, ...) {
  static int (*next)(const char*, int, ...);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(kOpen) ? -1 : real(next, "open")(path, flags, mode);
}
int openat(int fd, const char* path, int flags, ...) {
  static int (*next)(int, const char*, int, ...);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails(kOpen) ? -1 : real(next, "openat")(fd, path, flags, mode);
}
}  // extern "C"

// C++'s own, whatever allocator the program is linked with.
namespace {
void* taken(void* at) {
  if (!at) throw std::bad_alloc();
  return at;
}
void* allocated(size_t size) { return fails(kNew) ? nullptr : __libc_malloc(size); }
void* allocated(size_t size, std::align_val_t align) {
  return fails(kNew) ? nullptr : __libc_memalign(static_cast<size_t>(align), size);
}
}  // namespace
void* operator new(size_t size) { return taken(allocated(size)); }
void* operator new[](size_t size) { return taken(allocated(size)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return allocated(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return allocated(size); }
void* operator new(size_t size, std::align_val_t align) { return taken(allocated(size, align)); }
void* operator new[](size_t size, std::align_val_t align) { return taken(allocated(size, align)); }
void operator delete(void* at) noexcept { __libc_free(at); }
void operator delete[](void* at) noexcept { __libc_free(at); }
void operator delete(void* at, size_t) noexcept { __libc_free(at); }
void operator delete[](void* at, size_t) noexcept { __libc_free(at); }
void operator delete(void* at, const std::nothrow_t&) noexcept { __libc_free(at); }
void operator delete[](void* at, const std::nothrow_t&) noexcept { __libc_free(at); }
void operator delete(void* at, std::align_val_t) noexcept { __libc_free(at); }
void operator delete[](void* at, std::align_val_t) noexcept { __libc_free(at); }
void operator delete(void* at, size_t, std::align_val_t) noexcept { __libc_free(at); }
void operator delete[](void* at, size_t, std::align_val_t) noexcept { __libc_free(at); }
