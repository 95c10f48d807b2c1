#include "controlloop/kubeapi/table.h"

#include <fmt/format.h>

#include <ctime>
#include <optional>
#include <vector>

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

const json::value* at(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::object* here = &object;
  const json::value* found = nullptr;
  for (std::string_view key : path) {
    if (here == nullptr) return nullptr;
    found = here->if_contains(key);
    if (found == nullptr) return nullptr;
    here = found->if_object();
  }
  return found;
}

std::string text(const json::value* value) {
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_bool()) return value->get_bool() ? "true" : "false";
  if (value->is_int64()) return std::to_string(value->get_int64());
  if (value->is_uint64()) return std::to_string(value->get_uint64());
  return {};
}

const json::array& list(const json::value* value) {
  static const json::array kNone;
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::string condition(const json::value* conditions, std::string_view type) {
  for (const json::value& one : list(conditions)) {
    const json::object* object = one.if_object();
    if (object != nullptr && text(object->if_contains("type")) == type)
      return text(object->if_contains("status"));
  }
  return {};
}

/// Over all parents (or ancestors): False where one says so, with its reason.
std::string over_parents(const json::object& shown, std::string_view type) {
  std::string out;
  for (const char* where : {"parents", "ancestors"}) {
    for (const json::value& parent : list(at(shown, {"status", where}))) {
      const json::object* object = parent.if_object();
      if (object == nullptr) continue;
      const std::string is = condition(object->if_contains("conditions"), type);
      if (is.empty()) continue;
      if (out.empty() || is != "True") out = is;
    }
  }
  return out.empty() ? condition(at(shown, {"status", "conditions"}), type) : out;
}

std::string joined(const json::array& values) {
  std::string out;
  for (const json::value& one : values) out += (out.empty() ? "" : ",") + text(&one);
  return out;
}

std::string hostnames(const json::object& shown) {
  std::string out = joined(list(at(shown, {"spec", "hostnames"})));
  return out.empty() ? "*" : out;
}

std::string parents(const json::object& shown) {
  std::string out;
  for (const json::value& one : list(at(shown, {"spec", "parentRefs"}))) {
    const json::object* ref = one.if_object();
    if (ref == nullptr) continue;
    out += (out.empty() ? "" : ",") + text(ref->if_contains("name"));
    if (std::string section = text(ref->if_contains("sectionName")); !section.empty())
      out += "/" + section;
  }
  return out;
}

std::string addresses(const json::object& shown) {
  std::string out;
  for (const json::value& one : list(at(shown, {"status", "addresses"}))) {
    if (const json::object* address = one.if_object())
      out += (out.empty() ? "" : ",") + text(address->if_contains("value"));
  }
  return out;
}

std::string attached(const json::object& shown) {
  std::int64_t sum = 0;
  for (const json::value& one : list(at(shown, {"status", "listeners"}))) {
    const json::value* count =
        one.is_object() ? one.get_object().if_contains("attachedRoutes") : nullptr;
    if (count != nullptr && count->is_number()) sum += count->to_number<std::int64_t>();
  }
  return std::to_string(sum);
}

std::string service_ports(const json::object& shown) {
  std::string out;
  for (const json::value& one : list(at(shown, {"spec", "ports"}))) {
    const json::object* port = one.if_object();
    if (port == nullptr) continue;
    const std::string protocol = text(port->if_contains("protocol"));
    out += fmt::format("{}{}/{}", out.empty() ? "" : ",", text(port->if_contains("port")),
                       protocol.empty() ? "TCP" : protocol);
  }
  return out;
}

std::string slice_ports(const json::object& shown) {
  std::string out;
  for (const json::value& one : list(at(shown, {"ports"}))) {
    if (const json::object* port = one.if_object())
      out += (out.empty() ? "" : ",") + text(port->if_contains("port"));
  }
  return out;
}

std::string slice_addresses(const json::object& shown) {
  std::string out;
  for (const json::value& one : list(at(shown, {"endpoints"}))) {
    if (const json::object* endpoint = one.if_object())
      out += (out.empty() ? "" : ",") + joined(list(endpoint->if_contains("addresses")));
  }
  return out;
}

std::string data_count(const json::object& shown) {
  std::size_t count = 0;
  for (const char* where : {"data", "stringData", "binaryData"}) {
    const json::value* found = at(shown, {where});
    if (found != nullptr && found->is_object()) count += found->get_object().size();
  }
  return std::to_string(count);
}

std::string or_else(std::string value, const char* otherwise) {
  return value.empty() ? otherwise : value;
}

/// "12s", "3m", "5h", "2d", as kubectl says an age; the client cannot where it is given a table.
std::string age(const json::object& shown, std::initializer_list<std::string_view> path) {
  const std::string since = text(at(shown, path));
  std::tm parts{};
  if (since.empty() || ::strptime(since.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return "<unknown>";
  const std::int64_t seconds = std::max<std::int64_t>(0, std::time(nullptr) - ::timegm(&parts));
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

struct Column {
  const char* name;
  std::string (*cell)(const json::object& shown);
  bool wide = false;
};

using Columns = std::vector<Column>;

const Column kAge{"Age",
                  [](const json::object& o) { return age(o, {"metadata", "creationTimestamp"}); }};
const Column kAccepted{"Accepted",
                       [](const json::object& o) { return over_parents(o, "Accepted"); }};
const Column kResolved{"Resolved",
                       [](const json::object& o) { return over_parents(o, "ResolvedRefs"); }};
const Column kProgrammed{"Programmed", [](const json::object& o) {
                           return condition(at(o, {"status", "conditions"}), "Programmed");
                         }};
const Column kHostnames{"Hostnames", hostnames};
const Column kParents{"Parents", parents, true};

const Columns& middle_columns(const config::Kind& kind) {
  static const Columns kRoute{kHostnames, kAccepted, kResolved, kAge, kParents};
  static const Columns kPortRoute{kAccepted, kResolved, kAge, kParents};
  static const Columns kOther{kAge};
  static const Columns kPolicy{kAccepted, kAge};
  static const std::map<std::string_view, Columns> kByKind{
      {"GatewayClass",
       {{"Controller",
         [](const json::object& o) { return text(at(o, {"spec", "controllerName"})); }},
        kAccepted,
        kAge}},
      {"Gateway",
       {{"Class", [](const json::object& o) { return text(at(o, {"spec", "gatewayClassName"})); }},
        {"Address", addresses},
        kProgrammed,
        kAge,
        {"Routes", attached, true}}},
      {"ListenerSet", {kAccepted, kProgrammed, kAge}},
      {"HTTPRoute", kRoute},
      {"GRPCRoute", kRoute},
      {"TLSRoute", kRoute},
      {"TCPRoute", kPortRoute},
      {"UDPRoute", kPortRoute},
      {"BackendTLSPolicy", kPolicy},
      {"Namespace", {{"Status", [](const json::object&) { return std::string("Active"); }}, kAge}},
      {"Service",
       {{"Type",
         [](const json::object& o) { return or_else(text(at(o, {"spec", "type"})), "ClusterIP"); }},
        {"Cluster-IP",
         [](const json::object& o) { return or_else(text(at(o, {"spec", "clusterIP"})), "None"); }},
        {"External-IP",
         [](const json::object& o) {
           return or_else(text(at(o, {"spec", "externalName"})), "<none>");
         }},
        {"Port(s)", service_ports},
        kAge}},
      {"Secret",
       {{"Type", [](const json::object& o) { return or_else(text(at(o, {"type"})), "Opaque"); }},
        {"Data", data_count},
        kAge}},
      {"ConfigMap", {{"Data", data_count}, kAge}},
      {"EndpointSlice",
       {{"AddressType", [](const json::object& o) { return text(at(o, {"addressType"})); }},
        {"Ports", slice_ports},
        {"Endpoints", slice_addresses},
        kAge}},
      {"Event",
       {{"Last Seen", [](const json::object& o) { return age(o, {"lastTimestamp"}); }},
        {"Type", [](const json::object& o) { return text(at(o, {"type"})); }},
        {"Reason", [](const json::object& o) { return text(at(o, {"reason"})); }},
        {"Object",
         [](const json::object& o) {
           std::string of = text(at(o, {"involvedObject", "kind"}));
           for (char& c : of) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
           return of + "/" + text(at(o, {"involvedObject", "name"}));
         }},
        {"Message", [](const json::object& o) { return text(at(o, {"message"})); }}}},
  };
  auto found = kByKind.find(kind.kind);
  if (found != kByKind.end()) return found->second;
  return kind.group == "gateway.kgateway.dev" ? kPolicy : kOther;
}

json::object definition(const char* name, const char* format, bool wide) {
  return {{"name", name},
          {"type", "string"},
          {"format", format},
          {"description", ""},
          {"priority", wide ? 1 : 0}};
}

}  // namespace

json::array columns(const config::Kind& kind) {
  json::array out;
  const bool event = &kind == &event_kind();
  if (!event) out.push_back(definition("Name", "name", false));
  for (const Column& column : middle_columns(kind))
    out.push_back(definition(column.name, "", column.wide));
  if (event) out.push_back(definition("Name", "name", true));
  out.push_back(definition("File", "", true));
  return out;
}

json::object row(const Ledger::Key& key, const Ledger::Entry& entry, json::object shown,
                 IncludeObject include) {
  json::array cells;
  const bool event = key.kind == &event_kind();
  if (!event) cells.push_back(json::string(key.name));
  for (const Column& column : middle_columns(*key.kind))
    cells.push_back(json::string(column.cell(shown)));
  if (event) cells.push_back(json::string(key.name));
  cells.push_back(entry.object ? json::string(fmt::format("{}:{}", entry.object->meta.file,
                                                          entry.object->meta.line))
                               : json::string("<none>"));
  json::object out;
  out["cells"] = std::move(cells);
  if (include == IncludeObject::kObject) {
    out["object"] = std::move(shown);
  } else if (include == IncludeObject::kMetadata) {
    json::object partial{{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}};
    partial["metadata"] = std::move(shown["metadata"]);
    out["object"] = std::move(partial);
  }
  return out;
}

}  // namespace tidegate::controlloop::kubeapi
