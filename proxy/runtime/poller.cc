#include "proxy/runtime/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <limits>

#include "base/surely.h"

namespace tidegate::proxy {

Poller::Poller(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context),
      io_(static_cast<boost::asio::io_context&>(context)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event rung{};
  rung.events = EPOLLIN | EPOLLET;  // each ring is told; nobody reads it
  rung.data.ptr = this;
  if (epoll_ < 0 || bell_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &rung) != 0) {
    const int failed = errno;
    if (epoll_ >= 0) ::close(epoll_);
    if (bell_ >= 0) ::close(bell_);
    throw boost::system::system_error(failed, boost::system::system_category(), "epoll");
  }
}

Poller::~Poller() {
  ::close(epoll_);
  ::close(bell_);
}

error_code Poller::add(int fd, Watched& watched) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watched;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    return {errno, boost::system::system_category()};
  return {};
}

/// What is left of the batch being told may speak of it.
void Poller::forget(Watched& watched) {
  outbox_.forget(watched);
  for (int i = at_; i < count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &watched)
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::wake() {
  if (rung_.exchange(true)) return;
  const std::uint64_t one = 1;
  while (::write(bell_, &one, sizeof one) < 0 && errno == EINTR) continue;
}

void Poller::woken() {
  if (rung_.load(std::memory_order_relaxed)) rung_.exchange(false);
}

void Poller::wait(std::chrono::milliseconds at_most) {
  outbox_.send();
  if (at_ < count_) return;
  constexpr std::chrono::milliseconds kMost{std::numeric_limits<int>::max()};
  const int timeout = at_most > kMost ? -1 : static_cast<int>(at_most.count());
  at_ = 0;
  count_ = ::epoll_wait(epoll_, events_.data(), kBatch, timeout);
}

std::size_t Poller::tell(const std::atomic<bool>& stop) {
  std::size_t told = 0;
  for (; at_ < count_; ++at_) {
    epoll_event& event = events_[static_cast<std::size_t>(at_)];
    if (event.data.ptr == nullptr || event.data.ptr == this) continue;
    if (told > 0 && stop.load(std::memory_order_acquire)) return told;
    ++told;
    try {
      tell_of(event);
    } catch (const std::exception& failed) {  // the others are told once, now or never
      tell_failure("a connection's turn was given up", failed.what());
    }
  }
  return told;
}

void Poller::tell_of(epoll_event& event) {
  auto* watched = static_cast<Watched*>(event.data.ptr);
  const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (ended) watched->peer_ended = true;
  if (ended || (event.events & EPOLLIN) != 0) watched->may_read = true;
  if (ended || (event.events & EPOLLOUT) != 0) watched->may_write = true;
  if (watched->may_write && watched->owes) outbox_.pay(*watched);
  if (watched->may_write && watched->writable.awaited()) watched->writable.notify();
  if (event.data.ptr == nullptr) return;  // the writer has closed it
  if (watched->may_read && watched->readable.awaited()) watched->readable.notify();
}

}  // namespace tidegate::proxy
