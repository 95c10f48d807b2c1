#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields/fields.h"

/// Rules that many of kgateway's fields share, and the mark of fields without effect.
namespace tidegate::config::kgateway {

/// The mark of a field that is decoded and held to its bounds, and does nothing yet: whoever sets
/// it is warned, and the page of fields says so. It stands as the last argument of `.field<...>()`;
/// with the change that gives the field its effect it goes, and nothing else here changes:
///   .field<&T::retry>("retry", unserved())   ->   .field<&T::retry>("retry")
inline fields::Bounds unserved(fields::Bounds bounds = {}) {
  return bounds.no_effect("this version does not implement it");
}

template <class V>
bool present(const std::optional<V>& v) {
  return v.has_value();
}
template <class V>
bool present(const std::vector<V>& v) {
  return !v.empty();
}

template <class T, auto... Members>
int count_present(const T& t) {
  return (static_cast<int>(present(t.*Members)) + ...);
}

/// `names` are those of the members, with spaces between.
template <auto... Members, class T>
void exactly_one(fields::Fields<T>& f, const std::string& names) {
  f.rule("exactly one of the fields in [" + names + "] must be set",
         [](const T& t) { return count_present<T, Members...>(t) == 1; });
}
template <auto... Members, class T>
void at_least_one(fields::Fields<T>& f, const std::string& names) {
  f.rule("at least one of the fields in [" + names + "] must be set",
         [](const T& t) { return count_present<T, Members...>(t) >= 1; });
}
template <auto... Members, class T>
void at_most_one(fields::Fields<T>& f, const std::string& names) {
  f.rule("at most one of the fields in [" + names + "] may be set",
         [](const T& t) { return count_present<T, Members...>(t) <= 1; });
}

/// Whether no two elements agree in `Key` (listMapKey).
template <auto Key, class E>
bool keys_differ(const std::vector<E>& list) {
  for (auto a = list.begin(); a != list.end(); ++a) {
    for (auto b = list.begin(); b != a; ++b) {
      if ((*a).*Key == (*b).*Key) return false;
    }
  }
  return true;
}

/// Whether every target has one of `kinds`.
template <class Targets>
bool only_kinds(const Targets& targets, std::initializer_list<std::string_view> kinds) {
  for (const auto& target : targets) {
    bool found = false;
    for (const std::string_view kind : kinds) found = found || target.kind == kind;
    if (!found) return false;
  }
  return true;
}

inline fields::Bounds percent() { return fields::Bounds().range(0, 100); }
inline fields::Bounds positive_duration() { return fields::Bounds().at_least(1); }

}  // namespace tidegate::config::kgateway
