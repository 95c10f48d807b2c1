#include <fmt/format.h>

#include <algorithm>

#include "controlloop/policy/secrets.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::HeaderEntry;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// Why a Secret's entry can be no field; it does not show the value. Source: RFC 9110 section 5.
std::string problem_of(std::string_view name, std::string_view value) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != kSigns.npos;
  });
  if (!token) return fmt::format("{} is no name of a header", name);
  const bool sound = std::all_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\t';
  });
  if (!sound) return "the value has control characters, such as a line's end";
  if (value.empty() || value.front() == ' ' || value.back() == ' ')
    return "the value is empty, or has white space at an end";
  return {};
}

/// A header's values: one as written, or those that a Secret holds.
void values(const HeaderEntry& from, const std::string& path, FieldContext& context,
            std::vector<proxy::HeaderValue>& to) {
  if (!from.secret_ref) {
    to.push_back({lower(from.name.value_or("")), from.value.value_or("")});
    return;
  }
  const HeaderEntry::SecretKey& ref = *from.secret_ref;
  const FoundSecret found =
      find_secret(context, "TrafficPolicy", context.namespace_(), ref.namespace_, ref.name);
  if (!found.secret) return context.error(path + ".secretRef", found.problem);
  auto add = [&](const std::string& name, const std::string& key, const Secret& value) {
    const std::string wrong = problem_of(name, value.reveal());
    if (!wrong.empty()) {
      return context.error(
          path + ".secretRef",
          fmt::format("Secret {}, key {}: {}", display_name(found.secret->meta), key, wrong));
    }
    to.push_back({lower(name), "", value});
  };
  if (!ref.key && !from.name) {
    for (const auto& [key, value] : found.secret->data) add(key, key, value);
    return;
  }
  const std::string key = ref.key.value_or(from.name.value_or(""));
  const auto data = found.secret->data.find(key);
  if (data == found.secret->data.end()) {
    return context.error(path + ".secretRef", fmt::format("Secret {} has no key {}",
                                                          display_name(found.secret->meta), key));
  }
  add(from.name.value_or(key), key, data->second);
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
