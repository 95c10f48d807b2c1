#include "proxy/net/socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>

namespace tidegate::proxy::net {

namespace asio = boost::asio;

Socket::Socket(asio::io_context& io, int fd, bool expects_bytes) {
  try {
    state_ = new State(asio::use_service<Poller>(io), fd);
  } catch (...) {  // it is ours already
    ::close(fd);
    throw;
  }
  state_->watched.may_read = expects_bytes;
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

bool Socket::Wait::await_ready() {
  if (!state_ || state_->fd < 0) {
    failed_ = asio::error::operation_aborted;
    return true;
  }
  before_ = (*state_).*cancels_;
  if (state_->watched.*may_) return true;
  if (!state_->registered) {
    failed_ = state_->poller.add(state_->fd, state_->watched);
    state_->registered = !failed_;
  }
  return static_cast<bool>(failed_);
}

error_code Socket::Wait::await_resume() const {
  if (failed_) return failed_;
  if (state_->fd < 0 || (*state_).*cancels_ != before_) return asio::error::operation_aborted;
  return {};
}

error_code Socket::watch() {
  if (!is_open()) return asio::error::operation_aborted;
  if (state_->registered) return {};
  if (error_code failed = state_->poller.add(state_->fd, state_->watched)) return failed;
  state_->registered = true;
  return {};
}

void Socket::cancel() {
  if (!state_) return;
  cancel_read();
  ++state_->write_cancels;
  state_->watched.writable.notify_later(state_->poller.io());
}

void Socket::cancel_read() {
  if (!state_) return;
  ++state_->read_cancels;
  state_->watched.readable.notify_later(state_->poller.io());
}

void Socket::close() {
  if (!is_open()) return;
  if (state_->registered) state_->poller.forget(state_->watched);
  ::close(state_->fd);
  state_->fd = -1;
  cancel();
}

void Socket::reset() {
  if (!is_open()) return;
  const linger none{1, 0};
  ::setsockopt(state_->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close();
}

void Socket::shutdown_send() {
  if (!is_open()) return;
  settled();
  ::shutdown(state_->fd, SHUT_WR);
}

}  // namespace tidegate::proxy::net
