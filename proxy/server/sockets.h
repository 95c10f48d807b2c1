#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proxy/server/worker.h"
#include "proxy/snapshot/applied.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::server {

/// Which addresses the snapshot wants to be listened on, and what came of it. Every worker has a
/// socket of its own for each of them (SO_REUSEPORT), opened here, on the control thread, so that a
/// failure is known before a worker hears of it.
class Sockets {
 public:
  explicit Sockets(std::size_t workers) : opened_for_(workers) {}

  /// What the workers have to do: `opened` has one list a worker.
  struct Change {
    std::vector<std::vector<OpenedSocket>> opened;
    std::vector<std::string> closed_keys;
    bool empty() const;
  };
  /// Opens what is new, and tells what is not wanted any more. What stays is not touched: no
  /// connection is lost.
  Change update(const Snapshot& snapshot);
  /// Tries again what could not be bound.
  Change retry();

  bool all_bound() const;
  /// One entry a listener, in the snapshot's order.
  std::vector<AppliedListener> state(const Snapshot& snapshot) const;

 private:
  struct Wanted {
    std::string listener;
    std::string address;
    std::uint16_t port = 0;
    bool udp = false;
    bool bound = false;
    std::string error;
    error_code cause;
    bool unusable = false;  // the address is not this machine's
    Origin origin;          // the first of the listeners that share the port
  };
  void tell_failure(const Wanted& wanted) const;
  void open(const std::string& key, Wanted& wanted, bool ours, Change& change);

  std::size_t opened_for_;
  std::map<std::string, Wanted> wanted_;  // by key
};

}  // namespace tidegate::proxy::server
