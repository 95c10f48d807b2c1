#include "config/kinds/kgateway/telemetry_service.h"

#include "config/kinds/kgateway/access_log.h"
#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config::fields {
using namespace kgateway;

template <>
const Description& description<TelemetryService::Metadata>() {
  using M = TelemetryService::Metadata;
  static const Description description =
      Fields<M>().required<&M::key>("key").field<&M::value>("value");
  return description;
}

template <>
const Description& description<TelemetryService::Backoff>() {
  using B = TelemetryService::Backoff;
  static const Description description =
      Fields<B>()
          .required<&B::base_interval>("baseInterval")
          .field<&B::max_interval>("maxInterval", Bounds().doc("absent: ten times the base"));
  return description;
}

template <>
const Description& description<TelemetryService::Retry>() {
  using R = TelemetryService::Retry;
  static const Description description =
      Fields<R>()
          .field<&R::retry_back_off>("retryBackOff", Bounds().doc("absent: from 1s"))
          .field<&R::num_retries>("numRetries", Bounds().at_least(1));
  return description;
}

template <class T>
static void add_service(Fields<T>& f) {
  f.template required<&T::backend_ref>("backendRef");
  f.template field<&T::authority>("authority");
  f.template field<&T::max_receive_message_length>("maxReceiveMessageLength", Bounds().at_least(1));
  f.template field<&T::skip_envoy_headers>("skipEnvoyHeaders");
  f.template field<&T::timeout>("timeout");
  f.template field<&T::initial_metadata>("initialMetadata");
  f.template field<&T::retry_policy>("retryPolicy");
}

template <>
const Description& description<TelemetryService>() {
  static const Description description = [] {
    Fields<TelemetryService> f;
    add_service(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<LogService>() {
  static const Description description = [] {
    Fields<LogService> f;
    add_service(f);
    f.required<&LogService::log_name>("logName");
    return f;
  }();
  return description;
}

/// Of a log's gRPC sink, whose fields stand beside those of the service.
template <>
const Description& description<AccessLog::GrpcSink>() {
  using S = AccessLog::GrpcSink;
  static const Description description = [] {
    Fields<S> f;
    add_service(f);
    f.required<&S::log_name>("logName");
    f.field<&S::additional_request_headers_to_log>("additionalRequestHeadersToLog")
        .field<&S::additional_response_headers_to_log>("additionalResponseHeadersToLog")
        .field<&S::additional_response_trailers_to_log>("additionalResponseTrailersToLog");
    return f;
  }();
  return description;
}

template <>
const Description& description<Tracing::EnvironmentDetector>() {
  using E = Tracing::EnvironmentDetector;
  static const Description description = Fields<E>().field<&E::enable>("enable");
  return description;
}

template <>
const Description& description<Tracing::Detector>() {
  using D = Tracing::Detector;
  static const Description description = [] {
    Fields<D> f;
    f.field<&D::environment_resource_detector>("environmentResourceDetector");
    exactly_one<&D::environment_resource_detector>(f, "environmentResourceDetector");
    return f;
  }();
  return description;
}

template <>
const Description& description<Tracing::AlwaysOn>() {
  static const Description description = Fields<Tracing::AlwaysOn>();
  return description;
}

template <>
const Description& description<Tracing::Sampler>() {
  using S = Tracing::Sampler;
  static const Description description = [] {
    Fields<S> f;
    f.field<&S::always_on_config>("alwaysOnConfig");
    exactly_one<&S::always_on_config>(f, "alwaysOnConfig");
    return f;
  }();
  return description;
}

template <>
const Description& description<Tracing::OpenTelemetry>() {
  using O = Tracing::OpenTelemetry;
  static const Description description =
      Fields<O>()
          .required<&O::grpc_service>("grpcService")
          .field<&O::service_name>("serviceName", Bounds().doc("absent: GATEWAY.NAMESPACE"))
          .field<&O::resource_detectors>("resourceDetectors")
          .field<&O::sampler>("sampler");
  return description;
}

template <>
const Description& description<Tracing::Provider>() {
  using P = Tracing::Provider;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::open_telemetry>("openTelemetry");
    exactly_one<&P::open_telemetry>(f, "openTelemetry");
    return f;
  }();
  return description;
}

template <>
const Description& description<Tracing>() {
  using T = Tracing;
  static const Description description =
      Fields<T>()
          .required<&T::provider>("provider")
          .field<&T::client_sampling>("clientSampling", percent())
          .field<&T::random_sampling>("randomSampling", percent())
          .field<&T::overall_sampling>("overallSampling", percent())
          .field<&T::verbose>("verbose")
          .field<&T::max_path_tag_length>("maxPathTagLength", Bounds().at_least(1))
          .field<&T::attributes>("attributes")
          .field<&T::spawn_upstream_span>("spawnUpstreamSpan");
  return description;
}

}  // namespace tidegate::config::fields
