#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "controlloop/policy/target.h"

namespace tidegate::controlloop::policy {

inline constexpr std::size_t kFieldsMax = 64;  // top-level fields of one kind of policy

/// Which of its kind's fields a policy gives.
using FieldSet = std::bitset<kFieldsMax>;

/// The policies of one object: a route, a ListenerSet, a Gateway.
struct Level {
  enum class Place { kRoute, kListener, kGateway };
  std::vector<PolicyIndex> policies;  // who counts first stands first
  bool prefers_parent = false;        // goes before the levels below it: prefers_parent()
  Place place = Place::kRoute;  // kGateway: the first `of_listener` hold for the listener only
  std::size_t of_listener = 0;
};

/// From which policy a field is taken.
struct Chosen {
  static constexpr PolicyIndex kNone = UINT32_MAX;
  PolicyIndex policy = kNone;
  std::uint32_t level = 0;  // its index
  auto operator<=>(const Chosen&) const = default;
};

/// By field. As long as there are fields.
using Choice = std::vector<Chosen>;

/// Merges field by field: in a level the first policy that gives a field has it; between levels,
/// which go from the most specific to the most general one, the more specific one has it, unless
/// the more general one says that it goes first. `given` is indexed by policy.
/// Source: kgateway guides about/policies/merging, about/policies/trafficpolicy.
Choice merge(const std::vector<Level>& levels, const std::vector<FieldSet>& given,
             std::size_t fields);

}  // namespace tidegate::controlloop::policy
