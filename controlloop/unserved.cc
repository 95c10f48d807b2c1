#include "controlloop/unserved.h"

#include <fmt/format.h>

#include "config/kind_table.h"

namespace tidegate::controlloop {

namespace json = boost::json;

namespace {

std::string text(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// "NotAllowedByListeners: why"; empty: it is accepted.
std::string refusal(const json::object& parent) {
  const json::value* conditions = parent.if_contains("conditions");
  if (conditions == nullptr || !conditions->is_array()) return {};
  for (const json::value& one : conditions->get_array()) {
    const json::object& condition = one.get_object();
    if (text(condition, "type") != "Accepted" || text(condition, "status") != "False") continue;
    const std::string message = text(condition, "message");
    return text(condition, "reason") + (message.empty() ? "" : ": " + message);
  }
  return {};
}

}  // namespace

std::vector<proxy::Unserved> unserved(const config::ObjectSet& objects,
                                      const status::Statuses& statuses) {
  std::vector<proxy::Unserved> out;
  for (const auto& [key, status] : statuses) {
    const json::value* parents = status->if_contains("parents");
    if (parents == nullptr || !parents->is_array()) continue;
    for (const json::value& one : parents->get_array()) {
      std::string why = refusal(one.get_object());
      const json::value* ref = one.get_object().if_contains("parentRef");
      if (why.empty() || ref == nullptr) continue;
      proxy::Unserved& to = out.emplace_back();
      to.origin = {key.kind, key.namespace_, key.name, {}, {}, 0};
      if (const config::Object* object = objects.object(key.kind, key.namespace_, key.name)) {
        to.origin.file = object->meta.file;
        to.origin.line = object->meta.line;
      }
      const json::object& parent = ref->get_object();
      const std::string space = text(parent, "namespace");
      const std::string name =
          fmt::format("{}/{}", space.empty() ? key.namespace_ : space, text(parent, "name"));
      const std::string kind = text(parent, "kind");
      const bool gateway = kind.empty() || kind == "Gateway";
      to.parent = fmt::format("{} {}", gateway ? "Gateway" : kind, name);
      if (const std::string section = text(parent, "sectionName"); !section.empty())
        to.parent += " listener " + section;
      if (gateway) to.gateway = name;
      to.why = std::move(why);
    }
  }
  return out;
}

}  // namespace tidegate::controlloop
