#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidegate::proxy {

/// What the process takes on no more, for want of memory or of places for connections. One of a
/// process: its own thread writes it (server/overload_manager.h), workers read it with each
/// connection and request.
struct Overload {
  std::atomic<bool> stop_accepting_requests{false};      // they are answered with 503
  std::atomic<bool> reject_incoming_connections{false};  // they are closed as they come
  std::atomic<bool> reset_high_memory_stream{false};     // those that hold most are closed
  std::atomic<bool> shrink_heap{false};                  // what is free goes back to the system

  std::atomic<std::size_t> connections{0};      // of clients, now
  std::atomic<std::size_t> connections_max{0};  // 0: any number
  std::atomic<std::size_t> sessions{0};         // of UDP, now
  std::atomic<std::size_t> sessions_max{0};     // 0: any number
  std::atomic<std::uint64_t> memory_bytes{0};   // in use
  std::atomic<std::uint64_t> memory_bytes_max{0};
  std::atomic<std::uint64_t> memory_percent{0};
  std::atomic<std::uint64_t> connections_reset{0};  // for their memory, ever

  /// Takes a place for a connection. False: there is none; why is in `full`.
  bool admit(bool& full) {
    full = false;
    if (reject_incoming_connections.load(std::memory_order_relaxed)) return false;
    const std::size_t most = connections_max.load(std::memory_order_relaxed);
    if (connections.fetch_add(1, std::memory_order_relaxed) < most || most == 0) return true;
    leave();
    full = true;
    return false;
  }
  void leave() { connections.fetch_sub(1, std::memory_order_relaxed); }

  /// The same for a UDP session, which has a descriptor and a client that nobody has verified.
  bool admit_session() {
    if (reject_incoming_connections.load(std::memory_order_relaxed)) return false;
    const std::size_t most = sessions_max.load(std::memory_order_relaxed);
    if (sessions.fetch_add(1, std::memory_order_relaxed) < most || most == 0) return true;
    leave_session();
    return false;
  }
  void leave_session() { sessions.fetch_sub(1, std::memory_order_relaxed); }
};

}  // namespace tidegate::proxy
