#include "config/kinds/gateway/references.h"

#include "config/kinds/gateway/descriptions.h"

namespace tidegate::config {
namespace {

bool same_parent(const ParentRef& a, const ParentRef& b) {
  return a.group == b.group && a.kind == b.kind && a.name == b.name &&
         a.namespace_.value_or("") == b.namespace_.value_or("");
}

}  // namespace

bool parents_tell_sections(const std::vector<ParentRef>& refs) {
  for (auto a = refs.begin(); a != refs.end(); ++a) {
    for (auto b = refs.begin(); b != a; ++b) {
      if (!same_parent(*a, *b)) continue;
      if (a->section_name.has_value() != b->section_name.has_value()) return false;
      if (a->port.has_value() != b->port.has_value()) return false;
    }
  }
  return true;
}

bool parents_are_unique(const std::vector<ParentRef>& refs) {
  for (auto a = refs.begin(); a != refs.end(); ++a) {
    for (auto b = refs.begin(); b != a; ++b) {
      if (same_parent(*a, *b) && a->section_name == b->section_name && a->port == b->port) {
        return false;
      }
    }
  }
  return true;
}

const std::vector<std::string_view>& enum_names(DefaultScope) {
  static const std::vector<std::string_view> names{"All", "None"};
  return names;
}

namespace fields {

template <>
const Description& description<ParentRef>() {
  static const Description description =
      Fields<ParentRef>()
          .field<&ParentRef::group>("group", group_bounds())
          .field<&ParentRef::kind>("kind", kind_bounds())
          .required<&ParentRef::name>("name", name_bounds())
          .field<&ParentRef::namespace_>("namespace", namespace_bounds())
          .field<&ParentRef::section_name>("sectionName", section_bounds())
          .field<&ParentRef::port>("port", port_bounds());
  return description;
}

template <>
const Description& description<BackendObjectRef>() {
  static const Description description = [] {
    Fields<BackendObjectRef> f;
    add_backend_ref(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<BackendRef>() {
  static const Description description = [] {
    Fields<BackendRef> f;
    add_backend_ref(f);
    f.field<&BackendRef::weight>("weight", Bounds().range(0, 1'000'000));
    return f;
  }();
  return description;
}

template <>
const Description& description<SecretRef>() {
  static const Description description =
      Fields<SecretRef>()
          .field<&SecretRef::group>("group", group_bounds())
          .field<&SecretRef::kind>("kind", kind_bounds())
          .required<&SecretRef::name>("name", name_bounds())
          .field<&SecretRef::namespace_>("namespace", namespace_bounds());
  return description;
}

template <>
const Description& description<ObjectRef>() {
  static const Description description =
      Fields<ObjectRef>()
          .required<&ObjectRef::group>("group", group_bounds())
          .required<&ObjectRef::kind>("kind", kind_bounds())
          .required<&ObjectRef::name>("name", name_bounds())
          .field<&ObjectRef::namespace_>("namespace", namespace_bounds());
  return description;
}

template <>
const Description& description<LocalObjectRef>() {
  static const Description description =
      Fields<LocalObjectRef>()
          .required<&LocalObjectRef::group>("group", group_bounds())
          .required<&LocalObjectRef::kind>("kind", kind_bounds())
          .required<&LocalObjectRef::name>("name", name_bounds());
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
