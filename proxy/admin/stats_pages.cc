#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "proxy/admin/page_parts.h"
#include "proxy/telemetry/prometheus.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;
using telemetry::Sample;

namespace {

/// The server's own: envoy_server_*.
std::vector<Sample> server_samples(const AdminContext& context) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - context.started);
  const std::string state = state_of(context);
  auto gauge = [](const char* name, std::uint64_t value) {
    Sample out;
    out.dotted = std::string("server.") + name;
    out.family = std::string("envoy_server_") + name;
    out.type = Sample::Type::kGauge;
    out.value = value;
    return out;
  };
  return {gauge("live", state == "LIVE" ? 1 : 0),
          gauge("state", state == "LIVE"       ? 0
                         : state == "DRAINING" ? 1
                                               : 3),
          gauge("uptime", static_cast<std::uint64_t>(uptime.count()))};
}

std::vector<Sample> all_samples(const AdminContext& context) {
  std::vector<Sample> out = telemetry::collect(*context.stats);
  for (Sample& one : server_samples(context)) out.push_back(std::move(one));
  return out;
}

std::string histogram_text(const Sample& sample) {
  if (sample.count() == 0) return "No recorded values";
  std::string out = "cumulative:";
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < kHistogramBounds.size(); ++i) {
    cumulative += sample.buckets[i];
    out += fmt::format(" B{}({})", kHistogramBounds[i], cumulative);
  }
  return out;
}

PageResponse stats(const AdminContext& context, const PageRequest& request, bool prometheus) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const std::string* filter = request.parameter("filter");
  re2::RE2 expression(filter == nullptr ? "" : *filter, quiet);
  if (!expression.ok()) return as_text("Invalid re2 regex: " + expression.error() + "\n", 400);
  const bool invert = request.parameter("invert_filter") != nullptr;
  const bool used_only = request.parameter("usedonly") != nullptr;
  const std::string* format = request.parameter("format");
  const std::string kind = prometheus ? "prometheus" : format == nullptr ? "text" : *format;
  if (kind != "text" && kind != "json" && kind != "prometheus") {
    return as_text("usage: /stats?format=(json|prometheus|text)\n", 400);
  }
  std::vector<Sample> samples = all_samples(context);
  std::erase_if(samples, [&](const Sample& one) {
    return re2::RE2::PartialMatch(one.dotted, expression) == invert || (used_only && !one.used());
  });
  if (kind == "prometheus")
    return {200, "text/plain; version=0.0.4; charset=utf-8",
            telemetry::prometheus_text(samples, {}, false)};
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    const bool first = a.type == Sample::Type::kHistogram;
    const bool second = b.type == Sample::Type::kHistogram;
    return first != second ? second : a.dotted < b.dotted;
  });
  if (kind == "json") {
    json::array list;
    for (const Sample& one : samples) {
      if (one.type == Sample::Type::kHistogram) continue;
      json::object entry;
      entry["name"] = one.dotted;
      entry["value"] = one.value;
      list.push_back(std::move(entry));
    }
    json::object out;
    out["stats"] = std::move(list);
    return as_json(out);
  }
  std::string text;
  for (const Sample& one : samples) {
    text += one.type == Sample::Type::kHistogram
                ? fmt::format("{}: {}\n", one.dotted, histogram_text(one))
                : fmt::format("{}: {}\n", one.dotted, one.value);
  }
  return as_text(std::move(text));
}

}  // namespace

void add_stats_pages(std::vector<Page>& out, const AdminContext& context) {
  std::vector<Page::Parameter> parameters = {
      {"filter", "Regular expression (Google re2) for filtering stats"},
      {"invert_filter", "Keep what does not match"},
      {"usedonly", "Only include stats that have been written"},
      {"format", "Format to use; One of (text, json, prometheus)"}};
  Page plain = page("/stats", "print server stats", [context](const PageRequest& request) {
    return stats(context, request, false);
  });
  plain.parameters = parameters;
  out.push_back(std::move(plain));
  parameters.pop_back();
  Page prometheus =
      page("/stats/prometheus", "print server stats in prometheus format",
           [context](const PageRequest& request) { return stats(context, request, true); });
  prometheus.parameters = parameters;
  out.push_back(std::move(prometheus));
}

std::vector<Page> metrics_pages(const AdminContext& context) {
  return {page("/metrics", "Prometheus metrics", [context](const PageRequest& request) {
    const std::string* accept = request.header("accept");
    const bool open =
        accept != nullptr && accept->find("application/openmetrics-text") != std::string::npos;
    std::vector<Metric> extra =
        context.extra_metrics ? context.extra_metrics() : std::vector<Metric>();
    std::vector<Sample> samples = all_samples(context);
    std::erase_if(
        samples, [](const Sample& one) { return !one.used() && one.type != Sample::Type::kGauge; });
    return PageResponse{200,
                        open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8",
                        telemetry::prometheus_text(samples, extra, open)};
  })};
}

}  // namespace tidegate::proxy::admin
