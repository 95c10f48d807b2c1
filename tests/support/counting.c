/* Preloaded into the gateway by tests/blackbox/cost.py: counts allocations and calls of the kernel into a file that is mapped by
   both. Counted, not timed: the same on any machine. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

struct counters {
  atomic_ulong allocations, calls;
};
static struct counters nowhere;
static struct counters* counted = &nowhere;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("TIDEGATE_TEST_COUNTERS");
  const int fd = path ? open(path, O_RDWR) : -1;
  if (fd < 0) return;
  void* at = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) counted = at;
  close(fd);
}

static void allocation(void) { atomic_fetch_add_explicit(&counted->allocations, 1, memory_order_relaxed); }
static void call(void) { atomic_fetch_add_explicit(&counted->calls, 1, memory_order_relaxed); }

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

void* malloc(size_t size) { return allocation(), __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return allocation(), __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return allocation(), __libc_realloc(old, size); }
void* memalign(size_t align, size_t size) { return allocation(), __libc_memalign(align, size); }
void* aligned_alloc(size_t align, size_t size) { return allocation(), __libc_memalign(align, size); }
int posix_memalign(void** out, size_t align, size_t size) {
  allocation();
  *out = __libc_memalign(align, size);
  return *out ? 0 : 12;
}
void free(void* at) { __libc_free(at); }

/* C++'s own, whatever allocator the program is linked with. */
void* _Znwm(size_t size) { return malloc(size); }
void* _Znam(size_t size) { return malloc(size); }
void* _ZnwmRKSt9nothrow_t(size_t size, const void* no) { return (void)no, malloc(size); }
void* _ZnamRKSt9nothrow_t(size_t size, const void* no) { return (void)no, malloc(size); }
void* _ZnwmSt11align_val_t(size_t size, size_t align) { return memalign(align, size); }
void* _ZnamSt11align_val_t(size_t size, size_t align) { return memalign(align, size); }
void _ZdlPv(void* at) { free(at); }
void _ZdaPv(void* at) { free(at); }
void _ZdlPvm(void* at, size_t size) { (void)size, free(at); }
void _ZdaPvm(void* at, size_t size) { (void)size, free(at); }
void _ZdlPvSt11align_val_t(void* at, size_t align) { (void)align, free(at); }
void _ZdaPvSt11align_val_t(void* at, size_t align) { (void)align, free(at); }
void _ZdlPvmSt11align_val_t(void* at, size_t size, size_t align) { (void)size, (void)align, free(at); }
void _ZdaPvmSt11align_val_t(void* at, size_t size, size_t align) { (void)size, (void)align, free(at); }

#define CALL(result, name, parameters, arguments)                    \
  result name parameters {                                           \
    static result(*next) parameters;                                 \
    if (!next) next = (result(*) parameters)dlsym(RTLD_NEXT, #name); \
    call();                                                          \
    return next arguments;                                           \
  }
CALL(ssize_t, read, (int fd, void* at, size_t size), (fd, at, size))
CALL(ssize_t, write, (int fd, const void* at, size_t size), (fd, at, size))
CALL(ssize_t, readv, (int fd, const struct iovec* at, int count), (fd, at, count))
CALL(ssize_t, writev, (int fd, const struct iovec* at, int count), (fd, at, count))
CALL(ssize_t, recv, (int fd, void* at, size_t size, int flags), (fd, at, size, flags))
CALL(ssize_t, send, (int fd, const void* at, size_t size, int flags), (fd, at, size, flags))
CALL(ssize_t, recvmsg, (int fd, struct msghdr* at, int flags), (fd, at, flags))
CALL(ssize_t, sendmsg, (int fd, const struct msghdr* at, int flags), (fd, at, flags))
CALL(int, epoll_wait, (int fd, struct epoll_event* at, int count, int time), (fd, at, count, time))
CALL(int, epoll_ctl, (int fd, int what, int other, struct epoll_event* at), (fd, what, other, at))
CALL(int, accept4, (int fd, struct sockaddr* at, socklen_t* size, int flags), (fd, at, size, flags))
CALL(int, getsockname, (int fd, struct sockaddr* at, socklen_t* size), (fd, at, size))
CALL(int, getpeername, (int fd, struct sockaddr* at, socklen_t* size), (fd, at, size))
CALL(int, getsockopt, (int fd, int level, int name, void* at, socklen_t* size), (fd, level, name, at, size))
CALL(int, setsockopt, (int fd, int level, int name, const void* at, socklen_t size), (fd, level, name, at, size))
CALL(int, shutdown, (int fd, int how), (fd, how))
CALL(int, close, (int fd), (fd))
CALL(int, timerfd_settime, (int fd, int flags, const struct itimerspec* in, struct itimerspec* out), (fd, flags, in, out))
