#pragma once

#include <functional>

#include "proxy/filters/bodies.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::filters {

/// A body that comes no faster than a rate, in slices of a twentieth of a second.
class SlowBody final : public WrappedBody {
 public:
  SlowBody(http::BodySource& inner, Loop& loop, std::uint64_t bytes_per_second);
  /// Never anything but the end: what is at hand is not due before read() says so.
  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;
  void abandon() override;

 private:
  Loop& loop_;
  std::uint64_t rate_;
  TimerWheel::Clock::time_point due_;  // of the next slice
  http::Chunk held_;                   // of the inner source, not given yet
  bool abandoned_ = false;
  bool ended_ = false;
  Event waited_;
  CallTimer<std::function<void()>> timer_;
};

}  // namespace tidegate::proxy::filters
