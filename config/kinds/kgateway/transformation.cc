#include "config/kinds/kgateway/transformation.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/patterns.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(Transformation::Body::ParseAs) {
  static const std::vector<std::string_view> names{"AsString", "AsJson", "None"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<Transformation::Header>() {
  using H = Transformation::Header;
  static const Description description =
      Fields<H>()
          .required<&H::name>("name", Bounds().length(1, 256).pattern(kAnyHeader))
          .field<&H::value>("value", Bounds().doc("a template"));
  return description;
}

template <>
const Description& description<Transformation::Body>() {
  using B = Transformation::Body;
  static const Description description =
      Fields<B>()
          .field<&B::parse_as>("parseAs", Bounds().doc("None: the body is not gathered"))
          .field<&B::value>("value", Bounds().doc("a template"));
  return description;
}

template <>
const Description& description<Transformation::MetadataValue>() {
  using V = Transformation::MetadataValue;
  static const Description description = [] {
    Fields<V> f;
    f.field<&V::string_value>("stringValue", Bounds().length(1, SIZE_MAX).doc("a template"));
    exactly_one<&V::string_value>(f, "stringValue");
    return f;
  }();
  return description;
}

template <>
const Description& description<Transformation::Metadata>() {
  using M = Transformation::Metadata;
  static const Description description =
      Fields<M>()
          .required<&M::namespace_>("namespace", Bounds().length(1, 256))
          .required<&M::key>("key", Bounds().length(1, 256))
          .required<&M::value>("value");
  return description;
}

template <>
const Description& description<Transformation::Changes>() {
  using C = Transformation::Changes;
  using H = Transformation::Header;
  static const Description description =
      Fields<C>()
          .field<&C::set>("set", Bounds().items(0, 16))
          .field<&C::add>("add", Bounds().items(0, 16))
          .field<&C::remove>("remove", Bounds().items(0, 16).unique())
          .field<&C::body>("body", Bounds().doc("absent: the body is not gathered"))
          .field<&C::dynamic_metadata>("dynamicMetadata", Bounds().items(0, 16))
          .rule_at("set", "names must be unique",
                   [](const C& c) { return keys_differ<&H::name>(c.set); })
          .rule_at("add", "names must be unique",
                   [](const C& c) { return keys_differ<&H::name>(c.add); });
  return description;
}

template <>
const Description& description<Transformation>() {
  using T = Transformation;
  static const Description description =
      Fields<T>().field<&T::request>("request").field<&T::response>("response");
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
