#include "config/kinds/kgateway/http_settings.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/http_settings_fields.h"

namespace tidegate::config {
namespace kgateway {

const std::vector<std::string_view>& enum_names(HttpSettings::ServerHeader) {
  static const std::vector<std::string_view> names{"Overwrite", "AppendIfAbsent", "PassThrough"};
  return names;
}
const std::vector<std::string_view>& enum_names(HttpSettings::StripPort) {
  static const std::vector<std::string_view> names{"MatchingPort", "AnyPort"};
  return names;
}
static const std::vector<std::string_view>& enum_names(ClientCertForwarding::Mode) {
  static const std::vector<std::string_view> names{"Sanitize", "ForwardOnly", "AppendForward",
                                                   "SanitizeSet", "AlwaysForwardOnly"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<LocalReplies::Mapper>() {
  using M = LocalReplies::Mapper;
  static const Description description = [] {
    Fields<M> f;
    f.required<&M::filter>("filter")
        .field<&M::status_code>("statusCode", Bounds().range(100, 599))
        .field<&M::body>("body")
        .field<&M::body_format_override>("bodyFormatOverride")
        .field<&M::headers>("headers")
        .rule_at("headers", "Local reply mappers may only add or modify headers, not remove them",
                 [](const M& m) { return !m.headers || m.headers->remove.empty(); });
    at_least_one<&M::status_code, &M::body, &M::body_format_override, &M::headers>(
        f, "statusCode body bodyFormatOverride headers");
    return f;
  }();
  return description;
}

template <>
const Description& description<LocalReplies>() {
  using L = LocalReplies;
  static const Description description = [] {
    Fields<L> f;
    f.field<&L::default_body_format>("defaultBodyFormat")
        .field<&L::mappers>("mappers", Bounds().items(1, 16).doc("the first that fits"));
    at_least_one<&L::mappers, &L::default_body_format>(f, "mappers defaultBodyFormat");
    return f;
  }();
  return description;
}

template <>
const Description& description<Upgrades>() {
  static const Description description = Fields<Upgrades>().field<&Upgrades::enabled_upgrades>(
      "enabledUpgrades",
      Bounds().items(1, SIZE_MAX).doc("but CONNECT, which is answered with 501"));
  return description;
}

template <>
const Description& description<ListenerHttp2Options>() {
  using O = ListenerHttp2Options;
  static const Description description = [] {
    const auto window = [] { return Bounds().range(65'535, 2'147'483'647).doc("bytes"); };
    Fields<O> f;
    f.field<&O::initial_stream_window_size>("initialStreamWindowSize", window())
        .field<&O::initial_connection_window_size>("initialConnectionWindowSize", window())
        .field<&O::max_concurrent_streams>("maxConcurrentStreams", Bounds().range(1, 2'147'483'647))
        .field<&O::allow_connect>("allowConnect");
    return f;
  }();
  return description;
}

template <>
const Description& description<HealthCheckPath>() {
  using H = HealthCheckPath;
  static const Description description =
      Fields<H>().required<&H::path>("path", Bounds().length(0, 2048).pattern(kHealthPath));
  return description;
}

template <>
const Description& description<RequestIds>() {
  using R = RequestIds;
  static const Description description =
      Fields<R>()
          .field<&R::pack_trace_reason>("packTraceReason")
          .field<&R::use_request_id_for_trace_sampling>("useRequestIdForTraceSampling");
  return description;
}

template <>
const Description& description<ClientCertForwarding::Details>() {
  using D = ClientCertForwarding::Details;
  static const Description description = Fields<D>()
                                             .field<&D::subject>("subject")
                                             .field<&D::cert>("cert")
                                             .field<&D::chain>("chain")
                                             .field<&D::dns>("dns")
                                             .field<&D::uri>("uri");
  return description;
}

template <>
const Description& description<ClientCertForwarding>() {
  using C = ClientCertForwarding;
  static const Description description =
      Fields<C>()
          .field<&C::mode>("mode", Bounds().doc("absent: SanitizeSet with details, else Sanitize"))
          .field<&C::details>("details");
  return description;
}

template <>
const Description& description<HttpSettings>() {
  static const Description description = [] {
    Fields<HttpSettings> f;
    add_http_settings(f);
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
