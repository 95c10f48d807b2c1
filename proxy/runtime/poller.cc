#include "proxy/runtime/poller.h"

#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <exception>

#include "base/surely.h"

namespace tidegate::proxy {

Poller::Poller(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context),
      io_(static_cast<boost::asio::io_context&>(context)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      gate_(io_.get_executor()) {
  if (epoll_ < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll");
  gate_.assign(epoll_);
}

Poller::~Poller() = default;

void Poller::shutdown() {
  boost::system::error_code ignored;
  gate_.close(ignored);
  epoll_ = -1;
}

error_code Poller::add(int fd, Watched& watched) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watched;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    return {errno, boost::system::system_category()};
  if (!waiting_) wait();
  return {};
}

/// What is left of the batch being told may speak of it.
void Poller::forget(Watched& watched) {
  for (int i = at_; i < count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &watched)
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::wait() {
  waiting_ = true;
  surely([this] {
    gate_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](error_code failed) {
      waiting_ = false;
      if (failed) return;
      dispatch();
      if (!waiting_) wait();
    });
  });
}

void Poller::dispatch() {
  count_ = ::epoll_wait(epoll_, events_.data(), kBatch, 0);
  for (at_ = 0; at_ < count_; ++at_) {
    epoll_event& event = events_[static_cast<std::size_t>(at_)];
    auto* watched = static_cast<Watched*>(event.data.ptr);
    if (watched == nullptr) continue;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (ended) watched->peer_ended = true;
    if (ended || (event.events & EPOLLIN) != 0) watched->may_read = true;
    if (ended || (event.events & EPOLLOUT) != 0) watched->may_write = true;
    try {
      if (watched->may_write && watched->writable.awaited()) watched->writable.notify();
      if (event.data.ptr == nullptr) continue;  // the writer has closed it
      if (watched->may_read && watched->readable.awaited()) watched->readable.notify();
    } catch (const std::exception& failed) {  // the others are told once, now or never
      tell_failure("a connection's turn was given up", failed.what());
    }
  }
  at_ = count_ = 0;
}

}  // namespace tidegate::proxy
