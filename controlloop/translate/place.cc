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

bool clashes(const proxy::Site& one, const proxy::Site& other) {
  auto secure = [](const proxy::Site& site) {
    return site.protocol == proxy::SiteProtocol::kHttps ||
           site.protocol == proxy::SiteProtocol::kTls;
  };
  const bool apart = one.protocol == other.protocol || (secure(one) && secure(other));
  return !apart || one.hostname == other.hostname;
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
  site.hostname = listener.spec->hostname;
  for (char& c : site.hostname) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
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

void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report) {
  std::map<std::tuple<std::vector<std::string>, int, bool>, proxy::Listener> placed;
  for (const auto& state : gateways) {
    if (!status::is_true(state->conditions, "Accepted")) continue;
    for (ListenerState& listener : state->listeners) {
      if (!listener.accepted()) continue;
      // Never in the clear instead.
      if (listener.terminates() && listener.tls.certificates.empty()) continue;
      proxy::Site site = site_of(listener, report);
      const bool udp = site.protocol == proxy::SiteProtocol::kUdp;
      proxy::Listener& here = placed[{state->addresses, listener.spec->port, udp}];
      const auto clash =
          std::find_if(here.sites.begin(), here.sites.end(),
                       [&](const proxy::Site& other) { return clashes(site, other); });
      if (clash != here.sites.end()) {
        listener.fail("Accepted", "PortUnavailable", ".port",
                      fmt::format("port {} is taken by listener {} of {} {}/{}",
                                  listener.spec->port, clash->origin.section, clash->origin.kind,
                                  clash->origin.namespace_, clash->origin.name),
                      report);
        continue;
      }
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
