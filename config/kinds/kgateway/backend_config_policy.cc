#include "config/kinds/kgateway/backend_config_policy.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(BackendTls::Version) {
  static const std::vector<std::string_view> names{"AUTO", "1.0", "1.1", "1.2", "1.3"};
  return names;
}
static const std::vector<std::string_view>& enum_names(UpstreamProxyProtocol::Version) {
  static const std::vector<std::string_view> names{"V1", "V2"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<BackendTls::Files>() {
  using F = BackendTls::Files;
  static const Description description = [] {
    const auto path = [] { return Bounds().length(1, SIZE_MAX).doc("a path on the proxy's disk"); };
    Fields<F> f;
    f.field<&F::tls_certificate>("tlsCertificate", path())
        .field<&F::tls_key>("tlsKey", path())
        .field<&F::root_ca>("rootCA", path())
        .rule("At least one of tlsCertificate, tlsKey, or rootCA must be set in TLSFiles",
              [](const F& files) {
                return count_present<F, &F::tls_certificate, &F::tls_key, &F::root_ca>(files) > 0;
              });
    return f;
  }();
  return description;
}

template <>
const Description& description<BackendTls::Parameters>() {
  using P = BackendTls::Parameters;
  static const Description description =
      Fields<P>()
          .field<&P::min_version>("minVersion")
          .field<&P::max_version>("maxVersion")
          .field<&P::cipher_suites>("cipherSuites")
          .field<&P::ecdh_curves>("ecdhCurves")
          .field<&P::signature_algorithms>("signatureAlgorithms");
  return description;
}

template <>
const Description& description<BackendTls>() {
  using T = BackendTls;
  static const Description description = [] {
    Fields<T> f;
    f.field<&T::secret_ref>("secretRef", Bounds().doc("its keys tls.crt, tls.key, ca.crt"))
        .field<&T::files>("files", Bounds().doc("followed as they change"))
        .field<&T::well_known_ca_certificates>("wellKnownCACertificates",
                                               Bounds().length(1, 253).pattern(kWellKnownCa))
        .field<&T::insecure_skip_verify>("insecureSkipVerify")
        .field<&T::sni>("sni", Bounds().length(1, SIZE_MAX))
        .field<&T::verify_subject_alt_names>("verifySubjectAltNames")
        .field<&T::parameters>("parameters")
        .field<&T::alpn_protocols>("alpnProtocols", Bounds().doc("absent: h2, http/1.1"))
        .field<&T::allow_renegotiation>("allowRenegotiation")
        .field<&T::simple_tls>("simpleTLS");
    exactly_one<&T::secret_ref, &T::files, &T::insecure_skip_verify,
                &T::well_known_ca_certificates>(
        f, "secretRef files insecureSkipVerify wellKnownCACertificates");
    return f;
  }();
  return description;
}

template <>
const Description& description<BackendDns>() {
  using D = BackendDns;
  static const Description description =
      Fields<D>()
          .field<&D::refresh_rate>("refreshRate", positive_duration().doc("absent: 5s"))
          .field<&D::jitter>("jitter")
          .field<&D::respect_ttl>("respectTTL", Bounds().doc("where the TTL is shorter"))
          .rule("jitter must be less than or equal to refreshRate", [](const D& d) {
            return !d.jitter || !d.refresh_rate || *d.jitter <= *d.refresh_rate;
          });
  return description;
}

template <>
const Description& description<TcpKeepalive>() {
  using K = TcpKeepalive;
  static const Description description =
      Fields<K>()
          .field<&K::keep_alive_probes>("keepAliveProbes", Bounds().at_least(0))
          .field<&K::keep_alive_time>("keepAliveTime", Bounds().at_least(1000))
          .field<&K::keep_alive_interval>("keepAliveInterval", Bounds().at_least(1000));
  return description;
}

template <>
const Description& description<CommonHttpOptions>() {
  using O = CommonHttpOptions;
  static const Description description =
      Fields<O>()
          .field<&O::idle_timeout>("idleTimeout", Bounds().doc("absent: 60s; 0s: none"))
          .field<&O::max_headers_count>("maxHeadersCount", Bounds().at_least(0))
          .field<&O::max_stream_duration>("maxStreamDuration")
          .field<&O::max_requests_per_connection>("maxRequestsPerConnection",
                                                  Bounds().at_least(0).doc("0: any number"))
          .field<&O::max_connection_duration>(
              "maxConnectionDuration",
              Bounds().doc("then it takes no further requests; absent: none"));
  return description;
}

template <>
const Description& description<Http1Options>() {
  using O = Http1Options;
  static const Description description =
      Fields<O>()
          .field<&O::enable_trailers>("enableTrailers",
                                      Bounds().doc("trailers pass, whatever it says"))
          .field<&O::preserve_http1_header_case>(
              "preserveHttp1HeaderCase", Bounds().doc("names go on as they came, whatever it says"))
          .field<&O::override_stream_error_on_invalid_http_message>(
              "overrideStreamErrorOnInvalidHttpMessage",
              Bounds().no_effect("what follows an answer that is no HTTP/1 cannot be told apart: "
                                 "the connection is closed"));
  return description;
}

template <>
const Description& description<Http2Options::Keepalive>() {
  using K = Http2Options::Keepalive;
  static const Description description =
      Fields<K>()
          .required<&K::timeout>("timeout", positive_duration())
          .field<&K::interval>("interval",
                               positive_duration().doc("and up to 15 % more; absent: no PING"))
          .field<&K::connection_idle_interval>(
              "connectionIdleInterval",
              positive_duration().doc("of silence: then a request has a PING before it"));
  return description;
}

template <>
const Description& description<Http2Options>() {
  using O = Http2Options;
  static const Description description = [] {
    const auto window = [] { return Bounds().range(65'535, 2'147'483'647).doc("bytes"); };
    Fields<O> f;
    f.field<&O::initial_stream_window_size>("initialStreamWindowSize", window())
        .field<&O::initial_connection_window_size>("initialConnectionWindowSize", window())
        .field<&O::max_concurrent_streams>("maxConcurrentStreams", Bounds().range(1, 2'147'483'647))
        .field<&O::override_stream_error_on_invalid_http_message>(
            "overrideStreamErrorOnInvalidHttpMessage",
            Bounds().doc("an invalid head ends its stream alone, whatever it says"))
        .field<&O::connection_keepalive>("connectionKeepalive");
    return f;
  }();
  return description;
}

template <>
const Description& description<HealthCheck::Http>() {
  using H = HealthCheck::Http;
  static const Description description =
      Fields<H>().field<&H::host>("host").required<&H::path>("path").field<&H::method>(
          "method",
          Bounds()
              .one_of({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"})
              .doc("absent: GET"));
  return description;
}

template <>
const Description& description<HealthCheck::Grpc>() {
  using G = HealthCheck::Grpc;
  static const Description description =
      Fields<G>().field<&G::service_name>("serviceName").field<&G::authority>("authority");
  return description;
}

template <>
const Description& description<HealthCheck>() {
  using H = HealthCheck;
  static const Description description =
      Fields<H>()
          .required<&H::timeout>("timeout")
          .required<&H::interval>("interval")
          .required<&H::unhealthy_threshold>("unhealthyThreshold", Bounds().at_least(0))
          .required<&H::healthy_threshold>("healthyThreshold", Bounds().at_least(0))
          .field<&H::http>("http")
          .field<&H::grpc>("grpc")
          .rule("exactly one of http or grpc must be set",
                [](const H& h) { return h.http.has_value() != h.grpc.has_value(); });
  return description;
}

template <>
const Description& description<OutlierDetection>() {
  using O = OutlierDetection;
  static const Description description =
      Fields<O>()
          .field<&O::consecutive_5xx>("consecutive5xx", Bounds().at_least(0).doc("0: not counted"))
          .field<&O::interval>("interval", positive_duration().doc("absent: 10s"))
          .field<&O::base_ejection_time>("baseEjectionTime", positive_duration().doc("absent: 30s"))
          .field<&O::max_ejection_percent>("maxEjectionPercent", percent())
          .field<&O::enforcing_consecutive_5xx>("enforcingConsecutive5xx",
                                                percent().doc("absent: 100"))
          .field<&O::split_external_local_origin_errors>(
              "splitExternalLocalOriginErrors",
              Bounds().doc("else what fails before an answer counts as 5xx"))
          .field<&O::consecutive_local_origin_failure>(
              "consecutiveLocalOriginFailure",
              Bounds().at_least(0).doc("absent: 5; 0: not counted; where they are split"))
          .field<&O::enforcing_consecutive_local_origin_failure>(
              "enforcingConsecutiveLocalOriginFailure", percent().doc("absent: 100"));
  return description;
}

template <>
const Description& description<CircuitBreakers>() {
  using C = CircuitBreakers;
  static const Description description = [] {
    Fields<C> f;
    f.field<&C::max_connections>("maxConnections", Bounds().at_least(1).doc("absent: 1024"))
        .field<&C::max_pending_requests>("maxPendingRequests",
                                         Bounds().at_least(1).doc("absent: 1024"))
        .field<&C::max_requests>("maxRequests", Bounds().at_least(1).doc("absent: 1024"))
        .field<&C::max_retries>("maxRetries", Bounds().at_least(0).doc("absent: 3"))
        .field<&C::track_remaining>("trackRemaining");
    at_least_one<&C::max_connections, &C::max_pending_requests, &C::max_requests, &C::max_retries>(
        f, "maxConnections maxPendingRequests maxRequests maxRetries");
    return f;
  }();
  return description;
}

template <>
const Description& description<UpstreamProxyProtocol>() {
  using U = UpstreamProxyProtocol;
  static const Description description = Fields<U>().field<&U::version>("version");
  return description;
}

template <class Targets>
static bool are_backends(const Targets& targets) {
  return std::all_of(targets.begin(), targets.end(), [](const auto& t) {
    return (t.group.empty() && t.kind == "Service") ||
           (t.group == kgateway::kGroup && t.kind == "Backend") ||
           (t.group == "networking.istio.io" && t.kind == "Hostname");
  });
}

template <>
const Description& description<BackendConfigPolicy>() {
  using P = BackendConfigPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::target_refs>("targetRefs", Bounds().items(1, 16))
        .field<&P::target_selectors>("targetSelectors")
        .field<&P::connect_timeout>("connectTimeout", positive_duration().doc("absent: 5s"))
        .field<&P::dns>("dns",
                        Bounds().doc("absent: looked up when the TTL, 1s to 5m, is over; a name "
                                     "of several Backends as often as the most eager wants"))
        .field<&P::per_connection_buffer_limit_bytes>(
            "perConnectionBufferLimitBytes",
            Bounds().at_least(0).doc("bytes that the kernel buffers, each way; we hold 32 KiB at "
                                     "most, of an HTTP/2 stream its window"))
        .field<&P::tcp_keepalive>("tcpKeepalive")
        .field<&P::common_http_protocol_options>("commonHttpProtocolOptions")
        .field<&P::http1_protocol_options>("http1ProtocolOptions")
        .field<&P::http2_protocol_options>("http2ProtocolOptions")
        .field<&P::tls>("tls")
        .field<&P::load_balancer>("loadBalancer")
        .field<&P::health_check>("healthCheck")
        .field<&P::outlier_detection>("outlierDetection")
        .field<&P::circuit_breakers>("circuitBreakers")
        .field<&P::upstream_proxy_protocol>("upstreamProxyProtocol")
        .rule_at("targetRefs",
                 "TargetRefs must reference either a Kubernetes Service, a Backend, or an Istio "
                 "Hostname",
                 [](const P& p) { return are_backends(p.target_refs); })
        .rule_at("targetSelectors",
                 "TargetSelectors must reference either a Kubernetes Service, a Backend, or an "
                 "Istio Hostname",
                 [](const P& p) { return are_backends(p.target_selectors); });
    at_most_one<&P::http1_protocol_options, &P::http2_protocol_options>(
        f, "http1ProtocolOptions http2ProtocolOptions");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
