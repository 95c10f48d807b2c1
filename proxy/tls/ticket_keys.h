#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <span>

namespace tidegate::proxy::tls {

/// Keys that session tickets are sealed with. New ones take over every kAge and open what they have
/// sealed for as long again: who steals memory opens no more than that. Source: RFC 5077 section
/// 5.5; RFC 8446 appendix C.4. Safe to use from all workers.
class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kAge{12};

  struct Key {
    std::array<unsigned char, 16> name{};  // goes with the ticket, in the clear
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
    Clock::time_point made_at;
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();
  };

  /// To seal with. nullopt: there is no randomness.
  std::optional<Key> current(Clock::time_point now);
  /// To open a ticket with, whose key was called so. nullopt: too old, or not ours.
  std::optional<Key> find(std::span<const unsigned char, 16> name, Clock::time_point now);

  /// The one set of the process: a session may be resumed on any worker and after any change of the
  /// configuration.
  static void share(SSL_CTX* context);

 private:
  std::mutex mutex_;
  std::deque<Key> keys_;  // the newest first
};

}  // namespace tidegate::proxy::tls
