#include "config/kinds/core/endpoint_slice.h"

#include "config/kinds/core/descriptions.h"

namespace tidegate::config::fields {
namespace {

/// hints: {forZones: [{name: a}]}
void read_hints(Findings& findings, const Path& path, const Node& node, SliceEndpoint& endpoint) {
  if (!check_map(findings, path, node, Bounds())) return;
  for (std::size_t i = 0; i < size_of(node); ++i) {
    const Path zones_path{&path, key_of(node, i)};
    const Node zones = element(node, i);
    if (zones_path.name != "forZones" || zones.value->is_null()) continue;
    if (!check_array(findings, zones_path, zones, Bounds())) return;
    for (std::size_t k = 0; k < size_of(zones); ++k) {
      const Node zone = element(zones, k);
      const Path zone_path{&zones_path, {}, k};
      if (!check_map(findings, zone_path, zone, Bounds())) continue;
      for (std::size_t m = 0; m < size_of(zone); ++m) {
        if (key_of(zone, m) != "name") continue;
        read_value(findings, Path{&zone_path, "name"}, element(zone, m), Bounds(),
                   endpoint.hint_zones.emplace_back());
      }
    }
  }
}

}  // namespace

template <>
const Description& description<EndpointConditions>() {
  static const Description description =
      Fields<EndpointConditions>()
          .field<&EndpointConditions::ready>("ready")
          .field<&EndpointConditions::serving>("serving")
          .field<&EndpointConditions::terminating>("terminating");
  return description;
}

template <>
const Description& description<SliceEndpoint>() {
  static const Description description =
      Fields<SliceEndpoint>()
          .required<&SliceEndpoint::addresses>("addresses", Bounds().items(1, 100).length(1, 253))
          .field<&SliceEndpoint::conditions>("conditions")
          .field<&SliceEndpoint::hostname>("hostname", Bounds().effect(Effect::kNoEffect))
          .field<&SliceEndpoint::node_name>("nodeName", Bounds().effect(Effect::kNoEffect))
          .field<&SliceEndpoint::zone>("zone")
          .custom<read_hints>("hints", "object", Bounds().effect(Effect::kNoEffect))
          .ignored({"targetRef", "deprecatedTopology"});
  return description;
}

template <>
const Description& description<SlicePort>() {
  static const Description description =
      Fields<SlicePort>()
          .field<&SlicePort::name>("name", Bounds().length(0, 63))
          .field<&SlicePort::port>("port", Bounds().range(1, 65535))
          .field<&SlicePort::protocol>("protocol", Bounds().one_of({"TCP", "UDP", "SCTP"}))
          .field<&SlicePort::app_protocol>("appProtocol");
  return description;
}

template <>
const Description& description<EndpointSlice>() {
  static const Description description =
      Fields<EndpointSlice>()
          .required<&EndpointSlice::address_type>("addressType",
                                                  Bounds().one_of({"IPv4", "IPv6", "FQDN"}))
          .field<&EndpointSlice::endpoints>("endpoints", Bounds().items(0, 1000))
          .field<&EndpointSlice::ports>("ports", Bounds().items(0, 100));
  return description;
}

}  // namespace tidegate::config::fields
