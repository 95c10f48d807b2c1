#include "proxy/upstream/host_set.h"

#include <algorithm>
#include <map>

namespace tidegate::proxy::upstream {

namespace {
constexpr std::uint64_t kOverprovisioning = 140;  // percent: a level with 72 % healthy counts whole
}  // namespace

HostSet::HostSet(const LoadBalancing& config, std::vector<Member> members, std::uint64_t start)
    : members_(std::move(members)) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::size_t priority = members_[i].priority;
    if (levels_.size() <= priority) levels_.resize(priority + 1);
    levels_[priority].members.push_back(i);
    if (members_[i].healthy) ++levels_[priority].healthy;
  }
  divide(config);
  if (config.zone_aware) zone_percent_ = config.zone_aware->percent;
  for (Level& level : levels_) build(config, level, start);
}

/// The traffic that each priority gets: as much as the healthy part of it is good for, the rest
/// falls to the next. Where all together are not good for everything, those that are below the
/// panic threshold take any host.
void HostSet::divide(const LoadBalancing& config) {
  loads_.assign(levels_.size(), 0);
  std::vector<std::uint64_t> good(levels_.size(), 0);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    if (!level.members.empty()) {
      good[i] =
          std::min<std::uint64_t>(100, kOverprovisioning * level.healthy / level.members.size());
    }
    sum += good[i];
  }
  bool all_panic = !levels_.empty();
  for (Level& level : levels_) {
    const bool below = level.healthy * 100 < config.panic_percent * level.members.size();
    level.panic = sum < 100 && below;
    all_panic = all_panic && (level.panic || level.members.empty());
  }
  if (all_panic && config.panic_percent > 0) {
    for (std::size_t i = 0; i < levels_.size(); ++i)
      loads_[i] = static_cast<std::uint32_t>(100 * levels_[i].members.size() / members_.size());
  } else {
    std::uint64_t left = 100;
    for (std::size_t i = 0; i < levels_.size() && sum > 0; ++i) {
      const std::uint64_t whole = std::min<std::uint64_t>(sum, 100);
      const std::uint64_t load = std::min(left, good[i] * 100 / whole);
      loads_[i] = static_cast<std::uint32_t>(load);
      left -= load;
    }
  }
  // What rounding has left goes to the first that has anything.
  std::uint32_t given = 0;
  for (const std::uint32_t load : loads_) given += load;
  for (std::uint32_t& load : loads_) {
    if (load == 0 || given >= 100) continue;
    load += 100 - given;
    given = 100;
  }
}

HostSet::Group HostSet::group_of(const LoadBalancing& config, std::vector<std::size_t> members,
                                 std::uint64_t start) const {
  Group out;
  std::vector<Candidate> candidates;
  candidates.reserve(members.size());
  for (const std::size_t index : members) candidates.push_back(members_[index].candidate);
  out.members = std::move(members);
  out.balancer = make_balancer(config, std::move(candidates), start);
  return out;
}

void HostSet::build(const LoadBalancing& config, Level& level, std::uint64_t start) {
  std::vector<std::size_t> usable;
  for (const std::size_t index : level.members) {
    if (level.panic || members_[index].healthy) usable.push_back(index);
  }
  if (usable.empty()) return;
  level.all = group_of(config, std::move(usable), start);
  if (!level.panic && !config.hashes()) build_zones(config, level, start);
}

void HostSet::build_zones(const LoadBalancing& config, Level& level, std::uint64_t start) {
  if (!config.zone_aware && !config.locality_weighted) return;
  std::map<std::string_view, std::vector<std::size_t>> by_zone;
  for (const std::size_t index : level.all.members) by_zone[members_[index].zone].push_back(index);
  if (by_zone.size() < 2) return;
  const std::size_t count = level.all.members.size();
  const bool first = &level == &levels_[0];
  if (config.zone_aware) {
    const ZoneAware& aware = *config.zone_aware;
    const auto own = by_zone.find(aware.zone);
    if (!first || own == by_zone.end() || count < aware.endpoints_min) return;
    // One process does not see its siblings: it takes that each zone has as many of them as any
    // other. Our zone's endpoints get no more than their part of all traffic then, and what our
    // zone sends elsewhere goes where there is more than that zone needs.
    const double part = 1.0 / static_cast<double>(by_zone.size());
    auto has = [count](const std::vector<std::size_t>& zone) {
      return static_cast<double>(zone.size()) / static_cast<double>(count);
    };
    const bool direct =
        has(own->second) >= part || (aware.forced_min && own->second.size() >= *aware.forced_min);
    for (auto& [zone, members] : by_zone) {
      const bool is_own = zone == aware.zone;
      const double spare = std::max(0.0, has(members) - part);
      const double weight = is_own ? (direct ? 1 : has(members)) : (direct ? 0 : spare);
      if (weight <= 0) continue;
      Group group = group_of(config, std::move(members), start);
      group.weight = weight;
      group.own = is_own;
      level.zones.push_back(std::move(group));
    }
    // Own and spare parts together are exactly what our zone needs.
  } else {
    std::map<std::string_view, std::size_t> whole;
    for (const std::size_t index : level.members) ++whole[members_[index].zone];
    for (auto& [zone, members] : by_zone) {
      double weight = 0;
      for (const std::size_t index : level.members) {
        if (members_[index].zone == zone) weight += members_[index].candidate.weight;
      }
      weight *= std::min(1.0, kOverprovisioning / 100.0 * static_cast<double>(members.size()) /
                                  static_cast<double>(whole[zone]));
      Group group = group_of(config, std::move(members), start);
      group.weight = weight;
      level.zones.push_back(std::move(group));
    }
  }
  for (const Group& group : level.zones) level.zones_weight += group.weight;
}

std::optional<HostSet::Picked> HostSet::pick(const Pick& pick) {
  Level* level = levels_.empty() ? nullptr : &levels_[0];
  if (levels_.size() > 1 && loads_[0] < 100) {
    std::uint64_t at = pick.hash ? *pick.hash % 100 : pick.random.below(100);
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      if (at < loads_[i]) {
        level = &levels_[i];
        break;
      }
      at -= loads_[i];
    }
  }
  if (level == nullptr || !level->all.balancer) return std::nullopt;
  Group* group = &level->all;
  Way way = level->panic ? Way::kPanic : Way::kPlain;
  if (!level->zones.empty() && (zone_percent_ >= 100 || pick.random.below(100) < zone_percent_)) {
    double at = static_cast<double>(pick.random.next() >> 11) * 0x1p-53 * level->zones_weight;
    for (Group& one : level->zones) {
      group = &one;
      if (at < one.weight) break;
      at -= one.weight;
    }
    way = group->own ? Way::kOwnZone : Way::kOtherZone;
  }
  return Picked{group->members[group->balancer->pick(pick)], way};
}

}  // namespace tidegate::proxy::upstream
