#include "config/kinds/kgateway/shared.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(SpanAttribute::Metadata::Kind) {
  static const std::vector<std::string_view> names{"Request", "Route", "Cluster", "Host"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<PolicyDisable>() {
  static const Description description = Fields<PolicyDisable>();
  return description;
}

template <>
const Description& description<TargetSelector>() {
  using S = TargetSelector;
  static const Description description =
      Fields<S>()
          .required<&S::group>("group", group_bounds())
          .required<&S::kind>("kind", kind_bounds())
          .required<&S::match_labels>("matchLabels")
          .field<&S::section_name>("sectionName", section_bounds());
  return description;
}

template <>
const Description& description<WholeTargetRef>() {
  using R = WholeTargetRef;
  static const Description description = Fields<R>()
                                             .required<&R::group>("group", group_bounds())
                                             .required<&R::kind>("kind", kind_bounds())
                                             .required<&R::name>("name", name_bounds());
  return description;
}

template <>
const Description& description<WholeTargetSelector>() {
  using S = WholeTargetSelector;
  static const Description description = Fields<S>()
                                             .required<&S::group>("group", group_bounds())
                                             .required<&S::kind>("kind", kind_bounds())
                                             .required<&S::match_labels>("matchLabels");
  return description;
}

template <>
const Description& description<NamespacedRef>() {
  static const Description description =
      Fields<NamespacedRef>()
          .required<&NamespacedRef::name>("name", name_bounds())
          .field<&NamespacedRef::namespace_>("namespace", namespace_bounds());
  return description;
}

template <>
const Description& description<LocalName>() {
  static const Description description =
      Fields<LocalName>().required<&LocalName::name>("name", name_bounds());
  return description;
}

template <>
const Description& description<StringMatcher>() {
  using M = StringMatcher;
  static const Description description = [] {
    Fields<M> f;
    f.field<&M::exact>("exact")
        .field<&M::prefix>("prefix")
        .field<&M::suffix>("suffix")
        .field<&M::contains>("contains")
        .field<&M::safe_regex>("safeRegex", Bounds().doc("RE2"))
        .field<&M::ignore_case>("ignoreCase");
    exactly_one<&M::exact, &M::prefix, &M::suffix, &M::contains, &M::safe_regex>(
        f, "exact prefix suffix contains safeRegex");
    return f;
  }();
  return description;
}

template <>
const Description& description<HeaderEntry::SecretKey>() {
  using K = HeaderEntry::SecretKey;
  static const Description description =
      Fields<K>()
          .required<&K::name>("name", name_bounds())
          .field<&K::key>("key", Bounds().length(1, 253).pattern(kDataKey))
          .field<&K::namespace_>("namespace", namespace_bounds());
  return description;
}

template <>
const Description& description<HeaderEntry>() {
  using H = HeaderEntry;
  static const Description description = [] {
    Fields<H> f;
    f.field<&H::name>("name", Bounds().length(1, 256).pattern(kHeaderName))
        .field<&H::value>("value", Bounds().length(1, 4096).pattern(kHeaderValue))
        .field<&H::secret_ref>("secretRef")
        .rule("name is required when using an inline value",
              [](const H& h) { return !h.value || h.name; });
    exactly_one<&H::value, &H::secret_ref>(f, "value secretRef");
    return f;
  }();
  return description;
}

template <>
const Description& description<HeaderChanges>() {
  using H = HeaderChanges;
  static const Description description = [] {
    Fields<H> f;
    f.field<&H::set>("set", Bounds().items(0, 16))
        .field<&H::add>("add", Bounds().items(0, 16))
        .field<&H::remove>("remove", Bounds().items(0, 16).unique());
    at_least_one<&H::set, &H::add, &H::remove>(f, "set add remove");
    return f;
  }();
  return description;
}

template <>
const Description& description<HeaderModifiers>() {
  using H = HeaderModifiers;
  static const Description description = [] {
    Fields<H> f;
    f.field<&H::request>("request").field<&H::response>("response");
    at_least_one<&H::request, &H::response>(f, "request response");
    return f;
  }();
  return description;
}

template <>
const Description& description<BodyFormat>() {
  using B = BodyFormat;
  static const Description description = [] {
    Fields<B> f;
    f.field<&B::content_type>("contentType")
        .field<&B::text>("text", Bounds().length(1, 4096).doc("with Envoy's command operators"))
        .field<&B::json>("json", Bounds().doc("an object; its strings are formats"))
        .rule_at("json", "json in body must be of type object",
                 [](const B& b) { return !b.json || b.json->is_object(); });
    exactly_one<&B::json, &B::text>(f, "json text");
    return f;
  }();
  return description;
}

template <>
const Description& description<SpanAttribute::Literal>() {
  using L = SpanAttribute::Literal;
  static const Description description = Fields<L>().required<&L::value>("value");
  return description;
}

template <>
const Description& description<SpanAttribute::Named>() {
  using N = SpanAttribute::Named;
  static const Description description =
      Fields<N>().required<&N::name>("name").field<&N::default_value>("defaultValue");
  return description;
}

template <>
const Description& description<SpanAttribute::Segment>() {
  using S = SpanAttribute::Segment;
  static const Description description = Fields<S>().required<&S::key>("key");
  return description;
}

template <>
const Description& description<SpanAttribute::Key>() {
  using K = SpanAttribute::Key;
  static const Description description =
      Fields<K>().required<&K::key>("key").required<&K::path>("path");
  return description;
}

template <>
const Description& description<SpanAttribute::Metadata>() {
  using M = SpanAttribute::Metadata;
  static const Description description = Fields<M>()
                                             .required<&M::kind>("kind")
                                             .required<&M::metadata_key>("metadataKey")
                                             .field<&M::default_value>("defaultValue");
  return description;
}

template <>
const Description& description<SpanAttribute>() {
  using A = SpanAttribute;
  static const Description description =
      Fields<A>()
          .required<&A::name>("name")
          .field<&A::literal>("literal")
          .field<&A::environment>("environment")
          .field<&A::request_header>("requestHeader")
          .field<&A::metadata>("metadata")
          .rule("must have at most 2 properties", [](const A& a) {
            return count_present<A, &A::literal, &A::environment, &A::request_header, &A::metadata>(
                       a) <= 1;
          });
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
