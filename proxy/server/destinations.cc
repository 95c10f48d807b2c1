#include <ifaddrs.h>
#include <netinet/in.h>

#include <boost/asio/post.hpp>

#include "proxy/server/server.h"

/// The part of Server that looks up where requests want to go (Cluster::dynamic).
namespace tidegate::proxy::server {

namespace asio = boost::asio;

namespace {

/// Whether one of this machine's interfaces has the address.
bool is_local(const asio::ip::address& address) {
  if (address.is_loopback() || address.is_unspecified()) return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool out = false;
  for (const ifaddrs* one = all; one != nullptr && !out; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (one->ifa_addr->sa_family == AF_INET && address.is_v4()) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      out = asio::ip::address_v4(ntohl(in->sin_addr.s_addr)) == address.to_v4();
    } else if (one->ifa_addr->sa_family == AF_INET6 && address.is_v6()) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(in->sin6_addr.s6_addr), std::end(in->sin6_addr.s6_addr), bytes.begin());
      out = bytes == address.to_v6().to_bytes();
    }
  }
  ::freeifaddrs(all);
  return out;
}

}  // namespace

/// A request that came back to us would go round and round; one to the admin port would have rights
/// that no client has.
bool Server::is_own(const asio::ip::address& address, std::uint16_t port) const {
  const auto& ports = options_.own_ports;
  bool ours = std::find(ports.begin(), ports.end(), port) != ports.end();
  for (const Listener& listener : compiled_->snapshot->listeners)
    ours = ours || listener.port == port;
  if (!ours) return false;
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  return is_local(mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6())
                         : address);
}

/// On a worker; the work is done on the control thread, the reply comes on the worker.
void Server::look_up(Loop& loop, const std::string& name, std::uint16_t port,
                     std::function<void(upstream::Found)> reply) {
  asio::post(control_, [this, &loop, name, port, reply = std::move(reply)] {
    auto found = [this, &loop, port, reply](const std::vector<asio::ip::address>& addresses,
                                            std::chrono::seconds ttl) {
      upstream::Found out;
      out.ttl = ttl;
      for (const asio::ip::address& address : addresses) {
        if (is_own(address, port)) {
          out.own = true;
        } else {
          out.addresses.push_back(address);
        }
      }
      loop.post([reply, out] { reply(out); });
    };
    error_code not_an_address;
    const asio::ip::address literal = asio::ip::make_address(name, not_an_address);
    if (!not_an_address) {
      found({literal}, std::chrono::seconds(60));
    } else {
      resolver_.find(name, found);
    }
  });
}

}  // namespace tidegate::proxy::server
