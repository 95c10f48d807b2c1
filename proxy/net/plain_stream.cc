#include "proxy/net/plain_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/as_tuple.hpp>
#include <cerrno>

namespace tidegate::proxy::net {

namespace asio = boost::asio;
constexpr auto kTuple = asio::as_tuple(use_task);

PlainStream::PlainStream(Socket socket) : socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  facts_.local = socket_.local_endpoint(ignored);
  facts_.remote = socket_.remote_endpoint(ignored);
  facts_.remote_ip = facts_.remote.address().to_string();
}

Task<Result<std::size_t>> PlainStream::read_some(std::span<char> into) {
  auto [failed, bytes] = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kTuple);
  if (failed) co_return failed;
  co_return bytes;
}

Task<error_code> PlainStream::wait_readable() {
  auto [failed] = co_await socket_.async_wait(Socket::wait_read, kTuple);
  co_return failed;
}

Result<std::size_t> PlainStream::try_write(std::span<const asio::const_buffer> pieces) {
  iovec vectors[16];
  std::size_t count = 0;
  for (const asio::const_buffer& piece : pieces) {
    if (count == 16) break;
    if (piece.size()) vectors[count++] = {const_cast<void*>(piece.data()), piece.size()};
  }
  if (count == 0) return std::size_t{0};
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  while (true) {
    ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    return error_code(errno, boost::system::system_category());
  }
}

Task<error_code> PlainStream::wait_writable() {
  auto [failed] = co_await socket_.async_wait(Socket::wait_write, kTuple);
  co_return failed;
}

void PlainStream::shutdown_send() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void PlainStream::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void PlainStream::close() {
  error_code ignored;
  socket_.close(ignored);
}

bool PlainStream::peer_closed() {
  if (!socket_.is_open()) return true;
  char byte;
  ssize_t seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen == 0 || (seen < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace tidegate::proxy::net
