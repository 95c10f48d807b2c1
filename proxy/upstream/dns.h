#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/cluster.h"

struct ares_addrinfo;

namespace tidegate::proxy::upstream {

/// When a name is looked up again, after an answer that holds for `ttl`: as the soonest of
/// `wanted` says, and up to its jitter later; where there is none, as the answer says, 1 s to
/// 5 min. `random` is any number.
std::chrono::milliseconds next_look_up(const std::vector<DnsRefresh>& wanted,
                                       std::chrono::seconds ttl, std::uint64_t random);

/// Follows DNS names: looks each up now, and again when next_look_up() says. Knows /etc/hosts.
/// Belongs to the loop that it is given, the control thread's.
class Resolver {
 public:
  using OnChange = std::function<void(const std::vector<boost::asio::ip::address>&)>;

  /// `counted` outlives it; null: nothing is counted. `servers`: whom to ask, "127.0.0.1:53,...";
  /// empty: those that the system says.
  explicit Resolver(boost::asio::io_context& io, DnsStats* counted = nullptr,
                    const std::string& servers = {});
  ~Resolver();

  /// Calls `changed` with the addresses, sorted, whenever they are others than before. A name that
  /// cannot be looked up keeps those that it had, and is tried again after 1 s, 2 s, 4 s ... 30 s.
  void watch(const std::string& name, OnChange changed);
  /// From its next answer on, a name that is watched is looked up again as they say.
  void refresh(const std::string& name, std::vector<DnsRefresh> wanted);
  void unwatch(const std::string& name);

  using OnFound =
      std::function<void(std::vector<boost::asio::ip::address>, std::chrono::seconds ttl)>;
  /// Looks a name up once. Nothing: it is not known, or nobody answers.
  void find(const std::string& name, OnFound found);

 private:
  struct Name;
  struct Channel;

  void look_up(const std::shared_ptr<Name>& name);
  void answered(const std::shared_ptr<Name>& name, int status, ares_addrinfo* found);

  void begin();
  void ended(int status);

  boost::asio::io_context& io_;
  DnsStats* counted_;
  std::map<std::string, std::shared_ptr<Name>> names_;
  Random random_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace tidegate::proxy::upstream
