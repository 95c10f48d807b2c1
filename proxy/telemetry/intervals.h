#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <unordered_map>

#include "proxy/telemetry/walk.h"

namespace tidegate::proxy::telemetry {

/// What histograms got in the last whole interval, which /stats shows beside what they got since
/// the start. Histograms that are never used cost nothing to keep. Control thread.
class Intervals {
 public:
  static constexpr std::chrono::seconds kInterval{5};  // Envoy's

  Intervals(boost::asio::io_context& io, const StatsStore& stats) : stats_(stats), timer_(io) {}

  /// From now on, for as long as it lives.
  void start();
  /// Ends an interval.
  void tick();
  /// By the dotted name; null: nothing was recorded in it.
  const Buckets* of(const std::string& dotted) const {
    const auto found = last_.find(dotted);
    return found == last_.end() ? nullptr : &found->second;
  }

 private:
  using ByName = std::unordered_map<std::string, Buckets>;

  const StatsStore& stats_;
  boost::asio::steady_timer timer_;
  ByName totals_;  // at the end of the last interval
  ByName last_;    // of those that got something in it
  bool begun_ = false;
};

}  // namespace tidegate::proxy::telemetry
