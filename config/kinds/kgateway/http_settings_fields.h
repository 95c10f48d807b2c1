#pragma once

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/http_settings.h"
#include "config/kinds/kgateway/patterns.h"

/// The fields of HTTPSettings, which a ListenerPolicy has in `httpSettings` and the older
/// HTTPListenerPolicy in its spec.
namespace tidegate::config {
namespace kgateway {

const std::vector<std::string_view>& enum_names(HttpSettings::ServerHeader);
const std::vector<std::string_view>& enum_names(HttpSettings::StripPort);

}  // namespace kgateway

namespace fields {

template <>
const Description& description<kgateway::AccessLog>();
template <>
const Description& description<kgateway::Tracing>();
template <>
const Description& description<kgateway::LocalReplies>();
template <>
const Description& description<kgateway::Upgrades>();
template <>
const Description& description<kgateway::ListenerHttp2Options>();
template <>
const Description& description<kgateway::HealthCheckPath>();
template <>
const Description& description<kgateway::RequestIds>();
template <>
const Description& description<kgateway::ClientCertForwarding>();
template <>
const Description& description<kgateway::HttpSettings>();

/// Adds what T, which is HttpSettings or derives from it, has of them.
template <class T>
void add_http_settings(Fields<T>& f) {
  f.template field<&T::access_log>("accessLog", Bounds().items(0, 16));
  f.template field<&T::tracing>("tracing");
  f.template field<&T::local_replies>("localReplies");
  f.template field<&T::upgrade_config>("upgradeConfig");
  f.template field<&T::use_remote_address>("useRemoteAddress");
  f.template field<&T::preserve_external_request_id>("preserveExternalRequestId");
  f.template field<&T::generate_request_id>("generateRequestId");
  f.template field<&T::xff_num_trusted_hops>("xffNumTrustedHops", Bounds().at_least(0));
  f.template field<&T::xff_trusted_cidrs>("xffTrustedCIDRs",
                                          Bounds().items(1, SIZE_MAX).pattern(kgateway::kCidr));
  f.template field<&T::skip_xff_append>("skipXFFAppend");
  f.template field<&T::server_header_transformation>("serverHeaderTransformation");
  f.template field<&T::server_name>("serverName", Bounds().length(1, SIZE_MAX));
  f.template field<&T::stream_idle_timeout>("streamIdleTimeout");
  f.template field<&T::idle_timeout>("idleTimeout");
  f.template field<&T::max_requests_per_connection>("maxRequestsPerConnection",
                                                    Bounds().at_least(0));
  f.template field<&T::max_headers_count>("maxHeadersCount", Bounds().at_least(1));
  f.template field<&T::http2_protocol_options>("http2ProtocolOptions");
  f.template field<&T::health_check>("healthCheck");
  f.template field<&T::preserve_http1_header_case>("preserveHttp1HeaderCase");
  f.template field<&T::accept_http_10>("acceptHttp10");
  f.template field<&T::default_host_for_http_10>("defaultHostForHttp10",
                                                 Bounds().length(1, SIZE_MAX));
  f.template field<&T::early_request_header_modifier>("earlyRequestHeaderModifier");
  f.template field<&T::forward_client_cert_details>("forwardClientCertDetails");
  f.template field<&T::max_request_headers_kb>("maxRequestHeadersKb", Bounds().range(1, 8192));
  f.template field<&T::uuid_request_id_config>("uuidRequestIdConfig");
  f.template field<&T::strip_host_port_mode>("stripHostPortMode");
  f.template field<&T::strip_trailing_host_dot>("stripTrailingHostDot");
  f.template field<&T::proxy_100_continue>(
      "proxy100Continue", Bounds().no_effect("100 is said here, once the body is asked for"));
  f.rule("useRemoteAddress must be set to false if xffTrustedCIDRs is set", [](const T& t) {
    return t.xff_trusted_cidrs.empty() || (t.use_remote_address && !*t.use_remote_address);
  });
  f.rule("only one of xffNumTrustedHops and xffTrustedCIDRs may be set",
         [](const T& t) { return !t.xff_num_trusted_hops || t.xff_trusted_cidrs.empty(); });
  f.rule(
      "forwardClientCertDetails.details requires mode to be AppendForward or SanitizeSet (or "
      "unset)",
      [](const T& t) {
        using Mode = kgateway::ClientCertForwarding::Mode;
        const auto& forward = t.forward_client_cert_details;
        return !forward || !forward->details || !forward->mode ||
               *forward->mode == Mode::kAppendForward || *forward->mode == Mode::kSanitizeSet;
      });
}

}  // namespace fields
}  // namespace tidegate::config
