#include "proxy/net/plain_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <cstring>

#include "proxy/net/facts.h"

namespace tidegate::proxy::net {

namespace asio = boost::asio;

namespace {
constexpr std::size_t kTogether = 2048;
constexpr std::size_t kLarge = 16 * 1024;  // takes the kernel longer than what others wait to send
}  // namespace

PlainStream::PlainStream(Socket socket, const Accepted& accepted) : socket_(std::move(socket)) {
  begin_facts(socket_, accepted, facts_);
}

Task<Result<std::size_t>> PlainStream::read_some(std::span<char> into) {
  while (true) {
    if (const auto got = try_read(into)) co_return *got;
    if (error_code failed = co_await socket_.wait_readable()) co_return failed;
  }
}

Task<Result<std::size_t>> PlainStream::read_some(BufferPool& pool, BufferPool::Buffer& buffer) {
  while (true) {
    if (socket_.is_open() && socket_.may_read() && !buffer) buffer = pool.take();
    if (const auto got = try_read({buffer.get(), BufferPool::kBytes})) co_return *got;
    if (error_code failed = co_await socket_.wait_readable()) co_return failed;
  }
}

/// nullopt: nothing is there, or may be.
std::optional<Result<std::size_t>> PlainStream::try_read(std::span<char> into) {
  if (!socket_.is_open()) return error_code(asio::error::operation_aborted);
  if (!socket_.may_read()) return std::nullopt;
  ssize_t got;
  do {
    got = ::recv(socket_.fd(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto size = static_cast<std::size_t>(got);
    if (size < into.size()) socket_.read_exhausted(false);
    return size;
  }
  if (got == 0 && socket_.broken()) return error_code(asio::error::connection_reset);
  if (got == 0) return error_code(asio::error::eof);
  if (!would_wait()) return error_code(errno, boost::system::system_category());
  socket_.read_exhausted(true);
  return std::nullopt;
}

Task<error_code> PlainStream::wait_readable() {
  char byte;
  while (true) {
    if (error_code failed = co_await socket_.wait_readable()) co_return failed;
    const ssize_t seen = ::recv(socket_.fd(), &byte, 1, MSG_PEEK);
    if (seen >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
      co_return error_code();
    if (errno != EINTR) socket_.read_exhausted(true);
  }
}

Result<std::size_t> PlainStream::try_write(std::span<const asio::const_buffer> pieces) {
  if (!socket_.is_open()) return error_code(asio::error::operation_aborted);
  if (!socket_.settled()) return std::size_t{0};
  iovec vectors[16];
  std::size_t count = 0;
  std::size_t total = 0;
  for (const asio::const_buffer& piece : pieces) {
    if (count == 16) break;
    if (piece.size() == 0) continue;
    vectors[count++] = {const_cast<void*>(piece.data()), piece.size()};
    total += piece.size();
  }
  if (count == 0) return std::size_t{0};
  // A small message is copied together: the kernel takes one buffer faster than it takes a list of
  // them.
  char small[kTogether];
  if (count > 1 && total <= kTogether) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(small + at, vectors[i].iov_base, vectors[i].iov_len);
      at += vectors[i].iov_len;
    }
    vectors[0] = {small, total};
    count = 1;
  }
  if (total >= kLarge) socket_.send_what_waits();
  const int flags = MSG_NOSIGNAL | (last_ ? MSG_MORE : 0);
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  while (true) {
    ssize_t sent = count == 1 ? ::send(socket_.fd(), vectors[0].iov_base, vectors[0].iov_len, flags)
                              : ::sendmsg(socket_.fd(), &message, flags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      socket_.write_exhausted();
      return std::size_t{0};
    }
    return error_code(errno, boost::system::system_category());
  }
}

Task<error_code> PlainStream::wait_writable() { co_return co_await socket_.wait_writable(); }

bool PlainStream::peer_closed() {
  if (!socket_.is_open()) return true;
  const ssize_t seen = peek();
  return seen == 0 || (seen < 0 && !would_wait());
}

bool PlainStream::quiet(bool look) {
  if (!socket_.is_open()) return false;
  if (!look && !socket_.may_read()) return true;
  if (peek() >= 0 || !would_wait()) return false;
  socket_.read_exhausted(true);
  return true;
}

/// As recv() says it of one byte, which stays where it is.
ssize_t PlainStream::peek() {
  char byte;
  return ::recv(socket_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

bool PlainStream::would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace tidegate::proxy::net
