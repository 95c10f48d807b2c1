#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

namespace tidegate::proxy {

struct Watched;

/// Small messages of one turn of the loop, which are sent one after the other at its end: each
/// costs less than in between of other work, and whom they are for wakes up once for several (ADR
/// 0015). Whoever gave one goes on as if the kernel had taken it. What the kernel has no room for
/// then is kept until it has; who wants to close in an orderly way, or to write more, asks
/// settled() first. A socket that cannot be written to any more is shut down, which its reader
/// hears of.
class Outbox {
 public:
  static constexpr std::size_t kBytesMax = 2048;  // of a message

  /// Takes `pieces`, to be sent on `fd`, of which the poller knows. False: it does not.
  bool take(int fd, Watched& watched, std::span<const boost::asio::const_buffer> pieces);
  /// The end of a turn.
  void send();
  /// Sends what it has for one socket. False: the kernel had no room for some of it.
  bool settled(Watched& watched);
  /// The kernel has room again for a socket that owes.
  void pay(Watched& watched);
  /// Before a socket is closed: the kernel is given what it takes, the rest goes.
  void forget(Watched& watched);

 private:
  struct Message {
    Watched* watched;  // null: done
    int fd;
    std::uint32_t begin;
    std::uint32_t size;
  };
  struct Owed {
    int fd;
    std::string bytes;
  };
  static constexpr std::size_t kMessages = 64;
  static constexpr std::size_t kRoom = 32 * 1024;

  void send(Message& message);

  std::array<Message, kMessages> messages_;
  std::size_t count_ = 0;
  std::array<char, kRoom> bytes_;
  std::size_t used_ = 0;
  std::unordered_map<Watched*, Owed> owed_;  // by those who did not read what they had asked for
};

}  // namespace tidegate::proxy
