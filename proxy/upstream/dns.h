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
#include "proxy/runtime/stats.h"

struct ares_addrinfo;

namespace tidegate::proxy::upstream {

/// Follows DNS names: looks each up now, and again when its time to live is over. Knows /etc/hosts.
/// Belongs to the loop that it is given, the control thread's.
class Resolver {
 public:
  using OnChange = std::function<void(const std::vector<boost::asio::ip::address>&)>;

  /// `counted` outlives it; null: nothing is counted.
  explicit Resolver(boost::asio::io_context& io, DnsStats* counted = nullptr);
  ~Resolver();

  /// Calls `changed` with the addresses, sorted, whenever they are others than before. A name that
  /// cannot be looked up keeps those that it had, and is tried again after 1 s, 2 s, 4 s ... 30 s.
  void watch(const std::string& name, OnChange changed);
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
  std::unique_ptr<Channel> channel_;
};

}  // namespace tidegate::proxy::upstream
