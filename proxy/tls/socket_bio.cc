#include "proxy/tls/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>

namespace tidegate::proxy::tls {

namespace {

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

int read(BIO* bio, char* into, int size) {
  auto& source = *static_cast<SocketBio*>(BIO_get_data(bio));
  net::Socket& socket = *source.socket;
  BIO_clear_retry_flags(bio);
  errno = 0;
  if (!socket.is_open() || size <= 0 || source.own_messages > SocketBio::kOwnMessagesMax) return -1;
  if (!socket.may_read() && !source.look) {
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t got;
  do {
    got = ::recv(socket.fd(), into, static_cast<std::size_t>(size), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    if (got < size) socket.read_exhausted(false);
  } else if (got == 0) {
    source.ended = true;
  } else if (would_wait()) {
    socket.read_exhausted(true);
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

int write(BIO* bio, const char* bytes, int size) {
  const auto& target = *static_cast<SocketBio*>(BIO_get_data(bio));
  net::Socket& socket = *target.socket;
  BIO_clear_retry_flags(bio);
  errno = 0;
  if (!socket.is_open() || size <= 0) return -1;
  if (!socket.settled()) {
    BIO_set_retry_write(bio);
    return -1;
  }
  const boost::asio::const_buffer piece(bytes, static_cast<std::size_t>(size));
  if (target.later && socket.send_later({&piece, 1})) return size;
  ssize_t sent;
  do {
    sent = ::send(socket.fd(), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && would_wait()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return static_cast<SocketBio*>(BIO_get_data(bio))->ended ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* method() {
  static BIO_METHOD* const one = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tidegate socket");
    if (made == nullptr) return made;
    BIO_meth_set_read(made, read);
    BIO_meth_set_write(made, write);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return one;
}

}  // namespace

BIO* SocketBio::make() {
  BIO* bio = method() != nullptr ? BIO_new(method()) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace tidegate::proxy::tls
