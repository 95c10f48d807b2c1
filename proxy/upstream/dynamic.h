#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::upstream {

/// What a look-up gave. Empty: no such name, or nobody answered.
struct Found {
  std::vector<boost::asio::ip::address> addresses;
  std::chrono::seconds ttl{10};
  bool own = false;  // some addresses were left out: this process listens there
};

/// Looks a name up for a worker: called there, and calls back there. The port is that of the
/// connection to come: an address where this process itself listens is not given.
using LookUp = std::function<void(Loop& loop, const std::string& name, std::uint16_t port,
                                  std::function<void(Found)> reply)>;

/// "Example.com:8080" as a lower-case name (or address) and a port.
struct Destination {
  std::string name;
  std::uint16_t port = 0;
};
/// Errors: no name, or a port that is none.
Result<Destination> destination_of(std::string_view authority, bool tls);

/// The names that one worker has looked up for a cluster whose endpoints are what requests name.
class Names {
 public:
  static constexpr std::size_t kNamesMax = 1024;  // Envoy's max_hosts

  explicit Names(Loop& loop) : loop_(loop) {}

  /// The name's addresses: as long as they hold from memory, else looked up, once for all who
  /// wait. Errors: kNoSuchName: none; kOwnAddress: this process; kOverflow: too many names at a
  /// time.
  Task<Result<std::vector<boost::asio::ip::address>>> find(const LookUp& look_up,
                                                           Destination destination);

 private:
  struct Name {
    Found found;
    bool asked = false;  // a look-up is under way
    TimerWheel::Clock::time_point until;
    std::vector<Event*> waiting;  // each in its coroutine's frame
  };
  bool make_room();

  Loop& loop_;
  std::map<std::string, std::shared_ptr<Name>> names_;  // by "name:port"
};

}  // namespace tidegate::proxy::upstream
