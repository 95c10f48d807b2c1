#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "proxy/admin/explain.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

std::string_view text(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

const json::array& list(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

/// "HTTPRoute default/route rule 0 (routes.yaml:9)".
std::string who(const json::object& object) {
  std::string out(text(object, "object"));
  if (std::string_view listener = text(object, "listener"); !listener.empty())
    out += fmt::format(" listener {}", listener);
  if (std::string_view rule = text(object, "rule"); !rule.empty())
    out += fmt::format(" rule {}", rule);
  if (std::string_view at = text(object, "at"); !at.empty()) out += fmt::format(" ({})", at);
  return out;
}

std::string backend_lines(const json::object& backend) {
  std::string out =
      fmt::format("  backend   {}  {}", text(backend, "cluster"), text(backend, "share"));
  if (std::string origin = who(backend); !origin.empty()) out += "  " + origin;
  out += '\n';
  for (const json::value& one : list(backend, "filters"))
    out += fmt::format("              filter {}\n", json::serialize(one));
  std::string endpoints;
  for (const json::value& one : list(backend, "endpoints"))
    endpoints +=
        fmt::format("{}{}", endpoints.empty() ? "" : ", ", std::string_view(one.get_string()));
  if (!endpoints.empty()) {
    out += fmt::format("              {}{} at {}\n", text(backend, "protocol"),
                       backend.contains("tls") ? " over TLS" : "", endpoints);
  }
  if (std::string_view problem = text(backend, "problem"); !problem.empty())
    out += fmt::format("              ! {}\n", problem);
  return out;
}

std::string miss_line(const json::object& miss) {
  std::string out = fmt::format("  {}", who(miss));
  if (std::string_view match = text(miss, "match"); !match.empty())
    out += fmt::format(": {}, {}", text(miss, "hostname"), match);
  if (std::string_view parent = text(miss, "parent"); !parent.empty())
    out += fmt::format(" at {}", parent);
  return out + fmt::format("\n      {}\n", text(miss, "reason"));
}

}  // namespace

std::string explain_text(const json::object& explanation) {
  std::string out = fmt::format("{}\n", text(explanation, "summary"));
  if (explanation.contains("error")) return out;
  if (const json::value* listener = explanation.if_contains("listener")) {
    const json::object& one = listener->get_object();
    out += fmt::format("  listener  {}: {} {}, port {}, host name {}\n", who(one),
                       text(one, "protocol"), text(one, "name"), json::serialize(one.at("port")),
                       text(one, "hostname"));
  }
  if (const json::value* route = explanation.if_contains("route")) {
    const json::object& one = route->get_object();
    out += fmt::format("  route     {}", who(one));
    if (std::string_view match = text(one, "match"); !match.empty())
      out += fmt::format(": {}, {}", text(one, "hostname"), match);
    out += '\n';
  }
  for (const json::value& one : list(explanation, "policies"))
    out += fmt::format("  policy    {} of {}\n", text(one.get_object(), "field"),
                       who(one.get_object()));
  for (const json::value& one : list(explanation, "filters"))
    out += fmt::format("  filter    {}\n", json::serialize(one));
  if (const json::value* rule = explanation.if_contains("rule")) {
    for (const auto& member : rule->get_object())
      out += fmt::format("  {:<9} {}\n", std::string_view(member.key()),
                         json::serialize(member.value()));
  }
  if (const json::value* redirect = explanation.if_contains("redirect"))
    out += fmt::format("  redirect  {}\n", json::serialize(*redirect));
  for (const json::value& one : list(explanation, "backends"))
    out += backend_lines(one.get_object());
  if (const json::array& misses = list(explanation, "near_misses"); !misses.empty()) {
    out += "not taken:\n";
    for (const json::value& one : misses) out += miss_line(one.get_object());
    if (const json::value* more = explanation.if_contains("near_misses_left_out"))
      out += fmt::format("  and {} more\n", json::serialize(*more));
  }
  if (const json::array& unserved = list(explanation, "unserved"); !unserved.empty()) {
    out += "not served at all:\n";
    for (const json::value& one : unserved) out += miss_line(one.get_object());
  }
  return out;
}

}  // namespace tidegate::proxy::admin
