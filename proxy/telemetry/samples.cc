#include "proxy/telemetry/samples.h"

#include <algorithm>
#include <limits>

namespace tidegate::proxy::telemetry {
namespace {

class Samples final : public MetricSink {
 public:
  std::vector<Sample> all;

  void family(const std::string& name, MetricType type) override {
    family_ = name;
    type_ = type;
  }
  void value(const Owner& owner, std::string_view dotted, const Label* more,
             std::uint64_t value) override {
    begin(owner, dotted, more).value = value;
  }
  void histogram(const Owner& owner, std::string_view dotted, const Buckets& buckets,
                 double sum) override {
    Sample& sample = begin(owner, dotted, nullptr);
    sample.buckets = buckets;
    sample.sum = sum;
  }

 private:
  Sample& begin(const Owner& owner, std::string_view dotted, const Label* more) {
    Sample& sample = all.emplace_back();
    sample.dotted = owner.dotted;
    sample.dotted += dotted;
    sample.family = family_;
    if (more != nullptr) sample.labels.push_back(*more);
    sample.labels.insert(sample.labels.end(), owner.labels.begin(), owner.labels.end());
    sample.type = type_;
    return sample;
  }

  std::string family_;
  MetricType type_ = MetricType::kCounter;
};

}  // namespace

namespace {
std::uint64_t sum_of(const Buckets& buckets) {
  std::uint64_t out = 0;
  for (const std::uint64_t bucket : buckets) out += bucket;
  return out;
}
}  // namespace

std::uint64_t Sample::count() const { return sum_of(buckets); }
double Sample::quantile(double percent) const { return quantile_of(buckets, percent); }

double quantile_of(const Buckets& buckets, double percent) {
  const auto total = static_cast<double>(sum_of(buckets));
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = total * percent / 100;
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto inside = static_cast<double>(buckets[i]);
    const double low = i == 0 ? 0 : kHistogramBounds[i - 1];
    const double high = i < kHistogramBounds.size() ? kHistogramBounds[i] : low;
    if (inside > 0 && below + inside >= wanted)
      return low + (high - low) * std::max(0.0, wanted - below) / inside;
    below += inside;
  }
  return kHistogramBounds.back();
}

void subtract(std::vector<Sample>& samples, const Baseline& baseline) {
  if (baseline.empty()) return;
  for (Sample& sample : samples) {
    if (sample.type != Sample::Type::kCounter) continue;
    auto found = baseline.find(sample.dotted);
    if (found == baseline.end()) continue;
    sample.touched = sample.value != 0;
    sample.value -= std::min(sample.value, found->second);
  }
}

std::vector<Sample> collect(const StatsStore& stats) {
  Samples out;
  walk(stats, out);
  return std::move(out.all);
}

}  // namespace tidegate::proxy::telemetry
