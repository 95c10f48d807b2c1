#include "proxy/telemetry/intervals.h"

#include <algorithm>

#include "base/result.h"

namespace tidegate::proxy::telemetry {
namespace {

/// Has `each` called with the name and the buckets of every histogram that was ever used.
template <class Each>
class Histograms final : public MetricSink {
 public:
  explicit Histograms(Each each) : each_(each) {}
  bool wants(MetricType type) const override { return type == MetricType::kHistogram; }
  void family(const std::string&, MetricType) override {}
  void value(const Owner&, std::string_view, const Label*, std::uint64_t) override {}
  void histogram(const Owner& owner, std::string_view dotted, const Buckets& buckets,
                 double) override {
    if (std::all_of(buckets.begin(), buckets.end(), [](auto one) { return one == 0; })) return;
    name_ = owner.dotted;
    name_ += dotted;
    each_(name_, buckets);
  }

 private:
  Each each_;
  std::string name_;
};

}  // namespace

void Intervals::start() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    tick();
    start();
  });
}

void Intervals::tick() {
  last_.clear();
  Histograms sink([this](const std::string& name, const Buckets& now) {
    auto [found, fresh] = totals_.try_emplace(name, Buckets{});
    Buckets& before = found->second;
    if (now == before) return;
    if (begun_) {
      Buckets& got = last_[name];
      for (std::size_t i = 0; i < now.size(); ++i) got[i] = now[i] - before[i];
    }
    before = now;
  });
  walk(stats_, sink);
  begun_ = true;
}

}  // namespace tidegate::proxy::telemetry
