#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "config/fields/fields.h"

namespace tidegate::config {

/// The two rules that tie a filter's member to its type: "filter.cors must be nil if the
/// filter.type is not CORS" and "filter.cors must be specified for CORS filter.type".
template <class Filter, auto Member, auto Type>
void add_filter_member(fields::Fields<Filter>& f, const std::string& field, const std::string& type,
                       fields::Bounds bounds = {}) {
  f.template field<Member>(field, std::move(bounds));
  f.rule("filter." + field + " must be nil if the filter.type is not " + type,
         [](const Filter& filter) { return !(filter.*Member) || filter.type == Type; });
  f.rule("filter." + field + " must be specified for " + type + " filter.type",
         [](const Filter& filter) { return (filter.*Member) || filter.type != Type; });
}

template <auto Type, class Filter>
bool at_most_once(const std::vector<Filter>& filters) {
  return std::count_if(filters.begin(), filters.end(),
                       [](const Filter& filter) { return filter.type == Type; }) <= 1;
}

}  // namespace tidegate::config
