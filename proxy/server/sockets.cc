#include "proxy/server/sockets.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "proxy/net/datagram.h"
#include "proxy/net/listen.h"
#include "proxy/snapshot/about.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;

bool Sockets::Change::empty() const {
  return closed_keys.empty() &&
         std::all_of(opened.begin(), opened.end(), [](const auto& one) { return one.empty(); });
}

Sockets::Change Sockets::update(const Snapshot& snapshot) {
  Change change;
  change.opened.resize(opened_for_);
  std::map<std::string, Wanted> wanted;
  for (const Listener& listener : snapshot.listeners) {
    for (const std::string& address : listener.addresses) {
      Origin origin = listener.sites.empty() ? Origin{} : listener.sites.front().origin;
      wanted.emplace(fmt::format("{} {}:{}", listener.name, address, listener.port),
                     Wanted{listener.name,
                            address,
                            listener.port,
                            listener.udp,
                            false,
                            {},
                            {},
                            false,
                            std::move(origin)});
    }
  }
  // A socket of ours on the port says nothing about other processes: there the probe for them would
  // find only ourselves.
  std::set<std::pair<bool, std::uint16_t>> our_ports;
  for (const auto& [key, one] : wanted_) {
    if (one.bound) our_ports.insert({one.udp, one.port});
    if (one.bound && !wanted.contains(key)) change.closed_keys.push_back(key);
  }
  for (auto& [key, one] : wanted) {
    auto known = wanted_.find(key);
    if (known != wanted_.end() && known->second.bound) {
      Origin origin = std::move(one.origin);  // may have moved to another line
      one = known->second;
      one.origin = std::move(origin);
      continue;
    }
    open(key, one, our_ports.contains({one.udp, one.port}), change);
    if (one.bound) our_ports.insert({one.udp, one.port});
    bool told = known != wanted_.end() && known->second.error == one.error;
    if (!one.bound && !told && !one.error.empty()) tell_failure(one);
  }
  wanted_ = std::move(wanted);
  return change;
}

Sockets::Change Sockets::retry() {
  Change change;
  change.opened.resize(opened_for_);
  for (auto& [key, one] : wanted_) {
    if (one.bound || one.error.empty()) continue;
    bool ours = std::any_of(wanted_.begin(), wanted_.end(), [&wanted = one](const auto& other) {
      return other.second.bound && other.second.port == wanted.port &&
             other.second.udp == wanted.udp;
    });
    open(key, one, ours, change);
    if (one.bound) {
      log::tell(log::Component::kConnHandler, log::Level::kInfo, about(one.origin),
                fmt::format("listening on {} port {} now", one.address, one.port));
    }
  }
  return change;
}

void Sockets::tell_failure(const Wanted& wanted) const {
  std::string to_do;
  if (wanted.unusable) {
    to_do = "it is no address of this machine: see spec.addresses and --bind-address";
  } else if (wanted.cause == boost::system::errc::address_in_use) {
    to_do = fmt::format("`ss -l{}np 'sport = :{}'` says who has the port", wanted.udp ? "u" : "t",
                        wanted.port);
  } else if (wanted.cause == boost::system::errc::permission_denied) {
    to_do = "a port below 1024 needs CAP_NET_BIND_SERVICE, or --port-offset";
  }
  log::tell(
      log::Component::kConnHandler, log::Level::kError, about(wanted.origin),
      fmt::format("cannot listen on {} port {}: {}; trying again each second{}{}", wanted.address,
                  wanted.port, wanted.error, to_do.empty() ? "" : "; ", to_do));
}

void Sockets::open(const std::string& key, Wanted& wanted, bool ours, Change& change) {
  error_code failed;
  asio::ip::address ip = asio::ip::make_address(wanted.address, failed);
  std::vector<int> opened;
  for (std::size_t i = 0; i < opened_for_ && !failed; ++i) {
    const bool exclusive = i == 0 && !ours;
    Result<int> fd = wanted.udp ? net::open_datagram_socket(ip, wanted.port, exclusive)
                                : net::open_listening_socket(ip, wanted.port, exclusive);
    if (fd) {
      opened.push_back(*fd);
    } else {
      failed = fd.error();
    }
  }
  if (failed) {
    for (int fd : opened) ::close(fd);
    // A machine without IPv6 serves "every address" by its IPv4 socket alone.
    bool no_v6 = ip.is_v6() && ip.is_unspecified() &&
                 (failed == asio::error::address_family_not_supported ||
                  failed == boost::system::errc::address_not_available);
    wanted.error = no_v6 ? std::string() : failed.message();
    wanted.cause = failed;
    wanted.unusable = !no_v6 && failed == boost::system::errc::address_not_available;
    return;
  }
  wanted.bound = true;
  wanted.error.clear();
  wanted.unusable = false;
  for (std::size_t i = 0; i < opened_for_; ++i) {
    change.opened[i].push_back(OpenedSocket{key, wanted.listener, opened[i], wanted.udp});
  }
}

bool Sockets::all_bound() const {
  return std::all_of(wanted_.begin(), wanted_.end(),
                     [](const auto& one) { return one.second.bound || one.second.error.empty(); });
}

std::vector<AppliedListener> Sockets::state(const Snapshot& snapshot) const {
  std::vector<AppliedListener> out;
  for (const Listener& listener : snapshot.listeners) {
    AppliedListener& entry = out.emplace_back();
    entry.name = listener.name;
    for (const auto& [key, one] : wanted_) {
      if (one.listener != listener.name) continue;
      entry.bound = entry.bound || one.bound;
      if (!one.error.empty()) entry.error = one.error;
      entry.address_unusable = entry.address_unusable || one.unusable;
    }
    if (!entry.error.empty()) entry.bound = false;
  }
  return out;
}

}  // namespace tidegate::proxy::server
