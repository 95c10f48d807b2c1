#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlloop/policy/target.h"
#include "controlloop/status/status.h"

namespace tidegate::controlloop::policy {

/// What a policy reached under an ancestor, put together from all the places where it is attached.
enum class Reach : std::uint8_t {
  kAttached = 1,    // all that it says holds, and it is alone
  kMerged = 2,      // some of what holds is from others
  kOverridden = 4,  // nothing of what it says holds
};

/// `.status` of the policies of one kind: an entry an ancestor, with the conditions Accepted and
/// Attached, and Overridden where conflict() says so. Reasons are kgateway's: Valid, Invalid;
/// Attached, Merged, Overridden, Pending, TargetNotFound. Source: Gateway API PolicyStatus
/// (GEP-713); kgateway PolicyStatus.
class PolicyStatuses {
 public:
  /// `attachments` outlives it.
  explicit PolicyStatuses(const Attachments& attachments)
      : attachments_(attachments), states_(attachments.policies().size()) {}

  /// The ancestor is where traffic comes from: a Gateway; for policies on backends, their target.
  void reach(PolicyIndex policy, const Target& ancestor, Reach reach) {
    states_[policy].ancestors[ancestor] |= static_cast<std::uint8_t>(reach);
  }
  /// What the policy says cannot be done. The first message stays.
  void invalid(PolicyIndex policy, const std::string& message) {
    if (states_[policy].invalid.empty()) states_[policy].invalid = message;
  }
  /// Something of what it says does not hold under the ancestor, since something else goes before
  /// it there. The first message stays.
  void conflict(PolicyIndex policy, const Target& ancestor, const std::string& message) {
    states_[policy].conflicts.emplace(ancestor, message);
    reach(policy, ancestor, Reach::kOverridden);
  }
  bool is_valid(PolicyIndex policy) const {
    return attachments_.policies()[policy].valid && states_[policy].invalid.empty();
  }

  void write(const std::string& controller_name, status::Statuses& out) const;

 private:
  static constexpr std::size_t kAncestorsMax = 16;  // that PolicyStatus has room for
  struct State {
    std::map<Target, std::uint8_t> ancestors;  // bits of Reach
    std::map<Target, std::string> conflicts;
    std::string invalid;
  };
  const Attachments& attachments_;
  std::vector<State> states_;
};

}  // namespace tidegate::controlloop::policy
