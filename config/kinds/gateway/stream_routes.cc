#include "config/kinds/gateway/stream_routes.h"

#include <algorithm>

#include "config/kinds/gateway/descriptions.h"

namespace tidegate::config::fields {

template <>
const Description& description<StreamRouteRule>() {
  static const Description description =
      Fields<StreamRouteRule>()
          .field<&StreamRouteRule::name>("name", section_bounds())
          .required<&StreamRouteRule::backend_refs>("backendRefs", Bounds().items(1, 16));
  return description;
}

/// Whether it has the shape of an IPv4 address; IPv6 fails the pattern of a host name already.
static bool is_ipv4(std::string_view text) {
  const bool digits = text.find_first_not_of("0123456789.") == std::string_view::npos;
  return digits && std::count(text.begin(), text.end(), '.') == 3;
}

template <>
const Description& description<TlsRoute>() {
  static const Description description = [] {
    Fields<TlsRoute> f;
    add_parent_refs(f);
    f.required<&TlsRoute::hostnames>("hostnames", hostname_bounds().items(1, 1024));
    f.required<&TlsRoute::rules>("rules", Bounds().items(1, 1));
    f.rule_at("hostnames", "Hostnames cannot contain an IP", [](const TlsRoute& route) {
      return std::none_of(route.hostnames.begin(), route.hostnames.end(),
                          [](const std::string& host) { return is_ipv4(host); });
    });
    return f;
  }();
  return description;
}

template <>
const Description& description<TcpRoute>() {
  static const Description description = [] {
    Fields<TcpRoute> f;
    add_parent_refs(f);
    f.required<&TcpRoute::rules>("rules", Bounds().items(1, 1));
    return f;
  }();
  return description;
}

template <>
const Description& description<UdpRoute>() {
  static const Description description = [] {
    Fields<UdpRoute> f;
    add_parent_refs(f);
    f.required<&UdpRoute::rules>("rules", Bounds().items(1, 1));
    return f;
  }();
  return description;
}

}  // namespace tidegate::config::fields
