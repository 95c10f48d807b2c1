#include "proxy/runtime/outbox.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "proxy/runtime/poller.h"

namespace tidegate::proxy {

namespace {

/// What the kernel takes of it now. What cannot be sent at all is as good as sent: the socket has
/// ended.
std::size_t give(int fd, Watched& watched, std::string_view bytes) {
  ssize_t sent;
  do {
    sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  watched.peer_ended = watched.broken = true;
  ::shutdown(fd, SHUT_RDWR);
  return bytes.size();
}

}  // namespace

bool Outbox::take(int fd, Watched& watched, std::span<const boost::asio::const_buffer> pieces) {
  const std::size_t size = boost::asio::buffer_size(pieces);
  if (size == 0) return true;
  // Who has ended may not be there any more: whoever writes is told, then.
  if (size > kBytesMax || watched.owes || !watched.may_write || watched.peer_ended) return false;
  if (count_ == kMessages || used_ + size > kRoom) send();
  if (watched.owes) return false;
  messages_[count_++] = {&watched, fd, static_cast<std::uint32_t>(used_),
                         static_cast<std::uint32_t>(size)};
  for (const boost::asio::const_buffer& piece : pieces) {
    if (piece.size() == 0) continue;
    std::memcpy(bytes_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
  }
  watched.queued = true;
  return true;
}

void Outbox::send() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (messages_[i].watched != nullptr) send(messages_[i]);
  }
  count_ = used_ = 0;
}

void Outbox::send(Message& message) {
  Watched& watched = *std::exchange(message.watched, nullptr);
  watched.queued = false;
  std::string_view bytes(bytes_.data() + message.begin, message.size);
  if (!watched.owes) bytes.remove_prefix(give(message.fd, watched, bytes));
  if (bytes.empty()) return;
  try {
    Owed& owed = owed_[&watched];
    owed.fd = message.fd;
    owed.bytes.append(bytes);
    watched.owes = true;
    watched.may_write = false;
  } catch (const std::bad_alloc&) {  // a message with a hole is none
    owed_.erase(&watched);
    watched.owes = false;
    watched.broken = true;
    ::shutdown(message.fd, SHUT_RDWR);
  }
}

bool Outbox::settled(Watched& watched) {
  for (std::size_t i = 0; watched.queued && i < count_; ++i) {
    if (messages_[i].watched != &watched) continue;
    send(messages_[i]);
    watched.queued = true;  // there may be another
  }
  watched.queued = false;
  return !watched.owes;
}

void Outbox::pay(Watched& watched) {
  const auto found = owed_.find(&watched);
  std::string& bytes = found->second.bytes;
  bytes.erase(0, give(found->second.fd, watched, bytes));
  watched.may_write = bytes.empty();
  if (!bytes.empty()) return;
  watched.owes = false;
  owed_.erase(found);
}

void Outbox::forget(Watched& watched) {
  if (!settled(watched)) owed_.erase(&watched);
  watched.owes = false;
}

}  // namespace tidegate::proxy
