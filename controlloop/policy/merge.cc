#include "controlloop/policy/merge.h"

namespace tidegate::controlloop::policy {

Choice merge(const std::vector<Level>& levels, const std::vector<FieldSet>& given,
             std::size_t fields) {
  Choice out(fields);
  for (std::uint32_t i = 0; i < levels.size(); ++i) {
    const Level& level = levels[i];
    for (std::size_t field = 0; field < fields; ++field) {
      const bool taken = out[field].policy != Chosen::kNone;
      // What is most specific has nothing below it.
      if (taken && (!level.prefers_parent || i == 0)) continue;
      for (const PolicyIndex policy : level.policies) {
        if (!given[policy].test(field)) continue;
        out[field] = {policy, i};
        break;
      }
    }
  }
  return out;
}

}  // namespace tidegate::controlloop::policy
