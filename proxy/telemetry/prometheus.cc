#include "proxy/telemetry/prometheus.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>

namespace tidegate::proxy::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// "downstream rq total": a name says what it counts; metrics.md says more.
std::string help_of(const std::string& family) {
  std::string out = family.starts_with("envoy_") ? family.substr(6) : family;
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

MetricFamily& family(std::map<std::string, MetricFamily>& families, const std::string& name,
                     const std::string& help, MetricType type, bool open_metrics) {
  MetricFamily& out = families[name];
  if (!out.name.empty()) return out;
  out.name = name;
  out.help = help;
  out.type = open_metrics && type == MetricType::Counter && !name.ends_with("_total")
                 ? MetricType::Untyped
                 : type;
  return out;
}

}  // namespace

std::string prometheus_text(const std::vector<Sample>& samples, const std::vector<Metric>& extra,
                            bool open_metrics) {
  std::map<std::string, MetricFamily> families;
  for (const Sample& sample : samples) {
    const MetricType type = sample.type == Sample::Type::kCounter ? MetricType::Counter
                            : sample.type == Sample::Type::kGauge ? MetricType::Gauge
                                                                  : MetricType::Histogram;
    MetricFamily& into =
        family(families, sample.family, help_of(sample.family), type, open_metrics);
    ClientMetric& metric = into.metric.emplace_back();
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (type == MetricType::Histogram) {
      std::uint64_t cumulative = 0;
      for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
        cumulative += sample.buckets[i];
        const double bound = i < kHistogramBounds.size() ? kHistogramBounds[i]
                                                         : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({cumulative, bound});
      }
      metric.histogram.sample_count = cumulative;
      metric.histogram.sample_sum = sample.sum;
    } else if (into.type == MetricType::Counter) {
      metric.counter.value = static_cast<double>(sample.value);
    } else if (into.type == MetricType::Gauge) {
      metric.gauge.value = static_cast<double>(sample.value);
    } else {
      metric.untyped.value = static_cast<double>(sample.value);
    }
  }
  for (const Metric& one : extra) {
    const MetricType type = one.type == Metric::Type::kCounter ? MetricType::Counter
                            : one.type == Metric::Type::kGauge ? MetricType::Gauge
                                                               : MetricType::Histogram;
    MetricFamily& into = family(families, one.name, one.help, type, open_metrics);
    ClientMetric& metric = into.metric.emplace_back();
    for (const auto& [name, value] : one.labels) metric.label.push_back({name, value});
    if (type == MetricType::Histogram) {
      for (const auto& [bound, count] : one.buckets)
        metric.histogram.bucket.push_back({count, bound});
      metric.histogram.bucket.push_back({one.count, std::numeric_limits<double>::infinity()});
      metric.histogram.sample_count = one.count;
      metric.histogram.sample_sum = one.value;
      continue;
    }
    (into.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = one.value;
    metric.untyped.value = one.value;
  }
  std::vector<MetricFamily> ordered;
  for (auto& [name, one] : families) {
    // OpenMetrics names a counter's family without the suffix of its samples; the samples are
    // renamed back below.
    ordered.push_back(std::move(one));
  }
  std::string out = prometheus::TextSerializer().Serialize(ordered);
  if (!open_metrics) return out;
  // What differs between the formats is in the comments, and the mark at the end.
  std::string converted;
  for (std::size_t at = 0; at < out.size();) {
    std::size_t end = std::min(out.find('\n', at), out.size());
    std::string line = out.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# TYPE ") || line.starts_with("# HELP ")) {
      if (line.ends_with(" untyped")) line.replace(line.size() - 7, 7, "unknown");
      const std::size_t space = line.find(' ', 7);
      std::string name = line.substr(7, space - 7);
      auto known = families.find(name);
      if (known != families.end() && known->second.type == MetricType::Counter &&
          name.ends_with("_total")) {
        line.erase(space - 6, 6);
      }
    }
    converted += line + "\n";
  }
  return converted + "# EOF\n";
}

}  // namespace tidegate::proxy::telemetry
