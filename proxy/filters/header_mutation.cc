#include "proxy/filters/header_mutation.h"

#include <charconv>

#include "proxy/filters/service.h"
#include "proxy/http/characters.h"
#include "proxy/http/limits.h"

namespace tidegate::proxy::filters {
namespace {

using Action = rpc::HeaderMutation::Action;

constexpr std::string_view kInvalid = "Invalid_character_in_set_headers_mutation.";
constexpr std::string_view kInvalidRemoval = "Invalid_character_in_remove_headers_mutation.";
constexpr std::string_view kAmbiguous =
    "Only_one_of_value_or_raw_value_in_the_HeaderValue_message_should_be_set.";
constexpr std::string_view kTooLarge = "Header_mutation_causes_end_result_too_large";

constexpr http::HeadLimits kLimits;
constexpr std::size_t kOwnFields = 16;  // that we add to what a client sends

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool forbidden(std::string_view name) {
  return http::iequals(name, "host") || http::frames_message(name) ||
         http::iequals(name.substr(0, 7), "x-envoy");
}

bool too_large(const http::Fields& fields) {
  std::size_t bytes = 0;
  for (const http::Field& field : fields) bytes += field.name.size() + field.value.size();
  return bytes > kLimits.head_bytes_max || fields.size() > kLimits.fields_max + kOwnFields;
}

/// False: it is none that may be set.
bool set_pseudo(std::string_view name, std::string_view value, const MutationTarget& target,
                std::string_view& wrong, Arena& arena) {
  if (target.request) {
    http::RequestHead& head = *target.request;
    const bool tunnel = head.method == "CONNECT" || !head.upgrade.empty();
    if (name == ":path" && head.method != "CONNECT") {
      if (!http::valid_path(value)) {
        wrong = kInvalid;
      } else {
        head.path = arena.copy(value);
      }
      return true;
    }
    if (name != ":method" || !target.replacing || tunnel || value == "CONNECT") return false;
    if (!http::valid_method(value)) {
      wrong = kInvalid;
    } else {
      head.method = arena.copy(value);
    }
    return true;
  }
  if (!target.response || name != ":status" || target.response->status == 101) return false;
  int status = 0;
  const char* end = value.data() + value.size();
  const auto result = std::from_chars(value.data(), end, status);
  if (result.ec != std::errc() || result.ptr != end || status < 200 || status > 599) return false;
  target.response->status = status;
  return true;
}

void put(http::Fields& fields, std::string_view name, std::string_view value, Action action) {
  switch (action) {
    case Action::kAppend:
      fields.add(name, value);
      return;
    case Action::kAddIfAbsent:
      if (!fields.has(name)) fields.add(name, value);
      return;
    case Action::kOverwriteIfExists:
      if (fields.has(name)) fields.set(name, value);
      return;
    case Action::kOverwrite:
      fields.set(name, value);
  }
}

}  // namespace

std::string_view mutate(const rpc::HeaderMutation& mutation, const MutationTarget& target,
                        Arena& arena, Counter& rejected) {
  const auto refuse = [&rejected](std::string_view why) {
    rejected.add();
    return why;
  };
  if (mutation.ambiguous) return refuse(kAmbiguous);
  if (mutation.set.size() > kLimits.fields_max || mutation.remove.size() > kLimits.fields_max)
    return refuse(kTooLarge);
  for (const std::string& name : mutation.remove) {
    const std::string_view token = std::string_view(name).substr(name.starts_with(':') ? 1 : 0);
    if (token.empty() || !http::all_of(token, http::kToken)) return refuse(kInvalidRemoval);
    if (name.starts_with(':') || forbidden(name)) {
      rejected.add();
    } else {
      target.fields->remove(name);
    }
  }
  for (const rpc::HeaderMutation::Set& one : mutation.set) {
    const std::string_view value = trimmed(one.value);
    const bool pseudo = one.name.starts_with(':');
    const std::string_view token = std::string_view(one.name).substr(pseudo ? 1 : 0);
    if (token.empty() || !http::all_of(token, http::kToken) || !http::all_of(value, http::kValue))
      return refuse(kInvalid);
    if (pseudo) {
      std::string_view wrong;
      if (!set_pseudo(one.name, value, target, wrong, arena)) rejected.add();
      if (!wrong.empty()) return refuse(wrong);
    } else if (forbidden(one.name)) {
      rejected.add();
    } else {
      put(*target.fields, lower(one.name, arena), arena.copy(value), one.action);
    }
  }
  if (!mutation.set.empty() && too_large(*target.fields)) return refuse(kTooLarge);
  return {};
}

}  // namespace tidegate::proxy::filters
