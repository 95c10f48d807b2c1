#include "controlloop/translate/place.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace tidegate::controlloop::translate {
namespace {

proxy::SiteProtocol protocol_of(const config::ListenerSpec& spec) {
  if (spec.protocol == "HTTPS") return proxy::SiteProtocol::kHttps;
  if (spec.protocol == "TLS") return proxy::SiteProtocol::kTls;
  if (spec.protocol == "TCP") return proxy::SiteProtocol::kTcp;
  if (spec.protocol == "UDP") return proxy::SiteProtocol::kUdp;
  return proxy::SiteProtocol::kHttp;
}

std::string hostname_of(const ListenerState& listener) {
  std::string out = listener.spec->hostname;
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

bool clashes(const ListenerState& one, const ListenerState& other) {
  auto secure = [](const ListenerState& listener) {
    const proxy::SiteProtocol protocol = protocol_of(*listener.spec);
    return protocol == proxy::SiteProtocol::kHttps || protocol == proxy::SiteProtocol::kTls;
  };
  const bool apart =
      protocol_of(*one.spec) == protocol_of(*other.spec) || (secure(one) && secure(other));
  return !apart || hostname_of(one) == hostname_of(other);
}

/// Whether it is to be served, where its port is free.
bool wants_place(const GatewayState& state, const ListenerState& listener) {
  // Without a certificate never in the clear instead.
  return status::is_true(state.conditions, "Accepted") && listener.accepted() &&
         !(listener.terminates() && listener.tls.certificates.empty());
}

/// Of the socket.
using Place = std::tuple<std::vector<std::string>, int, bool>;
Place place_of(const GatewayState& state, const ListenerState& listener) {
  const bool udp = protocol_of(*listener.spec) == proxy::SiteProtocol::kUdp;
  return {state.addresses, listener.spec->port, udp};
}

/// A listener as the proxy serves it, its routes aside.
proxy::Site site_of(const ListenerState& listener, const Report& report) {
  proxy::Site site;
  site.origin = {listener.owner.kind,
                 listener.owner.meta->namespace_,
                 listener.owner.meta->name,
                 listener.spec->name,
                 listener.owner.meta->file,
                 report.line(listener.owner.kind, *listener.owner.meta, listener.field())};
  site.protocol = protocol_of(*listener.spec);
  site.hostname = hostname_of(listener);
  if (listener.terminates()) site.tls = listener.tls;
  site.http = listener.http;
  return site;
}

/// Listeners of one socket share what is done before any protocol: the first one's options hold,
/// but a PROXY header that one of them demands is demanded of all.
void join_connection(const ListenerState& listener, Report& report, proxy::Listener& here) {
  if (here.sites.empty()) {
    here.connection = listener.connection;
    return;
  }
  if (here.connection == listener.connection) return;
  report.warning(listener.owner.kind, *listener.owner.meta, listener.field(".port"),
                 fmt::format("the policies of listener {} say otherwise of connections than those "
                             "of listener {} on the same port; the latter hold for both",
                             listener.spec->name, here.sites.front().origin.section));
  using Header = proxy::ConnectionOptions::ProxyHeader;
  const Header own = listener.connection ? listener.connection->proxy_header : Header::kNone;
  // A header that may be made up is taken only where all of them take it.
  if (own == Header::kNone && here.connection && here.connection->proxy_header == Header::kAllowed)
    here.connection->proxy_header = Header::kNone;
  if (own != Header::kRequired) return;
  if (!here.connection) here.connection.emplace();
  here.connection->proxy_header = Header::kRequired;
}

}  // namespace

Clashes find_clashes(const std::vector<std::shared_ptr<GatewayState>>& gateways) {
  Clashes out;
  std::map<Place, std::vector<const ListenerState*>> placed;
  for (const auto& state : gateways) {
    for (const ListenerState& listener : state->listeners) {
      if (!wants_place(*state, listener)) continue;
      std::vector<const ListenerState*>& here = placed[place_of(*state, listener)];
      const auto clash = std::find_if(here.begin(), here.end(), [&](const ListenerState* other) {
        return clashes(listener, *other);
      });
      if (clash == here.end()) {
        here.push_back(&listener);
      } else {
        out.emplace(&listener, *clash);
      }
    }
  }
  return out;
}

void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report) {
  std::map<Place, proxy::Listener> placed;
  const Clashes taken = find_clashes(gateways);
  for (const auto& state : gateways) {
    for (ListenerState& listener : state->listeners) {
      if (!wants_place(*state, listener)) continue;
      if (const auto clash = taken.find(&listener); clash != taken.end()) {
        const ListenerState& by = *clash->second;
        listener.fail("Accepted", "PortUnavailable", ".port",
                      fmt::format("port {} is taken by listener {} of {} {}/{}",
                                  listener.spec->port, by.spec->name, by.owner.kind,
                                  by.owner.meta->namespace_, by.owner.meta->name),
                      report);
        continue;
      }
      proxy::Site site = site_of(listener, report);
      const bool udp = site.protocol == proxy::SiteProtocol::kUdp;
      proxy::Listener& here = placed[place_of(*state, listener)];
      if (here.sites.empty()) {
        here.addresses = state->addresses;
        here.declared_port = static_cast<std::uint16_t>(listener.spec->port);
        here.port = static_cast<std::uint16_t>(listener.spec->port + options.port_offset);
        here.udp = udp;
        here.name = fmt::format("listener~{}{}", here.declared_port, udp ? "~udp" : "");
        if (!options.address_pool.empty() || state->addresses != options.bind_addresses) {
          here.name += "~" + fmt::format("{}", fmt::join(state->addresses, ","));
        }
      }
      if (!udp) join_connection(listener, report, here);
      listener.snapshot_listener = here.name;
      site.routes = std::move(listener.table);
      site.streams = std::move(listener.streams);
      here.sites.push_back(std::move(site));
    }
  }
  for (auto& [key, listener] : placed) {
    if (!listener.sites.empty()) snapshot.listeners.push_back(std::move(listener));
  }
  std::sort(snapshot.listeners.begin(), snapshot.listeners.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

}  // namespace tidegate::controlloop::translate
