#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "proxy/net/plain_stream.h"
#include "proxy/runtime/loop.h"
#include "tests/support/http2_peer.h"

namespace tidegate::test {

using namespace proxy;

/// Both ends of a TCP connection on loopback, not blocking.
struct Ends {
  Ends() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(listener, reinterpret_cast<sockaddr*>(&at), size);
    ::listen(listener, 1);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
    ours = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::connect(ours, reinterpret_cast<sockaddr*>(&at), sizeof at);
    theirs = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ::close(listener);
    const int on = 1;
    ::setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(theirs, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  int ours = -1;
  int theirs = -1;
};

/// A scripted peer at its end of a connection.
class WiredPeer {
 public:
  WiredPeer(Http2Peer::Side side, int fd, bool own_windows = false)
      : script(side, own_windows), fd_(fd) {}
  ~WiredPeer() { hang_up(); }
  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send_raw(std::string_view bytes) { out_ += bytes; }
  /// Moves what there is to move.
  void turn(bool read = true) {
    if (fd_ < 0) return;
    out_ += script.give();
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
    std::array<char, 65536> bytes;
    while (read) {
      const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got <= 0) {
        closed = closed || got == 0 || errno == ECONNRESET;
        break;
      }
      script.take({bytes.data(), static_cast<std::size_t>(got)});
    }
  }

  Http2Peer script;
  bool closed = false;  // the other side has

 private:
  int fd_;
  std::string out_;
};

/// Turns the loop and then `turn`, until `fact` is true. False: it did not become so in ten
/// seconds.
template <class Turn, class Fact>
bool drive(Loop& loop, Turn turn, Fact fact) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.turn(std::chrono::milliseconds(2));
    turn();
  }
  return true;
}

}  // namespace tidegate::test
