#include "controlloop/object_metrics.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <cctype>
#include <ctime>
#include <string>
#include <string_view>

#include "config/kind_table.h"

namespace tidegate::controlloop {
namespace {

namespace json = boost::json;
using Labels = std::vector<std::pair<std::string, std::string>>;

/// A member as text; empty where it is none.
std::string text(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr) return {};
  if (found->is_string()) return std::string(found->get_string());
  return found->is_int64() ? std::to_string(found->get_int64()) : std::string();
}

const json::object& child(const json::object& from, std::string_view name) {
  static const json::object kNone;
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_object() ? found->get_object() : kNone;
}

const json::array& list(const json::object& from, std::string_view name) {
  static const json::array kNone;
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

/// Calls see(object) for each object of a list.
template <class See>
void each(const json::array& all, See see) {
  for (const json::value& one : all) {
    if (one.is_object()) see(one.get_object());
  }
}

class Writer {
 public:
  explicit Writer(std::vector<Metric>& out) : out_(out) {}

  void gauge(std::string name, const char* help, Labels labels, double value = 1) {
    out_.push_back({std::move(name), help, Metric::Type::kGauge, std::move(labels), value, {}, 0});
  }

  /// A series for each condition: 1 where it is true.
  void conditions(const std::string& name, const Labels& labels, const json::object& status) {
    each(list(status, "conditions"), [&](const json::object& condition) {
      Labels all = labels;
      all.emplace_back("type", text(condition, "type"));
      gauge(name, "conditions of the object: 1 where true", std::move(all),
            text(condition, "status") == "True" ? 1 : 0);
    });
  }

 private:
  std::vector<Metric>& out_;
};

Labels with(Labels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

void gateway(Writer& out, const Labels& labels, const json::object& spec,
             const json::object& status) {
  const std::string prefix = "gatewayapi_gateway_";
  out.gauge(prefix + "info", "a Gateway",
            with(labels, "gatewayclass", text(spec, "gatewayClassName")));
  out.conditions(prefix + "status", labels, status);
  each(list(spec, "listeners"), [&](const json::object& listener) {
    Labels all = with(labels, "listener_name", text(listener, "name"));
    for (const char* name : {"port", "protocol", "hostname"})
      all.emplace_back(name, text(listener, name));
    const json::object& tls = child(listener, "tls");
    std::string mode = text(tls, "mode");
    if (mode.empty() && listener.contains("tls")) mode = "Terminate";
    all.emplace_back("tls_mode", std::move(mode));
    out.gauge(prefix + "listener_info", "a listener of a Gateway", std::move(all));
  });
  each(list(status, "listeners"), [&](const json::object& listener) {
    const json::value* attached = listener.if_contains("attachedRoutes");
    const double routes =
        attached != nullptr && attached->is_number() ? attached->to_number<double>() : 0;
    out.gauge(prefix + "status_listener_attached_routes", "routes of a listener",
              with(labels, "listener_name", text(listener, "name")), routes);
  });
  each(list(status, "addresses"), [&](const json::object& address) {
    Labels all = with(labels, "type", text(address, "type"));
    out.gauge(prefix + "status_address_info", "an address of a Gateway",
              with(std::move(all), "value", text(address, "value")));
  });
}

/// Who a route has, or wants, as its parent.
Labels parent_labels(const Labels& route, const json::object& ref, const std::string& own) {
  auto or_else = [&ref](const char* name, std::string other) {
    std::string given = text(ref, name);
    return given.empty() ? std::move(other) : std::move(given);
  };
  Labels out = route;
  out.emplace_back("parent_group", or_else("group", "gateway.networking.k8s.io"));
  out.emplace_back("parent_kind", or_else("kind", "Gateway"));
  out.emplace_back("parent_name", text(ref, "name"));
  out.emplace_back("parent_namespace", or_else("namespace", own));
  out.emplace_back("parent_section_name", text(ref, "sectionName"));
  out.emplace_back("parent_port", text(ref, "port"));
  return out;
}

void route(Writer& out, const std::string& prefix, const Labels& labels, const std::string& space,
           const json::object& spec, const json::object& status) {
  for (const json::value& name : list(spec, "hostnames")) {
    if (name.is_string())
      out.gauge(prefix + "hostname_info", "a host name of a route",
                with(labels, "hostname", std::string(name.get_string())));
  }
  each(list(spec, "parentRefs"), [&](const json::object& ref) {
    out.gauge(prefix + "parent_info", "a parent that a route names",
              parent_labels(labels, ref, space));
  });
  each(list(status, "parents"), [&](const json::object& parent) {
    out.gauge(prefix + "status_parent_info", "a parent that has taken up a route",
              parent_labels(labels, child(parent, "parentRef"), space));
  });
}

/// Seconds since 1970 of an RFC 3339 time in UTC; 0: it is none.
double seconds_of(const std::string& time) {
  std::tm parts{};
  return ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr
             ? 0
             : static_cast<double>(::timegm(&parts));
}

constexpr std::array<std::string_view, 5> kRoutes = {"HTTPRoute", "GRPCRoute", "TCPRoute",
                                                     "TLSRoute", "UDPRoute"};

bool is_route(const config::Object& object) {
  return std::find(kRoutes.begin(), kRoutes.end(), object.meta.kind) != kRoutes.end();
}

/// The same parent twice, by its ports, say, is one series.
void drop_repeated(std::vector<Metric>& all) {
  auto key = [](const Metric& one) { return std::tie(one.name, one.labels); };
  std::stable_sort(all.begin(), all.end(),
                   [&key](const Metric& a, const Metric& b) { return key(a) < key(b); });
  all.erase(std::unique(all.begin(), all.end(),
                        [&key](const Metric& a, const Metric& b) { return key(a) == key(b); }),
            all.end());
}

}  // namespace

std::vector<Metric> object_metrics(const config::ObjectSet& objects,
                                   const status::Statuses& statuses, std::size_t routes_max) {
  std::vector<Metric> out;
  Writer writer(out);
  const auto& all = objects.objects();
  const bool routes =
      static_cast<std::size_t>(std::count_if(
          all.begin(), all.end(), [](const auto& one) { return is_route(*one); })) <= routes_max;
  static const json::object kNone;
  for (const auto& object : all) {
    const config::Meta& meta = object->meta;
    const bool of_route = is_route(*object);
    if (meta.kind != "Gateway" && meta.kind != "GatewayClass" && !(of_route && routes)) continue;
    if (!object->raw || !object->raw->is_object()) continue;
    const json::object& spec = child(object->raw->get_object(), "spec");
    const auto found = statuses.find({meta.kind, meta.namespace_, meta.name});
    const json::object& status = found == statuses.end() ? kNone : *found->second;
    std::string prefix = "gatewayapi_" + meta.kind + "_";
    std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Labels labels{{"name", meta.name}};
    if (!meta.namespace_.empty()) labels.insert(labels.begin(), {"namespace", meta.namespace_});
    if (meta.kind == "Gateway") {
      gateway(writer, labels, spec, status);
    } else if (of_route) {
      route(writer, prefix, labels, meta.namespace_, spec, status);
    } else {
      writer.gauge(prefix + "info", "a GatewayClass",
                   with(labels, "controller_name", text(spec, "controllerName")));
      writer.conditions(prefix + "status", labels, status);
    }
    if (const double created = seconds_of(meta.creation_timestamp); created > 0)
      writer.gauge(prefix + "created", "when the object was created, UNIX time", labels, created);
  }
  drop_repeated(out);
  return out;
}

}  // namespace tidegate::controlloop
