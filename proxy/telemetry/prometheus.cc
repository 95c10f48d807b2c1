#include "proxy/telemetry/prometheus.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

/// Source: Prometheus, "Exposition formats"; OpenMetrics 1.0.
namespace tidegate::proxy::telemetry {
namespace {

/// "downstream rq total": a name says what it counts; docs/reference/metrics.md says more.
std::string help_of(const std::string& family) {
  std::string out = family.starts_with("envoy_") ? family.substr(6) : family;
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string escaped_help(const std::string& help) {
  std::string out;
  for (const char c : help) out += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
  return out;
}

void append(std::string& to, std::uint64_t number) {
  char text[24];
  to.append(text,
            static_cast<std::size_t>(std::to_chars(text, text + sizeof text, number).ptr - text));
}

/// The shortest text that gives the same number.
void append(std::string& to, double number) {
  char text[32];
  to.append(text,
            static_cast<std::size_t>(std::to_chars(text, text + sizeof text, number).ptr - text));
}

/// What stands above the lines of a family.
void append_head(std::string& to, std::string name, MetricType kind, const std::string& help,
                 bool open_metrics, bool summaries = false) {
  static constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
  const char* type = summaries && kind == MetricType::kHistogram
                         ? "summary"
                         : kTypes[static_cast<std::size_t>(kind)];
  if (open_metrics && kind == MetricType::kCounter) {
    if (name.ends_with("_total")) {
      name.resize(name.size() - 6);
    } else {
      type = "unknown";
    }
  }
  to += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped_help(help), name, type);
}

/// The text of one family after the other; each is there once, whoever adds to it.
class Writer {
 public:
  explicit Writer(bool open_metrics, bool summaries = false)
      : open_metrics_(open_metrics), summaries_(summaries) {}

  /// Where the lines of a family go.
  std::string& family(const std::string& name, MetricType type, const std::string& help) {
    auto [found, fresh] = at_.try_emplace(name, families_.size());
    if (fresh) families_.push_back({name, help, type, {}});
    return families_[found->second].lines;
  }

  static void line(std::string& to, std::string_view name, std::string_view suffix,
                   std::string_view labels, auto value) {
    to.append(name).append(suffix);
    if (!labels.empty()) to.append("{").append(labels).append("}");
    to += ' ';
    append(to, value);
    to += '\n';
  }

  static void histogram(std::string& to, std::string_view name, std::string_view labels,
                        const Buckets& buckets, double sum) {
    static const std::vector<std::string> kBounds = [] {
      std::vector<std::string> out;
      for (const double bound : kHistogramBounds) out.push_back(fmt::format("le=\"{}\"}} ", bound));
      out.emplace_back("le=\"+Inf\"} ");
      return out;
    }();
    std::string head;
    head.append(name).append("_bucket{").append(labels);
    if (!labels.empty()) head += ',';
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      cumulative += buckets[i];
      to.append(head).append(kBounds[i]);
      append(to, cumulative);
      to += '\n';
    }
    line(to, name, "_sum", labels, sum);
    line(to, name, "_count", labels, cumulative);
  }

  void add(const Metric& one) {
    const MetricType type = one.type == Metric::Type::kCounter ? MetricType::kCounter
                            : one.type == Metric::Type::kGauge ? MetricType::kGauge
                                                               : MetricType::kHistogram;
    std::string& to = family(one.name, type, one.help);
    std::string labels;
    for (const Label& label : one.labels) labels += (labels.empty() ? "" : ",") + label_text(label);
    if (type != MetricType::kHistogram) return line(to, one.name, "", labels, one.value);
    const std::string comma = labels.empty() ? "" : ",";
    for (const auto& [bound, count] : one.buckets) {
      line(to, one.name, "_bucket", fmt::format("{}{}le=\"{}\"", labels, comma, bound), count);
    }
    line(to, one.name, "_bucket", labels + comma + "le=\"+Inf\"", one.count);
    line(to, one.name, "_sum", labels, one.value);
    line(to, one.name, "_count", labels, one.count);
  }

  void add(const Sample& one, const std::string& more) {
    std::string& to = family(one.family, one.type, help_of(one.family));
    std::string labels;
    for (const Label& label : one.labels) labels += (labels.empty() ? "" : ",") + label_text(label);
    if (!more.empty()) labels += (labels.empty() ? "" : ",") + more;
    if (one.type == MetricType::kHistogram && summaries_) {
      summary(to, one, labels);
    } else if (one.type == MetricType::kHistogram) {
      histogram(to, one.family, labels, one.buckets, one.sum);
    } else {
      line(to, one.family, "", labels, one.value);
    }
  }

  /// All of it, behind what is in `out` already.
  void finish(std::string& out) const {
    for (const Family& one : families_) {
      if (one.lines.empty()) continue;
      append_head(out, one.name, one.type, one.help, open_metrics_, summaries_);
      out += one.lines;
    }
    if (open_metrics_) out += "# EOF\n";
  }

 private:
  struct Family {
    std::string name, help;
    MetricType type;
    std::string lines;
  };
  static void summary(std::string& to, const Sample& one, const std::string& labels) {
    const std::string comma = labels.empty() ? "" : ",";
    for (const double quantile : {0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0}) {
      line(to, one.family, "", fmt::format("{}{}quantile=\"{:g}\"", labels, comma, quantile),
           one.quantile(quantile * 100));
    }
    line(to, one.family, "_sum", labels, one.sum);
    line(to, one.family, "_count", labels, one.count());
  }

  bool open_metrics_;
  bool summaries_;  // in place of histograms
  std::vector<Family> families_;
  std::unordered_map<std::string, std::size_t> at_;
};

/// Writes a family when it comes, straight into the text: it comes whole.
class ScrapeSink final : public MetricSink {
 public:
  ScrapeSink(std::string& out, const ScrapeOptions& options) : out_(out), options_(options) {
    if (options.gateway) more_ = label_text(*options.gateway);
  }

  void family(const std::string& name, MetricType type) override {
    end();
    name_ = name;
    type_ = type;
    begin_ = out_.size();
    append_head(out_, name, type, help_of(name), options_.open_metrics);
    lines_ = out_.size();
  }
  void value(const Owner& owner, std::string_view dotted, const Label* more,
             std::uint64_t value) override {
    if (type_ == MetricType::kCounter) {
      const std::uint64_t counted = value;
      value -= std::min(value, base(owner, dotted));
      if (counted == 0) return;  // one that was reset stays in view
    }
    if (!room()) return;
    labels_.clear();
    if (more != nullptr) labels_ = label_text(*more);
    for (const std::string_view part :
         {std::string_view(owner.labels_text), std::string_view(more_)}) {
      if (part.empty()) continue;
      if (!labels_.empty()) labels_ += ',';
      labels_ += part;
    }
    Writer::line(out_, name_, "", labels_, value);
  }
  void histogram(const Owner& owner, std::string_view, const Buckets& buckets,
                 double sum) override {
    if (std::all_of(buckets.begin(), buckets.end(), [](auto one) { return one == 0; })) return;
    if (!room()) return;
    labels_ = owner.labels_text;
    if (!more_.empty()) labels_ += (labels_.empty() ? "" : ",") + more_;
    Writer::histogram(out_, name_, labels_, buckets, sum);
  }
  /// A family without a line is not there.
  void end() {
    if (out_.size() == lines_) out_.resize(begin_);
    begin_ = lines_ = out_.size() + 1;
  }
  std::uint64_t dropped() const { return dropped_; }
  const std::string& more() const { return more_; }
  bool room() {
    if (series_ < options_.series_max) return ++series_, true;
    ++dropped_;
    return false;
  }

 private:
  std::uint64_t base(const Owner& owner, std::string_view dotted) const {
    if (options_.baseline == nullptr || options_.baseline->empty()) return 0;
    std::string name = owner.dotted;
    name += dotted;
    const auto found = options_.baseline->find(name);
    return found == options_.baseline->end() ? 0 : found->second;
  }

  std::string& out_;
  const ScrapeOptions& options_;
  std::string more_;
  std::string name_;
  MetricType type_ = MetricType::kCounter;
  std::size_t begin_ = 1, lines_ = 1;  // of the family
  std::string labels_;
  std::size_t series_ = 0;
  std::uint64_t dropped_ = 0;
};

/// About what the series of clusters need: a text that grows is copied again and again, which
/// the first scrape of thousands of them would be seen to do.
std::size_t expected_bytes(const StatsStore& stats) {
  constexpr std::size_t kOfOne = 1024, kOfUsed = 5632, kOfOthers = 64 * 1024UL;
  std::size_t out = kOfOthers;
  for (const auto& [name, workers] : stats.all_clusters()) {
    const bool used = std::any_of(workers.begin(), workers.end(), [](const auto& one) {
      return one->upstream_cx_total.get() != 0;
    });
    out += used ? kOfOne + kOfUsed : kOfOne;
  }
  return out;
}

}  // namespace

std::string prometheus_text(const std::vector<Sample>& samples, const std::vector<Metric>& extra,
                            bool open_metrics, bool summaries) {
  Writer writer(open_metrics, summaries);
  for (const Sample& sample : samples) writer.add(sample, {});
  for (const Metric& one : extra) writer.add(one);
  std::string out;
  writer.finish(out);
  return out;
}

Scrape scrape(const StatsStore& stats, const std::vector<Sample>& server,
              const std::vector<Metric>& extra, const ScrapeOptions& options,
              std::uint64_t dropped_before) {
  Scrape out;
  out.text.reserve(expected_bytes(stats));
  Writer writer(options.open_metrics);
  ScrapeSink sink(out.text, options);
  for (const Sample& one : server) {
    if ((one.used() || one.type == MetricType::kGauge) && sink.room()) writer.add(one, sink.more());
  }
  for (const Metric& one : extra) {
    if (sink.room()) writer.add(one);
  }
  walk(stats, sink);
  sink.end();
  Metric dropped;
  dropped.name = "tidegate_stats_series_dropped_total";
  dropped.help = "series that scrapes left out, there being too many";
  dropped.type = Metric::Type::kCounter;
  dropped.value = static_cast<double>(dropped_before + sink.dropped());
  writer.add(dropped);
  writer.finish(out.text);
  out.dropped = sink.dropped();
  return out;
}

}  // namespace tidegate::proxy::telemetry
