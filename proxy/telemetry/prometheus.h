#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/metric.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::telemetry {

/// Prometheus's text format 0.0.4, or OpenMetrics 1.0, where a counter whose name does not end in
/// _total is of type unknown, so that its name stays. `summaries`: quantiles in place of buckets.
std::string prometheus_text(const std::vector<Sample>& samples, const std::vector<Metric>& extra,
                            bool open_metrics, bool summaries = false);

/// What a scrape is to have.
struct ScrapeOptions {
  bool open_metrics = false;
  const Baseline* baseline = nullptr;  // null: none
  std::optional<Label> gateway;        // a label of all that is Envoy's
  std::size_t series_max = 200'000;    // more of them is left out; a histogram is one
};
struct Scrape {
  std::string text;
  std::uint64_t dropped = 0;  // series that were left out
};
/// All of the store but for counters and histograms that were never used, with `server` and
/// `extra`, whose families are none of the store's, and tidegate_stats_series_dropped_total:
/// `dropped_before` and what this scrape left out. Nothing is copied on the way to the text: a
/// scrape of thousands of clusters is short.
Scrape scrape(const StatsStore& stats, const std::vector<Sample>& server,
              const std::vector<Metric>& extra, const ScrapeOptions& options,
              std::uint64_t dropped_before);

}  // namespace tidegate::proxy::telemetry
