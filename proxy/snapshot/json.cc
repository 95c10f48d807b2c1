#include "proxy/snapshot/json.h"

#include <fmt/format.h>

#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/mp11/algorithm.hpp>
#include <chrono>
#include <type_traits>

#include "proxy/snapshot/all_filter_settings.h"

namespace tidegate::proxy {
namespace {

namespace json = boost::json;
namespace describe = boost::describe;

/// Members called "namespace_" are printed as "namespace".
std::string_view field_name(const char* name) {
  std::string_view text(name);
  if (text.ends_with('_')) text.remove_suffix(1);
  return text;
}

constexpr std::string_view kFilterNames[] = {"request_header_modifier",
                                             "response_header_modifier",
                                             "url_rewrite",
                                             "request_mirror",
                                             "cors",
                                             "external_auth",
                                             "shared"};
static_assert(std::size(kFilterNames) == std::variant_size_v<Filter>);
constexpr std::string_view kActionNames[] = {"forward", "redirect", "direct_response"};
static_assert(std::size(kActionNames) == std::variant_size_v<Action>);

json::value print(const std::string& text) { return json::value(text); }
json::value print(const Secret&) { return json::value(kRedacted); }
template <class T>
  requires std::is_arithmetic_v<T>
json::value print(T number) {
  return json::value(number);
}
json::value print(std::chrono::milliseconds time) {
  return json::value(time.count() % 1000 == 0
                         ? fmt::format("{}s", time.count() / 1000)
                         : fmt::format("{:.3f}s", static_cast<double>(time.count()) / 1000));
}
json::value print(std::chrono::seconds time) {
  return json::value(fmt::format("{}s", time.count()));
}
template <class T>
json::value print(const std::vector<T>& list);
template <class T>
json::value print(const std::map<std::string, T>& map);
template <class T>
json::value print(const std::optional<T>& maybe);
template <class... T>
json::value print(const std::variant<T...>& one);
json::value print(const FilterSettings& settings);
template <class T>
  requires std::is_enum_v<T>
json::value print(T value) {
  std::string_view text = describe::enum_to_string(value, "unknown");
  if (text.starts_with('k')) text.remove_prefix(1);
  return json::value(text);
}
template <class T>
  requires describe::has_describe_members<T>::value
json::value print(const T& object) {
  json::object out;
  boost::mp11::mp_for_each<describe::describe_members<T, describe::mod_public>>([&](auto member) {
    json::value value = print(object.*member.pointer);
    bool empty = value.is_null() || (value.is_array() && value.get_array().empty()) ||
                 (value.is_string() && value.get_string().empty());
    if (!empty) out.emplace(field_name(member.name), std::move(value));
  });
  return out;
}
template <class T>
json::value print(const std::vector<T>& list) {
  json::array out;
  out.reserve(list.size());
  for (const T& one : list) out.push_back(print(one));
  return out;
}
template <class T>
json::value print(const std::map<std::string, T>& map) {
  json::object out;
  for (const auto& [key, one] : map) out.emplace(key, print(one));
  return out;
}
template <class T>
json::value print(const std::optional<T>& maybe) {
  return maybe ? print(*maybe) : json::value();
}
template <class... T>
json::value print(const std::variant<T...>& one) {
  std::string_view name;
  if constexpr (std::is_same_v<std::variant<T...>, Filter>) {
    name = kFilterNames[one.index()];
  } else {
    name = kActionNames[one.index()];
  }
  json::object out;
  out.emplace(name, std::visit([](const auto& value) { return print(value); }, one));
  return out;
}

json::value print(const FilterSettings& settings) {
  json::object out;
  visit(settings, [&](const char* name, const auto& held) { out.emplace(name, print(held)); });
  return out;
}

}  // namespace

boost::json::value to_json(const Snapshot& snapshot) { return print(snapshot); }
boost::json::value to_json(const Rule& rule) { return print(rule); }
boost::json::value to_json(const Filter& filter) { return print(filter); }
boost::json::value to_json(const Cluster& cluster) { return print(cluster); }
boost::json::value to_json(const FilterSettings& settings) { return print(settings); }

}  // namespace tidegate::proxy
