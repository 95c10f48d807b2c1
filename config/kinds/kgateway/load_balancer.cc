#include "config/kinds/kgateway/load_balancer.h"

#include <charconv>

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(HashPolicy::SameSite) {
  static const std::vector<std::string_view> names{"Strict", "Lax", "None"};
  return names;
}
static const std::vector<std::string_view>& enum_names(LoadBalancer::Locality) {
  static const std::vector<std::string_view> names{"WeightedLb"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<HashPolicy::Header>() {
  using H = HashPolicy::Header;
  static const Description description =
      Fields<H>().required<&H::name>("name", Bounds().length(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<HashPolicy::Cookie>() {
  using C = HashPolicy::Cookie;
  static const Description description =
      Fields<C>()
          .required<&C::name>("name", Bounds().length(1, SIZE_MAX))
          .field<&C::path>("path")
          .field<&C::ttl>("ttl", Bounds().doc("given: a cookie is made where there is none"))
          .field<&C::secure>("secure")
          .field<&C::http_only>("httpOnly")
          .field<&C::same_site>("sameSite");
  return description;
}

template <>
const Description& description<HashPolicy::SourceIp>() {
  static const Description description = Fields<HashPolicy::SourceIp>();
  return description;
}

template <>
const Description& description<HashPolicy>() {
  using H = HashPolicy;
  static const Description description = [] {
    Fields<H> f;
    f.field<&H::header>("header")
        .field<&H::cookie>("cookie")
        .field<&H::source_ip>("sourceIP")
        .field<&H::terminal>("terminal");
    exactly_one<&H::header, &H::cookie, &H::source_ip>(f, "header cookie sourceIP");
    return f;
  }();
  return description;
}

static bool is_above_zero(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string::npos) return false;
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() && value > 0;
}

template <>
const Description& description<SlowStart>() {
  using S = SlowStart;
  static const Description description =
      Fields<S>()
          .field<&S::window>("window")
          .field<&S::aggression>("aggression", Bounds().doc("a number as text; absent: 1.0"))
          .field<&S::min_weight_percent>("minWeightPercent", percent().doc("absent: 10"))
          .rule_at("aggression",
                   "Aggression, if specified, must be a string representing a number greater than "
                   "0.0",
                   [](const S& s) { return !s.aggression || is_above_zero(*s.aggression); });
  return description;
}

template <>
const Description& description<LoadBalancer::LeastRequest>() {
  using L = LoadBalancer::LeastRequest;
  static const Description description =
      Fields<L>().field<&L::choice_count>("choiceCount").field<&L::slow_start>("slowStart");
  return description;
}

template <>
const Description& description<LoadBalancer::RoundRobin>() {
  using R = LoadBalancer::RoundRobin;
  static const Description description = Fields<R>().field<&R::slow_start>("slowStart");
  return description;
}

template <>
const Description& description<LoadBalancer::RingHash>() {
  using R = LoadBalancer::RingHash;
  static const Description description =
      Fields<R>()
          .field<&R::minimum_ring_size>("minimumRingSize", Bounds().at_least(0).doc("absent: 1024"))
          .field<&R::maximum_ring_size>("maximumRingSize", Bounds().at_least(0).doc("absent: 8Mi"))
          .field<&R::use_hostname_for_hashing>("useHostnameForHashing")
          .field<&R::hash_policies>("hashPolicies", Bounds().items(1, 16));
  return description;
}

template <>
const Description& description<LoadBalancer::Maglev>() {
  using M = LoadBalancer::Maglev;
  static const Description description =
      Fields<M>()
          .field<&M::use_hostname_for_hashing>("useHostnameForHashing")
          .field<&M::hash_policies>("hashPolicies", Bounds().items(1, 16));
  return description;
}

template <>
const Description& description<LoadBalancer::Random>() {
  static const Description description = Fields<LoadBalancer::Random>();
  return description;
}

template <>
const Description& description<LoadBalancer::Force>() {
  using F = LoadBalancer::Force;
  static const Description description = Fields<F>().field<&F::min_endpoints_in_zone_threshold>(
      "minEndpointsInZoneThreshold", Bounds().range(1, 4'294'967'295).doc("absent: 1"));
  return description;
}

template <>
const Description& description<LoadBalancer::PreferLocal>() {
  using P = LoadBalancer::PreferLocal;
  static const Description description =
      Fields<P>()
          .field<&P::force>("force")
          .field<&P::min_endpoints_threshold>("minEndpointsThreshold",
                                              Bounds().at_least(1).doc("absent: 6"))
          .field<&P::routing_enabled>("routingEnabled", percent());
  return description;
}

template <>
const Description& description<LoadBalancer::ZoneAware>() {
  using Z = LoadBalancer::ZoneAware;
  static const Description description = [] {
    Fields<Z> f;
    f.field<&Z::prefer_local>("preferLocal");
    at_least_one<&Z::prefer_local>(f, "preferLocal");
    return f;
  }();
  return description;
}

template <>
const Description& description<LoadBalancer>() {
  using L = LoadBalancer;
  static const Description description = [] {
    Fields<L> f;
    f.field<&L::healthy_panic_threshold>("healthyPanicThreshold", percent().doc("absent: 50"))
        .field<&L::update_merge_window>("updateMergeWindow",
                                        Bounds().no_effect("changes are applied at once"))
        .field<&L::least_request>("leastRequest")
        .field<&L::round_robin>("roundRobin")
        .field<&L::ring_hash>("ringHash")
        .field<&L::maglev>("maglev")
        .field<&L::random>("random")
        .field<&L::locality_type>("localityType")
        .field<&L::zone_aware>("zoneAware")
        .field<&L::close_connections_on_host_set_change>("closeConnectionsOnHostSetChange")
        .rule("localityType and zoneAware are mutually exclusive",
              [](const L& l) { return !l.locality_type || !l.zone_aware; })
        .rule("zoneAware is not supported with ringHash or maglev load balancers",
              [](const L& l) { return !l.zone_aware || (!l.ring_hash && !l.maglev); });
    exactly_one<&L::least_request, &L::round_robin, &L::ring_hash, &L::maglev, &L::random>(
        f, "leastRequest roundRobin ringHash maglev random");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
