#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdint>

#include "proxy/admin/page_parts.h"
#include "proxy/admin/server_metrics.h"
#include "proxy/telemetry/intervals.h"
#include "proxy/telemetry/prometheus.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;
using telemetry::Buckets;
using telemetry::Sample;

namespace {

constexpr double kQuantiles[] = {0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100};

/// Everything of the proxy: what workers count, and what the server says of itself.
std::vector<Sample> all_samples(const AdminContext& context) {
  std::vector<Sample> out = telemetry::collect(*context.stats);
  telemetry::subtract(out, *context.baseline);
  for (Sample& one : server_samples(context)) out.push_back(std::move(one));
  return out;
}

/// What a histogram got in the last interval.
const Buckets& interval_of(const AdminContext& context, const Sample& sample) {
  static constexpr Buckets kNothing{};
  const Buckets* found = context.intervals ? context.intervals->of(sample.dotted) : nullptr;
  return found == nullptr ? kNothing : *found;
}

/// As Envoy prints it: (last interval, since the start).
std::string quantiles_text(const Buckets& interval, const Sample& sample) {
  std::string out;
  for (const double quantile : kQuantiles)
    out += fmt::format("{}P{:g}({:g},{:g})", out.empty() ? "" : " ", quantile,
                       telemetry::quantile_of(interval, quantile), sample.quantile(quantile));
  return out;
}

std::string histogram_text(const Buckets& interval, const Sample& sample,
                           std::string_view buckets) {
  if (sample.count() == 0) return "No recorded values";
  if (buckets.empty() || buckets == "summary") return quantiles_text(interval, sample);
  std::string out;
  std::uint64_t sum = 0;
  std::uint64_t recent = 0;
  for (std::size_t i = 0; i < kHistogramBounds.size(); ++i) {
    sum = buckets == "disjoint" ? sample.buckets[i] : sum + sample.buckets[i];
    recent = buckets == "disjoint" ? interval[i] : recent + interval[i];
    out += fmt::format("{}B{:g}({},{})", out.empty() ? "" : " ", kHistogramBounds[i], recent, sum);
  }
  return buckets == "detailed" ? out + " summary " + quantiles_text(interval, sample) : out;
}

json::value number(double value) {
  if (std::isnan(value)) return {};
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<std::int64_t>(value);
  return value;
}

json::object buckets_json(const Buckets& interval, const Sample& sample, bool disjoint) {
  json::array list;
  std::uint64_t sum = 0;
  std::uint64_t recent = 0;
  for (std::size_t i = 0; i < kHistogramBounds.size(); ++i) {
    sum = disjoint ? sample.buckets[i] : sum + sample.buckets[i];
    recent = disjoint ? interval[i] : recent + interval[i];
    list.push_back(json::object{
        {"upper_bound", number(kHistogramBounds[i])}, {"interval", recent}, {"cumulative", sum}});
  }
  json::object out{{"name", sample.dotted}};
  out["buckets"] = std::move(list);
  return out;
}

json::object quantiles_json(const Buckets& interval, const Sample& sample) {
  json::array values;
  for (const double quantile : kQuantiles)
    values.push_back(
        json::object{{"cumulative", number(sample.quantile(quantile))},
                     {"interval", number(telemetry::quantile_of(interval, quantile))}});
  json::object out{{"name", sample.dotted}};
  out["values"] = std::move(values);
  return out;
}

PageResponse stats_json(const AdminContext& context, const std::vector<Sample>& samples,
                        std::string_view buckets) {
  json::array list;
  json::array histograms;
  const bool quantiles = buckets.empty() || buckets == "summary";
  for (const Sample& one : samples) {
    if (one.type != Sample::Type::kHistogram) {
      list.push_back(json::object{{"name", one.dotted}, {"value", one.value}});
    } else if (quantiles) {
      histograms.push_back(quantiles_json(interval_of(context, one), one));
    } else {
      histograms.push_back(buckets_json(interval_of(context, one), one, buckets == "disjoint"));
    }
  }
  if (!histograms.empty() && quantiles) {
    json::array supported;
    for (const double quantile : kQuantiles) supported.push_back(number(quantile));
    json::object all{{"supported_quantiles", std::move(supported)}};
    all["computed_quantiles"] = std::move(histograms);
    list.push_back(json::object{{"histograms", std::move(all)}});
  } else if (!histograms.empty()) {
    list.push_back(json::object{{"histograms", std::move(histograms)}});
  }
  json::object out{{"stats", std::move(list)}};
  return {200, "application/json", json::serialize(out)};
}

std::string value_of(const PageRequest& request, std::string_view name) {
  const std::string* found = request.parameter(name);
  return found == nullptr ? std::string() : *found;
}

/// Whether a sample is of the type that was asked for.
bool of_type(const Sample& sample, const std::string& type) {
  if (type.empty() || type == "All") return true;
  return type == (sample.type == Sample::Type::kCounter ? "Counters"
                  : sample.type == Sample::Type::kGauge ? "Gauges"
                                                        : "Histograms");
}

PageResponse stats(const AdminContext& context, const PageRequest& request, bool prometheus) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const re2::RE2 expression(value_of(request, "filter"), quiet);
  if (!expression.ok()) return as_text("Invalid re2 regex: " + expression.error() + "\n", 400);
  const bool invert = request.parameter("invert_filter") != nullptr;
  const bool used_only = request.parameter("usedonly") != nullptr;
  const std::string asked = value_of(request, "format");
  const std::string format = prometheus ? "prometheus" : asked.empty() ? "text" : asked;
  if (format != "text" && format != "json" && format != "prometheus" && format != "html" &&
      format != "active-html")
    return as_text("usage: /stats?format=(html|active-html|json|prometheus|text)\n\n", 400);
  const std::string type = value_of(request, "type");
  if (!type.empty() && type != "All" && type != "Counters" && type != "Gauges" &&
      type != "Histograms" && type != "TextReadouts")
    return as_text("invalid &type= param\n", 400);
  const std::string buckets = value_of(request, "histogram_buckets");
  if (!buckets.empty() && buckets != "cumulative" && buckets != "disjoint" &&
      buckets != "detailed" && buckets != "summary")
    return as_text("usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n", 400);
  if (format == "prometheus" && (buckets == "disjoint" || buckets == "detailed"))
    return as_text("unsupported prometheus histogram bucket mode: cumulative or summary\n", 400);
  const std::string hidden = value_of(request, "hidden");
  if (!hidden.empty() && hidden != "include" && hidden != "exclude" && hidden != "showonly")
    return as_text("usage: /stats?hidden=(include|exclude|showonly)\n", 400);
  std::vector<Sample> samples = all_samples(context);
  std::erase_if(samples, [&](const Sample& one) {
    return hidden == "showonly" || !of_type(one, type) ||
           re2::RE2::PartialMatch(one.dotted, expression) == invert || (used_only && !one.used());
  });
  if (format == "prometheus")
    return {200, "text/plain; version=0.0.4; charset=utf-8",
            telemetry::prometheus_text(samples, {}, false, buckets == "summary")};
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    const bool first = a.type == Sample::Type::kHistogram;
    const bool second = b.type == Sample::Type::kHistogram;
    return first != second ? second : a.dotted < b.dotted;
  });
  if (format == "json") return stats_json(context, samples, buckets);
  std::string text;
  for (const Sample& one : samples) {
    text += one.type == Sample::Type::kHistogram
                ? fmt::format("{}: {}\n", one.dotted,
                              histogram_text(interval_of(context, one), one, buckets))
                : fmt::format("{}: {}\n", one.dotted, one.value);
  }
  if (format == "text") return as_text(std::move(text));
  // Names have only letters, digits, dots and the like of an object's name: nothing to escape.
  return {200, "text/html; charset=UTF-8",
          "<!doctype html><title>stats</title><pre>" + text + "</pre>\n"};
}

/// From now on counters count from 0, here and in Prometheus; the workers' own go on.
PageResponse reset_counters(const AdminContext& context) {
  for (const Sample& one : telemetry::collect(*context.stats)) {
    if (one.type == Sample::Type::kCounter) (*context.baseline)[one.dotted] = one.value;
  }
  return as_text("OK\n");
}

}  // namespace

void add_stats_pages(std::vector<Page>& out, const AdminContext& context) {
  std::vector<Page::Parameter> parameters = {
      {"filter", "Regular expression (Google re2) for filtering stats by their dotted name"},
      {"histogram_buckets", "One of (cumulative, disjoint, detailed, summary)"},
      {"invert_filter", "Keep what does not match"},
      {"text_readouts", "There are none"},
      {"usedonly", "Only include stats that have been written"}};
  Page prometheus =
      page("/stats/prometheus", "print server stats in prometheus format",
           [context](const PageRequest& request) { return stats(context, request, true); });
  prometheus.parameters = parameters;
  out.push_back(std::move(prometheus));
  parameters.erase(parameters.begin() + 3);
  parameters.push_back({"hidden", "None is; One of (include, exclude, showonly)"});
  parameters.push_back({"type", "One of (All, Counters, Gauges, Histograms, TextReadouts)"});
  parameters.push_back(
      {"format", "Format to use; One of (html, active-html, text, json, prometheus)"});
  Page plain = page("/stats", "print server stats", [context](const PageRequest& request) {
    return stats(context, request, false);
  });
  plain.parameters = parameters;
  out.push_back(std::move(plain));
  out.push_back(action("/reset_counters", "reset all counters to zero",
                       [context](const PageRequest&) { return reset_counters(context); }));
}

std::vector<Page> metrics_pages(const AdminContext& context) {
  auto dropped = std::make_shared<std::uint64_t>(0);
  return {page("/metrics", "Prometheus metrics", [context, dropped](const PageRequest& request) {
    const std::string* accept = request.header("accept");
    const bool open =
        accept != nullptr && accept->find("application/openmetrics-text") != std::string::npos;
    std::vector<Metric> extra =
        context.extra_metrics ? context.extra_metrics() : std::vector<Metric>();
    for (Metric& one : process_metrics(context)) extra.push_back(std::move(one));
    telemetry::ScrapeOptions options;
    options.open_metrics = open;
    options.baseline = context.baseline.get();
    for (const auto& [name, value] : context.options) {
      const std::size_t slash = value.find('/');
      if (name == "gateway" && slash != value.npos)
        options.gateway = {"gateway_networking_k8s_io_gateway_name", value.substr(slash + 1)};
    }
    telemetry::Scrape scrape =
        telemetry::scrape(*context.stats, server_samples(context), extra, options, *dropped);
    *dropped += scrape.dropped;
    return PageResponse{200,
                        open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8",
                        std::move(scrape.text)};
  })};
}

}  // namespace tidegate::proxy::admin
