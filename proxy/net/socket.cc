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

Task<error_code> Socket::wait(boost::intrusive_ptr<State> state, Event Watched::* changed,
                              bool Watched::* may) {
  const error_code aborted = asio::error::operation_aborted;
  if (!state) co_return aborted;
  const std::uint64_t cancels = state->cancels;
  while (true) {
    if (state->fd < 0 || state->cancels != cancels) co_return aborted;
    if (state->watched.*may) co_return error_code();
    if (!state->registered) {
      if (error_code failed = state->poller.add(state->fd, state->watched)) co_return failed;
      state->registered = true;
    }
    co_await (state->watched.*changed).wait();
  }
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
  ++state_->cancels;
  state_->watched.readable.notify_later(state_->poller.io());
  state_->watched.writable.notify_later(state_->poller.io());
}

void Socket::close() {
  if (!is_open()) return;
  if (state_->registered) state_->poller.forget(state_->watched);
  ::close(state_->fd);
  state_->fd = -1;
  cancel();
}

void Socket::shutdown_send() {
  if (is_open()) ::shutdown(state_->fd, SHUT_WR);
}

}  // namespace tidegate::proxy::net
