#include "proxy/runtime/timer_wheel.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

using namespace tidegate::proxy;
using namespace std::chrono_literals;
using Clock = TimerWheel::Clock;

namespace {

const Clock::time_point kStart{std::chrono::hours(1000)};
const Clock::time_point kNever{std::chrono::hours(1'000'000)};

struct Noted final : Timer {
  void expired() override {
    ++times;
    if (then) then();
  }
  int times = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("timers expire when they are due, however far ahead and however the time goes on",
          "[timer]") {
  std::mt19937 random(20261126);
  for (int run = 0; run < 20; ++run) {
    TimerWheel wheel(kStart);
    struct Armed {
      Noted timer;
      Clock::time_point due = kNever;
    };
    std::vector<std::unique_ptr<Armed>> all;
    for (int i = 0; i < 200; ++i) all.push_back(std::make_unique<Armed>());
    Clock::time_point now = kStart;
    for (int turn = 0; turn < 400; ++turn) {
      for (int i = 0; i < 5; ++i) {
        Armed& one = *all[random() % all.size()];
        if (random() % 4 == 0) {
          one.timer.cancel();
          one.due = kNever;
          continue;
        }
        const unsigned scale[] = {50, 9'000, 30'000, 1'000'000, 9'000'000};
        const std::chrono::milliseconds after(random() % scale[random() % 5]);
        wheel.arm(one.timer, after);
        one.due = now + after;
      }
      // Not before the next timer can expire: nothing is due until then.
      const auto rest = wheel.until_next(now);
      for (const auto& one : all) REQUIRE((one->due == kNever || one->due + 20ms >= now + rest));
      const unsigned steps[] = {10, 200, 11'000, 700'000};
      now += random() % 3 == 0 && rest < 1h
                 ? rest
                 : std::chrono::milliseconds(random() % steps[random() % 4] / 10 * 10);
      wheel.advance_to(now);
      for (const auto& one : all) {
        const bool expired = std::exchange(one->timer.times, 0) > 0;
        if (expired) {
          REQUIRE(one->due <= now);
          REQUIRE(!one->timer.armed());
          one->due = kNever;
        } else {
          REQUIRE(one->due + 20ms > now);
          REQUIRE(one->timer.armed() == (one->due != kNever));
        }
      }
    }
  }
}

TEST_CASE("many timers far ahead wake nobody before their round", "[timer]") {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Noted>> idle;
  for (int i = 0; i < 10'000; ++i) {
    idle.push_back(std::make_unique<Noted>());
    wheel.arm(*idle.back(), std::chrono::minutes(60) + std::chrono::milliseconds(i));
  }
  int turns = 0;
  Clock::time_point now = kStart;
  while (now < kStart + 59min) {
    now += wheel.until_next(now);
    wheel.advance_to(now);
    ++turns;
  }
  CHECK(turns < 100);
  wheel.advance_to(kStart + 61min);
  CHECK(std::all_of(idle.begin(), idle.end(), [](const auto& one) { return one->times == 1; }));
}

TEST_CASE("what expires may arm and cancel, itself and others that are due", "[timer]") {
  TimerWheel wheel(kStart);
  Noted again, other, far;
  again.then = [&] {
    other.cancel();
    if (again.times < 3) wheel.arm(again, 0ms);
    wheel.arm(far, 20s);
  };
  wheel.arm(again, 10ms);
  wheel.arm(other, 10ms);
  wheel.advance_to(kStart + 5s);
  CHECK(again.times == 1);
  CHECK(other.times == 0);
  for (int i = 1; i < 5; ++i) wheel.advance_to(kStart + 5s + i * 20ms);
  CHECK(again.times == 3);
  CHECK(far.times == 0);
  wheel.advance_to(kStart + 26s);
  CHECK(far.times == 1);
}
