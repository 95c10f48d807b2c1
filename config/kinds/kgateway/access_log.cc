#include "config/kinds/kgateway/access_log.h"

#include "config/kinds/gateway/http_route_parts.h"
#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

bool AnyValue::operator==(const AnyValue& other) const {
  return string_value == other.string_value && array_value == other.array_value &&
         kv_list_value == other.kv_list_value;
}

static const std::vector<std::string_view>& enum_names(LogCondition::Op) {
  static const std::vector<std::string_view> names{"EQ", "GE", "LE"};
  return names;
}
static const std::vector<std::string_view>& enum_names(LogCondition::Denominator) {
  static const std::vector<std::string_view> names{"HUNDRED", "TEN_THOUSAND", "MILLION"};
  return names;
}
static const std::vector<std::string_view>& enum_names(LogCondition::GrpcStatus) {
  static const std::vector<std::string_view> names{"OK",
                                                   "CANCELED",
                                                   "UNKNOWN",
                                                   "INVALID_ARGUMENT",
                                                   "DEADLINE_EXCEEDED",
                                                   "NOT_FOUND",
                                                   "ALREADY_EXISTS",
                                                   "PERMISSION_DENIED",
                                                   "RESOURCE_EXHAUSTED",
                                                   "FAILED_PRECONDITION",
                                                   "ABORTED",
                                                   "OUT_OF_RANGE",
                                                   "UNIMPLEMENTED",
                                                   "INTERNAL",
                                                   "UNAVAILABLE",
                                                   "DATA_LOSS",
                                                   "UNAUTHENTICATED"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<LogCondition::Comparison>() {
  using C = LogCondition::Comparison;
  static const Description description = Fields<C>().required<&C::op>("op").required<&C::value>(
      "value", Bounds().range(0, 4'294'967'295));
  return description;
}

template <>
const Description& description<LogCondition::Header>() {
  using H = LogCondition::Header;
  static const Description description = Fields<H>().required<&H::header>("header");
  return description;
}

template <>
const Description& description<LogCondition::Flags>() {
  using F = LogCondition::Flags;
  static const Description description =
      Fields<F>().required<&F::flags>("flags", Bounds().items(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<LogCondition::Grpc>() {
  using G = LogCondition::Grpc;
  static const Description description =
      Fields<G>()
          .field<&G::statuses>("statuses", Bounds().items(1, SIZE_MAX))
          .field<&G::exclude>("exclude");
  return description;
}

template <>
const Description& description<LogCondition::Cel>() {
  using C = LogCondition::Cel;
  static const Description description =
      Fields<C>().required<&C::match>("match", Bounds().doc("CEL"));
  return description;
}

template <>
const Description& description<LogCondition::Fraction>() {
  using F = LogCondition::Fraction;
  static const Description description =
      Fields<F>()
          .required<&F::numerator>("numerator", Bounds().at_least(0))
          .field<&F::denominator>("denominator");
  return description;
}

template <>
const Description& description<LogCondition::Runtime>() {
  using R = LogCondition::Runtime;
  static const Description description =
      Fields<R>()
          .required<&R::runtime_key>("runtimeKey", Bounds().length(1, SIZE_MAX))
          .field<&R::percent_sampled>("percentSampled", Bounds().doc("absent: all"))
          .field<&R::use_independent_randomness>("useIndependentRandomness");
  return description;
}

template <class T>
static void add_condition(Fields<T>& f) {
  f.template field<&T::status_code_filter>("statusCodeFilter");
  f.template field<&T::duration_filter>("durationFilter", Bounds().doc("milliseconds"));
  f.template field<&T::not_health_check_filter>("notHealthCheckFilter");
  f.template field<&T::traceable_filter>("traceableFilter");
  f.template field<&T::header_filter>("headerFilter");
  f.template field<&T::response_flag_filter>("responseFlagFilter");
  f.template field<&T::grpc_status_filter>("grpcStatusFilter");
  f.template field<&T::cel_filter>("celFilter");
  f.template field<&T::runtime_filter>("runtimeFilter");
}

static int count_conditions(const LogCondition& c) {
  using C = LogCondition;
  return count_present<C, &C::status_code_filter, &C::duration_filter, &C::not_health_check_filter,
                       &C::traceable_filter, &C::header_filter, &C::response_flag_filter,
                       &C::grpc_status_filter, &C::cel_filter, &C::runtime_filter>(c);
}

constexpr char kOneFilter[] = "exactly one filter must be set";

template <>
const Description& description<LogCondition>() {
  static const Description description = [] {
    Fields<LogCondition> f;
    add_condition(f);
    f.rule(kOneFilter, [](const LogCondition& c) { return count_conditions(c) == 1; });
    return f;
  }();
  return description;
}

template <>
const Description& description<LogFilter>() {
  using F = LogFilter;
  static const Description description = [] {
    Fields<F> f;
    add_condition(f);
    f.field<&F::and_filter>("andFilter", Bounds().items(2, SIZE_MAX))
        .field<&F::or_filter>("orFilter", Bounds().items(2, SIZE_MAX))
        .rule(kOneFilter, [](const F& filter) {
          return count_conditions(filter) +
                     count_present<F, &F::and_filter, &F::or_filter>(filter) ==
                 1;
        });
    return f;
  }();
  return description;
}

// AnyValue holds itself: its lists are read by hand, so that the rows of the schema end.

template <>
const Description& description<AnyValue>();
template <>
const Description& description<KeyAnyValue>();

static void read_array(Findings& findings, const Path& path, const Node& node, AnyValue& out) {
  Codec<std::vector<AnyValue>>::read(findings, path, node, Bounds(), out.array_value.emplace());
}

template <>
const Description& description<AccessLog::Attributes>() {
  using A = AccessLog::Attributes;
  static const Description description = Fields<A>().field<&A::values>("values");
  return description;
}

static void read_list(Findings& findings, const Path& path, const Node& node, AnyValue& out) {
  AccessLog::Attributes list;
  description<AccessLog::Attributes>().read(findings, path, node, &list);
  out.kv_list_value = std::move(list.values);
}

template <>
const Description& description<AnyValue>() {
  using V = AnyValue;
  static const Description description = [] {
    Fields<V> f;
    f.field<&V::string_value>("stringValue")
        .custom<read_array>("arrayValue", "array of value")
        .custom<read_list>("kvListValue", "object", Bounds().doc("`values`: keys and values"));
    exactly_one<&V::string_value, &V::array_value, &V::kv_list_value>(
        f, "stringValue arrayValue kvListValue");
    return f;
  }();
  return description;
}

template <>
const Description& description<KeyAnyValue>() {
  using K = KeyAnyValue;
  static const Description description =
      Fields<K>().required<&K::key>("key").required<&K::value>("value");
  return description;
}

template <>
const Description& description<AccessLog::FileSink>() {
  using S = AccessLog::FileSink;
  static const Description description = [] {
    Fields<S> f;
    f.required<&S::path>("path")
        .field<&S::string_format>("stringFormat", Bounds().doc("with Envoy's command operators"))
        .field<&S::json_format>("jsonFormat", Bounds().doc("an object; its strings are formats"))
        .rule_at("jsonFormat", "jsonFormat in body must be of type object",
                 [](const S& s) { return !s.json_format || s.json_format->is_object(); });
    exactly_one<&S::string_format, &S::json_format>(f, "stringFormat jsonFormat");
    return f;
  }();
  return description;
}

template <>
const Description& description<AccessLog::OpenTelemetry>() {
  using O = AccessLog::OpenTelemetry;
  static const Description description =
      Fields<O>()
          .required<&O::grpc_service>("grpcService")
          .field<&O::body>("body", Bounds().doc("with Envoy's command operators"))
          .field<&O::disable_builtin_labels>("disableBuiltinLabels")
          .field<&O::attributes>("attributes")
          .field<&O::resource_attributes>("resourceAttributes");
  return description;
}

template <>
const Description& description<AccessLog>() {
  using L = AccessLog;
  static const Description description = Fields<L>()
                                             .field<&L::file_sink>("fileSink")
                                             .field<&L::grpc_service>("grpcService")
                                             .field<&L::open_telemetry>("openTelemetry")
                                             .field<&L::filter>("filter");
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
