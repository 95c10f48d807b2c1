#include <fmt/format.h>

#include "config/kinds/core/secret_object.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::HeaderEntry;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// A header's values: one as written, or those that a Secret holds.
void values(const HeaderEntry& from, const std::string& path, FieldContext& context,
            std::vector<proxy::HeaderValue>& to) {
  if (!from.secret_ref) {
    to.push_back({lower(from.name.value_or("")), from.value.value_or("")});
    return;
  }
  context.error(path + ".secretRef",
                "a header's value from a Secret is not supported: the snapshot would show it");
}

proxy::HeaderChanges changes(const config::kgateway::HeaderChanges& from, const std::string& path,
                             FieldContext& context) {
  proxy::HeaderChanges out;
  for (std::size_t i = 0; i < from.set.size(); ++i)
    values(from.set[i], fmt::format("{}.set[{}]", path, i), context, out.set);
  for (std::size_t i = 0; i < from.add.size(); ++i)
    values(from.add[i], fmt::format("{}.add[{}]", path, i), context, out.add);
  for (const std::string& name : from.remove) out.remove.push_back(lower(name));
  return out;
}

}  // namespace

void make_header_modifiers(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::HeaderModifiers& from = *policy.header_modifiers;
  if (from.request) {
    context.add(kAtHeaderModifiers, proxy::RequestHeaderModifier{changes(
                                        *from.request, "spec.headerModifiers.request", context)});
  }
  if (from.response) {
    context.add(kAtHeaderModifiers, proxy::ResponseHeaderModifier{changes(
                                        *from.response, "spec.headerModifiers.response", context)});
  }
}

}  // namespace tidegate::controlloop::policy
