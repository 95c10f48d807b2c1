#include "proxy/filters/slow_body.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <chrono>

namespace tidegate::proxy::filters {
namespace {

constexpr std::uint64_t kSlicesPerSecond = 20;

}  // namespace

SlowBody::SlowBody(http::BodySource& inner, Loop& loop, std::uint64_t bytes_per_second)
    : WrappedBody(inner),
      loop_(loop),
      rate_(std::max<std::uint64_t>(1, bytes_per_second)),
      due_(loop.wheel.now()),
      timer_([this] { waited_.notify(); }) {}

Result<http::Chunk> SlowBody::poll() { return http::Chunk{{}, ended_}; }

Task<Result<http::Chunk>> SlowBody::read() {
  if (ended_) co_return http::Chunk{{}, true};
  if (held_.bytes.empty() && !held_.end) {
    Result<http::Chunk> next = co_await inner_.read();
    if (!next) co_return next.error();
    held_ = *next;
  }
  using Clock = TimerWheel::Clock;
  const Clock::time_point now = loop_.wheel.now();
  if (!held_.bytes.empty() && due_ > now) {
    loop_.wheel.arm(timer_, std::chrono::ceil<std::chrono::milliseconds>(due_ - now));
    co_await waited_.wait();
  }
  if (abandoned_) co_return error_code(boost::asio::error::operation_aborted);
  const std::uint64_t slice = std::max<std::uint64_t>(1, rate_ / kSlicesPerSecond);
  const std::size_t size = std::min<std::size_t>(held_.bytes.size(), slice);
  http::Chunk out{held_.bytes.first(size), held_.end && size == held_.bytes.size()};
  held_.bytes = held_.bytes.subspan(size);
  ended_ = out.end;
  // From when it was due, not from now: the wheel is coarse, the rate shall hold. What was not
  // used in a pause is not saved up.
  const auto cost = std::chrono::nanoseconds(size * 1'000'000'000 / rate_);
  due_ = std::max(due_, now - std::chrono::milliseconds(50)) + cost;
  co_return out;
}

void SlowBody::abandon() {
  abandoned_ = true;
  timer_.cancel();
  waited_.notify_later(loop_.io);
  inner_.abandon();
}

}  // namespace tidegate::proxy::filters
