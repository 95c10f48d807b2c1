#include "config/kinds/kgateway/external_services.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(ProcessingMode::Send) {
  static const std::vector<std::string_view> names{"DEFAULT", "SEND", "SKIP"};
  return names;
}
static const std::vector<std::string_view>& enum_names(ProcessingMode::Body) {
  static const std::vector<std::string_view> names{"NONE", "STREAMED", "BUFFERED",
                                                   "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED"};
  return names;
}
static const std::vector<std::string_view>& enum_names(FilterStage::Stage) {
  static const std::vector<std::string_view> names{"Fault", "AuthN", "AuthZ", "RateLimit", "Route"};
  return names;
}
static const std::vector<std::string_view>& enum_names(FilterStage::Predicate) {
  static const std::vector<std::string_view> names{"Before", "During", "After"};
  return names;
}
static const std::vector<std::string_view>& enum_names(ExtProcProvider::RouteCacheAction) {
  static const std::vector<std::string_view> names{"FromResponse", "Clear", "Retain"};
  return names;
}
static const std::vector<std::string_view>& enum_names(RateLimitProvider::Headers) {
  static const std::vector<std::string_view> names{"Off", "DraftVersion03"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<ServiceRetry::Backoff>() {
  using B = ServiceRetry::Backoff;
  static const Description description =
      Fields<B>()
          .required<&B::base_interval>("baseInterval", positive_duration())
          .field<&B::max_interval>("maxInterval", Bounds().doc("absent: ten times the base"))
          .rule("maxInterval must be greater than or equal to baseInterval",
                [](const B& b) { return !b.max_interval || *b.max_interval >= b.base_interval; });
  return description;
}

template <>
const Description& description<ServiceRetry>() {
  using R = ServiceRetry;
  static const Description description =
      Fields<R>()
          .field<&R::attempts>("attempts", Bounds().at_least(0).doc("after the first"))
          .field<&R::backoff>("backoff", Bounds().doc("absent: from 1s"));
  return description;
}

template <>
const Description& description<GrpcService>() {
  using G = GrpcService;
  static const Description description =
      Fields<G>()
          .required<&G::backend_ref>("backendRef")
          .field<&G::authority>("authority")
          .field<&G::request_timeout>("requestTimeout", positive_duration())
          .field<&G::retry>("retry");
  return description;
}

template <>
const Description& description<BodyForAuth>() {
  using B = BodyForAuth;
  static const Description description =
      Fields<B>()
          .required<&B::max_request_bytes>("maxRequestBytes", Bounds().at_least(1))
          .field<&B::allow_partial_message>("allowPartialMessage",
                                            Bounds().doc("false: a larger body gets 413"))
          .field<&B::pack_as_bytes>("packAsBytes");
  return description;
}

template <>
const Description& description<HttpAuthService::Request>() {
  using R = HttpAuthService::Request;
  static const Description description = Fields<R>().field<&R::headers_to_add>("headersToAdd");
  return description;
}

template <>
const Description& description<HttpAuthService::Response>() {
  using R = HttpAuthService::Response;
  static const Description description =
      Fields<R>()
          .field<&R::headers_to_backend>("headersToBackend")
          .field<&R::headers_to_client>("headersToClient")
          .field<&R::headers_to_client_on_success>("headersToClientOnSuccess");
  return description;
}

template <>
const Description& description<HttpAuthService>() {
  using H = HttpAuthService;
  static const Description description =
      Fields<H>()
          .required<&H::backend_ref>("backendRef")
          .field<&H::path_prefix>("pathPrefix")
          .field<&H::request_timeout>("requestTimeout", positive_duration().doc("absent: 2s"))
          .field<&H::authorization_request>("authorizationRequest")
          .field<&H::authorization_response>("authorizationResponse")
          .field<&H::retry>("retry");
  return description;
}

template <>
const Description& description<ExtAuthProvider>() {
  using P = ExtAuthProvider;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::grpc_service>("grpcService")
        .field<&P::http_service>("httpService")
        .field<&P::headers_to_forward>("headersToForward")
        .field<&P::fail_open>("failOpen")
        .field<&P::clear_route_cache>("clearRouteCache")
        .field<&P::with_request_body>("withRequestBody")
        .field<&P::status_on_error>("statusOnError", Bounds().range(100, 511))
        .field<&P::stat_prefix>("statPrefix", Bounds().length(1, SIZE_MAX).doc("of counters"));
    exactly_one<&P::grpc_service, &P::http_service>(f, "grpcService httpService");
    return f;
  }();
  return description;
}

template <>
const Description& description<ProcessingMode>() {
  using M = ProcessingMode;
  static const Description description =
      Fields<M>()
          .field<&M::request_header_mode>("requestHeaderMode")
          .field<&M::response_header_mode>("responseHeaderMode")
          .field<&M::request_body_mode>("requestBodyMode")
          .field<&M::response_body_mode>("responseBodyMode")
          .field<&M::request_trailer_mode>("requestTrailerMode")
          .field<&M::response_trailer_mode>("responseTrailerMode");
  return description;
}

template <>
const Description& description<FilterStage>() {
  using S = FilterStage;
  static const Description description =
      Fields<S>()
          .required<&S::stage>("stage")
          .field<&S::predicate>("predicate")
          .field<&S::weight>("weight", Bounds().doc("higher stands earlier"));
  return description;
}

template <>
const Description& description<ExtProcProvider::Namespaces>() {
  using N = ExtProcProvider::Namespaces;
  static const Description description =
      Fields<N>()
          .field<&N::typed>("typed", Bounds().items(1, SIZE_MAX))
          .field<&N::untyped>("untyped", Bounds().items(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<ExtProcProvider::MetadataOptions>() {
  using M = ExtProcProvider::MetadataOptions;
  static const Description description = Fields<M>().field<&M::forwarding>("forwarding");
  return description;
}

template <>
const Description& description<ExtProcProvider>() {
  using P = ExtProcProvider;
  static const Description description =
      Fields<P>()
          .required<&P::grpc_service>("grpcService")
          .field<&P::fail_open>("failOpen")
          .field<&P::processing_mode>("processingMode")
          .field<&P::allow_processing_mode_override>("allowProcessingModeOverride")
          .field<&P::allowed_processing_mode_overrides>("allowedProcessingModeOverrides")
          .field<&P::message_timeout>("messageTimeout", positive_duration())
          .field<&P::max_message_timeout>("maxMessageTimeout", positive_duration())
          .field<&P::stat_prefix>("statPrefix", Bounds().length(1, SIZE_MAX).doc("of counters"))
          .field<&P::route_cache_action>("routeCacheAction")
          .field<&P::metadata_options>("metadataOptions")
          .field<&P::request_attributes>("requestAttributes")
          .field<&P::filter_stage>("filterStage", Bounds().doc("absent: after AuthZ"));
  return description;
}

template <>
const Description& description<RateLimitProvider>() {
  using P = RateLimitProvider;
  static const Description description =
      Fields<P>()
          .required<&P::grpc_service>("grpcService")
          .required<&P::domain>("domain")
          .field<&P::fail_open>("failOpen")
          .field<&P::timeout>("timeout", Bounds().doc("absent: 100ms"))
          .field<&P::x_rate_limit_headers>("xRateLimitHeaders");
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
