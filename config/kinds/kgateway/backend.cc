#include "config/kinds/kgateway/backend.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/patterns.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(StaticBackend::AppProtocol) {
  static const std::vector<std::string_view> names{"http2", "grpc", "grpc-web", "kubernetes.io/h2c",
                                                   "kubernetes.io/ws"};
  return names;
}
static const std::vector<std::string_view>& enum_names(AwsBackend::Lambda::Mode) {
  static const std::vector<std::string_view> names{"Sync", "Async"};
  return names;
}
static const std::vector<std::string_view>& enum_names(AwsBackend::Lambda::Payload) {
  static const std::vector<std::string_view> names{"None", "Envoy"};
  return names;
}
static const std::vector<std::string_view>& enum_names(AwsBackend::Ec2::AddressType) {
  static const std::vector<std::string_view> names{"PrivateIP", "PublicIP"};
  return names;
}
static const std::vector<std::string_view>& enum_names(AwsBackend::Auth::Type) {
  static const std::vector<std::string_view> names{"Secret", "AssumeRole"};
  return names;
}
static const std::vector<std::string_view>& enum_names(Backend::Type) {
  static const std::vector<std::string_view> names{"AWS", "Static", "DynamicForwardProxy", "GCP",
                                                   "PriorityGroups"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<StaticBackend::Host>() {
  using H = StaticBackend::Host;
  static const Description description =
      Fields<H>()
          .required<&H::host>("host", Bounds().length(1, SIZE_MAX).doc("an address or a name"))
          .required<&H::port>("port", port_bounds());
  return description;
}

template <>
const Description& description<StaticBackend>() {
  using B = StaticBackend;
  static const Description description =
      Fields<B>()
          .required<&B::hosts>("hosts", Bounds().items(1, SIZE_MAX))
          .field<&B::app_protocol>("appProtocol", Bounds().doc("absent: HTTP/1.1"));
  return description;
}

template <>
const Description& description<DynamicForwardProxy>() {
  static const Description description =
      Fields<DynamicForwardProxy>().field<&DynamicForwardProxy::enable_tls>("enableTls");
  return description;
}

template <>
const Description& description<AwsBackend::Lambda>() {
  using L = AwsBackend::Lambda;
  static const Description description =
      Fields<L>()
          .field<&L::account_id>("accountId", Bounds().length(1, 12).pattern(kAwsAccount))
          .field<&L::endpoint_url>("endpointURL", Bounds().length(0, 2048).pattern(kHttpUrl))
          .required<&L::function_name>("functionName", Bounds().pattern(kAwsFunction))
          .field<&L::invocation_mode>("invocationMode")
          .field<&L::qualifier>("qualifier", Bounds().pattern(kAwsQualifier))
          .field<&L::payload_transform_mode>("payloadTransformMode");
  return description;
}

template <>
const Description& description<AwsBackend::Tag>() {
  using T = AwsBackend::Tag;
  static const Description description = Fields<T>()
                                             .required<&T::key>("key", Bounds().length(1, 128))
                                             .required<&T::value>("value", Bounds().length(1, 256));
  return description;
}

template <>
const Description& description<AwsBackend::Filter>() {
  using F = AwsBackend::Filter;
  static const Description description = [] {
    Fields<F> f;
    f.field<&F::key>("key", Bounds().length(1, 128)).field<&F::key_value>("keyValue");
    exactly_one<&F::key, &F::key_value>(f, "key keyValue");
    return f;
  }();
  return description;
}

template <>
const Description& description<AwsBackend::Ec2>() {
  using E = AwsBackend::Ec2;
  static const Description description =
      Fields<E>()
          .field<&E::port>("port", port_bounds())
          .field<&E::address_type>("addressType")
          .field<&E::filters>("filters", Bounds().items(0, 16).doc("all must hold"));
  return description;
}

template <>
const Description& description<AwsBackend::AssumeRole>() {
  using R = AwsBackend::AssumeRole;
  static const Description description =
      Fields<R>().required<&R::role_arn>("roleArn", Bounds().length(1, 2048).pattern(kAwsRole));
  return description;
}

template <>
const Description& description<AwsBackend::Auth>() {
  using A = AwsBackend::Auth;
  using T = A::Type;
  static const Description description =
      Fields<A>()
          .required<&A::type>("type")
          .field<&A::secret_ref>("secretRef",
                                 Bounds().doc("its keys accessKey, secretKey, sessionToken"))
          .field<&A::assume_role>("assumeRole")
          .rule("secretRef must be nil if the type is not 'Secret'",
                [](const A& a) { return !a.secret_ref || a.type == T::kSecret; })
          .rule("secretRef must be specified when type is 'Secret'",
                [](const A& a) { return a.secret_ref || a.type != T::kSecret; })
          .rule("assumeRole must be nil if the type is not 'AssumeRole'",
                [](const A& a) { return !a.assume_role || a.type == T::kAssumeRole; })
          .rule("assumeRole must be specified when type is 'AssumeRole'",
                [](const A& a) { return a.assume_role || a.type != T::kAssumeRole; });
  return description;
}

template <>
const Description& description<AwsBackend>() {
  using A = AwsBackend;
  static const Description description = [] {
    Fields<A> f;
    f.field<&A::lambda>("lambda")
        .field<&A::ec2>("ec2")
        .field<&A::account_id>("accountId", Bounds().length(1, 12).pattern(kAwsAccount))
        .field<&A::auth>("auth", Bounds().doc("absent: credentials of the environment"))
        .field<&A::region>("region", Bounds().length(1, 63).pattern(kAwsRegion))
        .rule("accountId must be specified on aws or aws.lambda for lambda backends",
              [](const A& a) {
                return !a.lambda || !a.account_id.empty() || !a.lambda->account_id.empty();
              });
    exactly_one<&A::lambda, &A::ec2>(f, "lambda ec2");
    return f;
  }();
  return description;
}

template <>
const Description& description<GcpBackend>() {
  using G = GcpBackend;
  static const Description description =
      Fields<G>()
          .required<&G::host>("host", Bounds().length(1, SIZE_MAX))
          .field<&G::audience>("audience", Bounds().length(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<PriorityGroup>() {
  using G = PriorityGroup;
  static const Description description =
      Fields<G>()
          .required<&G::backend_refs>("backendRefs", Bounds().items(1, 16))
          .rule_at("backendRefs", "names must be unique",
                   [](const G& g) { return keys_differ<&LocalName::name>(g.backend_refs); });
  return description;
}

template <>
const Description& description<Backend>() {
  using B = Backend;
  using T = B::Type;
  static const Description description = [] {
    Fields<B> f;
    f.field<&B::type>("type", Bounds().effect(Effect::kNoEffect).doc("the members decide"))
        .field<&B::aws>("aws")
        .field<&B::static_>("static")
        .field<&B::dynamic_forward_proxy>("dynamicForwardProxy")
        .field<&B::gcp>("gcp", Bounds().effect(Effect::kRejected).doc("refused"))
        .field<&B::priority_groups>("priorityGroups", Bounds().items(1, 16))
        .rule("aws backend must be specified when type is 'AWS'",
              [](const B& b) { return b.type != T::kAws || b.aws; })
        .rule("static backend must be specified when type is 'Static'",
              [](const B& b) { return b.type != T::kStatic || b.static_; })
        .rule(
            "dynamicForwardProxy backend must be specified when type is 'DynamicForwardProxy'",
            [](const B& b) { return b.type != T::kDynamicForwardProxy || b.dynamic_forward_proxy; })
        .rule("gcp backend must be specified when type is 'GCP'",
              [](const B& b) { return b.type != T::kGcp || b.gcp; })
        .rule(
            "priorityGroups backend must be specified when type is 'PriorityGroups'",
            [](const B& b) { return b.type != T::kPriorityGroups || !b.priority_groups.empty(); });
    exactly_one<&B::aws, &B::static_, &B::dynamic_forward_proxy, &B::gcp, &B::priority_groups>(
        f, "aws static dynamicForwardProxy gcp priorityGroups");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
