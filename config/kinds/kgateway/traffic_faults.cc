#include "config/kinds/kgateway/traffic_faults.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config::fields {
using namespace kgateway;

template <>
const Description& description<FaultInjection::Delay>() {
  using D = FaultInjection::Delay;
  static const Description description =
      Fields<D>()
          .required<&D::fixed_delay>("fixedDelay", Bounds().range(1, 3'600'000))
          .field<&D::percentage>("percentage", percent());
  return description;
}

template <>
const Description& description<FaultInjection::Abort>() {
  using A = FaultInjection::Abort;
  static const Description description = [] {
    Fields<A> f;
    f.field<&A::http_status>("httpStatus", Bounds().range(200, 599))
        .field<&A::grpc_status>("grpcStatus", Bounds().range(0, 16))
        .field<&A::percentage>("percentage", percent());
    exactly_one<&A::http_status, &A::grpc_status>(f, "httpStatus grpcStatus");
    return f;
  }();
  return description;
}

template <>
const Description& description<FaultInjection::ResponseRateLimit>() {
  using R = FaultInjection::ResponseRateLimit;
  static const Description description =
      Fields<R>()
          .required<&R::kbits_per_second>("kbitsPerSecond", Bounds().at_least(1))
          .field<&R::percentage>("percentage", percent());
  return description;
}

template <>
const Description& description<FaultInjection>() {
  using F = FaultInjection;
  static const Description description = [] {
    Fields<F> f;
    f.field<&F::delay>("delay")
        .field<&F::abort>("abort")
        .field<&F::response_rate_limit>("responseRateLimit")
        .field<&F::max_active_faults>("maxActiveFaults", Bounds().range(0, 4'294'967'295))
        .field<&F::disable>("disable");
    at_least_one<&F::delay, &F::abort, &F::response_rate_limit, &F::disable>(
        f, "delay abort responseRateLimit disable");
    return f;
  }();
  return description;
}

}  // namespace tidegate::config::fields
