#include <fmt/format.h>
#include <re2/re2.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "proxy/admin/envoy_view.h"
#include "proxy/admin/page_parts.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

bool wants_json(const PageRequest& request) {
  const std::string* format = request.parameter("format");
  return format != nullptr && *format == "json";
}

PageResponse listeners(const AdminContext& context, const PageRequest& request) {
  SnapshotPtr snapshot = context.server->snapshot();
  std::string text;
  json::array list;
  if (snapshot) {
    for (const Listener& listener : snapshot->listeners) {
      json::object one;
      one["name"] = listener.name;
      json::array more;
      for (const std::string& address : listener.addresses) {
        const bool v6 = address.find(':') != std::string::npos;
        text += fmt::format("{}::{}{}{}:{}\n", listener.name, v6 ? "[" : "", address, v6 ? "]" : "",
                            listener.port);
        if (!one.contains("local_address")) {
          one["local_address"] = socket_address(address, listener.port);
        } else {
          more.push_back(socket_address(address, listener.port));
        }
      }
      if (!more.empty()) one["additional_local_addresses"] = std::move(more);
      list.push_back(std::move(one));
    }
  }
  if (!wants_json(request)) return as_text(std::move(text));
  json::object out;
  out["listener_statuses"] = std::move(list);
  return as_json(out);
}

struct HostCounters {
  std::uint64_t cx_active = 0, cx_connect_fail = 0, cx_total = 0, rq_active = 0, rq_error = 0,
                rq_pending_active = 0, rq_success = 0, rq_timeout = 0, rq_total = 0;
};

HostCounters counters_of(const AdminContext& context, const std::string& key) {
  HostCounters out;
  auto found = context.stats->all_endpoints().find(key);
  if (found == context.stats->all_endpoints().end()) return out;
  for (const auto& one : found->second) {
    out.cx_active += one->cx_active.get();
    out.cx_connect_fail += one->cx_connect_fail.get();
    out.cx_total += one->cx_total.get();
    out.rq_active += one->rq_active.get();
    out.rq_error += one->rq_error.get();
    out.rq_pending_active += one->rq_pending_active.get();
    out.rq_success += one->rq_success.get();
    out.rq_timeout += one->rq_timeout.get();
    out.rq_total += one->rq_total.get();
  }
  return out;
}

/// The DNS name that an address came from.
std::string name_of(const upstream::Address& address) {
  return address.hostname == address.at.address().to_string() ? "" : address.hostname;
}

/// Source: Envoy's /clusters.
std::string health_flags(const upstream::Address& address) {
  if (address.healthy()) return "healthy";
  return std::string(address.failed_check ? "/failed_active_hc" : "") +
         (address.ejected ? "/failed_outlier_check" : "");
}

/// What a cluster may have at a time.
CircuitBreakers breakers_of(const Cluster& cluster) {
  CircuitBreakers out;
  out.connections_max = cluster.connections_max;
  out.pending_max = cluster.pending_max;
  out.requests_max = cluster.requests_max;
  return cluster.breakers.value_or(out);
}

std::string cluster_text(const AdminContext& context, const Cluster& cluster,
                         const std::vector<upstream::Address>& addresses) {
  const std::string& name = cluster.name;
  const CircuitBreakers breakers = breakers_of(cluster);
  std::string out = fmt::format("{}::observability_name::{}\n", name, name);
  if (cluster
          .outliers) {  // rates are not what ejects here: as Envoy says it where they are unknown
    out += fmt::format(
        "{0}::outlier::success_rate_average::-1\n{0}::outlier::success_rate_ejection_threshold::-"
        "1\n"
        "{0}::outlier::local_origin_success_rate_average::-1\n"
        "{0}::outlier::local_origin_success_rate_ejection_threshold::-1\n",
        name);
  }
  for (const char* priority : {"default_priority", "high_priority"}) {
    out += fmt::format(
        "{0}::{1}::max_connections::{2}\n{0}::{1}::max_pending_requests::{3}\n{0}::{1}::max_"
        "requests::{4}\n"
        "{0}::{1}::max_retries::{5}\n",
        name, priority, breakers.connections_max, breakers.pending_max, breakers.requests_max,
        breakers.retries_max);
  }
  out += fmt::format("{}::added_via_api::true\n", name);
  for (const upstream::Address& address : addresses) {
    const std::string host = fmt::format("{}::{}", name, upstream::text_of(address.at));
    const HostCounters counted = counters_of(context, name + " " + upstream::text_of(address.at));
    out += fmt::format(
        "{0}::cx_active::{1}\n{0}::cx_connect_fail::{2}\n{0}::cx_total::{3}\n{0}::rq_active::{4}\n"
        "{0}::rq_error::{5}\n{0}::rq_pending_active::{14}\n{0}::rq_success::{6}\n{0}::rq_timeout::{"
        "7}\n{0}::rq_total::{8}\n"
        "{0}::hostname::{10}\n{0}::health_flags::{11}\n{0}::weight::{9}\n{0}::region::\n"
        "{0}::zone::{12}\n"
        "{0}::sub_zone::\n{0}::canary::false\n{0}::priority::{13}\n{0}::success_rate::-1\n"
        "{0}::local_origin_success_rate::-1\n",
        host, counted.cx_active, counted.cx_connect_fail, counted.cx_total, counted.rq_active,
        counted.rq_error, counted.rq_success, counted.rq_timeout, counted.rq_total, address.weight,
        name_of(address), health_flags(address), address.zone, address.priority,
        counted.rq_pending_active);
  }
  return out;
}

json::object cluster_json(const AdminContext& context, const Cluster& cluster,
                          const std::vector<upstream::Address>& addresses) {
  json::array hosts;
  for (const upstream::Address& address : addresses) {
    const HostCounters counted =
        counters_of(context, cluster.name + " " + upstream::text_of(address.at));
    json::array stats;
    auto add = [&stats](const char* stat, std::uint64_t value, bool gauge) {
      json::object one;
      if (gauge) one["type"] = "GAUGE";
      if (value != 0) one["value"] = std::to_string(value);
      one["name"] = stat;
      stats.push_back(std::move(one));
    };
    add("cx_connect_fail", counted.cx_connect_fail, false);
    add("cx_total", counted.cx_total, false);
    add("rq_error", counted.rq_error, false);
    add("rq_success", counted.rq_success, false);
    add("rq_timeout", counted.rq_timeout, false);
    add("rq_total", counted.rq_total, false);
    add("cx_active", counted.cx_active, true);
    add("rq_active", counted.rq_active, true);
    add("rq_pending_active", counted.rq_pending_active, true);
    json::object health;
    health["eds_health_status"] = "HEALTHY";
    if (address.failed_check) health["failed_active_health_check"] = true;
    if (address.ejected) health["failed_outlier_check"] = true;
    json::object host;
    host["address"] = socket_address(address.at.address().to_string(), address.at.port());
    host["stats"] = std::move(stats);
    host["health_status"] = std::move(health);
    host["weight"] = address.weight;
    json::object locality;
    if (!address.zone.empty()) locality["zone"] = address.zone;
    host["locality"] = std::move(locality);
    if (address.priority > 0) host["priority"] = address.priority;
    if (const std::string hostname = name_of(address); !hostname.empty())
      host["hostname"] = hostname;
    hosts.push_back(std::move(host));
  }
  const CircuitBreakers limits = breakers_of(cluster);
  json::array thresholds;
  for (const bool high : {false, true}) {
    json::object one;
    if (high) one["priority"] = "HIGH";
    one["max_connections"] = limits.connections_max;
    one["max_pending_requests"] = limits.pending_max;
    one["max_requests"] = limits.requests_max;
    one["max_retries"] = limits.retries_max;
    thresholds.push_back(std::move(one));
  }
  json::object breakers;
  breakers["thresholds"] = std::move(thresholds);
  json::object out;
  out["name"] = cluster.name;
  out["added_via_api"] = true;
  out["host_statuses"] = std::move(hosts);
  out["circuit_breakers"] = std::move(breakers);
  out["observability_name"] = cluster.name;
  return out;
}

PageResponse clusters(const AdminContext& context, const PageRequest& request) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const std::string* filter = request.parameter("filter");
  re2::RE2 expression(filter == nullptr ? "" : *filter, quiet);
  if (!expression.ok()) return as_text("Invalid re2 regex\n", 400);
  std::string text;
  json::array list;
  if (SnapshotPtr snapshot = context.server->snapshot()) {
    static const std::vector<upstream::Address> kNone;
    for (const auto& [name, cluster] : snapshot->clusters) {
      if (!re2::RE2::PartialMatch(name, expression)) continue;
      auto found = context.server->addresses().find(name);
      const auto& addresses = found == context.server->addresses().end() ? kNone : found->second;
      if (wants_json(request)) {
        list.push_back(cluster_json(context, cluster, addresses));
      } else {
        text += cluster_text(context, cluster, addresses);
      }
    }
  }
  if (!wants_json(request)) return as_text(std::move(text));
  json::object out;
  out["cluster_statuses"] = std::move(list);
  return as_json(out);
}

}  // namespace

void add_config_pages(std::vector<Page>& out, const AdminContext& context) {
  add_config_dump(out, context);
  Page cluster_page =
      page("/clusters", "upstream cluster status",
           [context](const PageRequest& request) { return clusters(context, request); });
  cluster_page.parameters = {
      {"filter", "Regular expression (Google re2) for filtering clusters by name"},
      {"format", "File format to use; One of (text, json)"}};
  out.push_back(std::move(cluster_page));
  Page listener_page =
      page("/listeners", "print listener info",
           [context](const PageRequest& request) { return listeners(context, request); });
  listener_page.parameters = {{"format", "File format to use; One of (text, json)"}};
  out.push_back(std::move(listener_page));
}

}  // namespace tidegate::proxy::admin
