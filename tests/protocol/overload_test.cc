#include <catch2/catch.hpp>

#include "proxy/server/overload_manager.h"

namespace tidegate::proxy::server {

TEST_CASE("what is refused goes by the memory in use, and ends lower than it began", "[overload]") {
  constexpr std::uint64_t kLimit = 1000;
  Overload overload;
  std::uint64_t closed = 0;
  OverloadManager manager(overload, {kLimit, 3},
                          {[&closed](std::uint64_t bytes) { closed += bytes; }, [] {}});
  const auto now = std::chrono::steady_clock::now();
  auto look = [&](std::uint64_t bytes) { manager.look(bytes, now); };

  look(500);
  CHECK_FALSE(overload.shrink_heap);
  CHECK(overload.memory_percent == 50);
  look(720);
  CHECK(overload.shrink_heap);
  CHECK_FALSE(overload.stop_accepting_requests);
  look(800);
  CHECK(overload.stop_accepting_requests);
  CHECK_FALSE(overload.reject_incoming_connections);
  look(780);
  CHECK(overload.stop_accepting_requests);
  look(760);
  CHECK_FALSE(overload.stop_accepting_requests);
  look(890);
  CHECK(overload.reject_incoming_connections);
  CHECK(closed == 0);
  look(960);
  CHECK(closed == 110);  // down to 85 %
  bool full = true;
  CHECK_FALSE(overload.admit(full));
  CHECK_FALSE(full);
  look(100);
  CHECK_FALSE(overload.reject_incoming_connections);

  for (int i = 0; i < 3; ++i) CHECK(overload.admit(full));
  CHECK_FALSE(overload.admit(full));
  CHECK(full);
  overload.leave();
  CHECK(overload.admit(full));
}

TEST_CASE("the limits of this machine are found", "[overload]") {
  CHECK(memory_limit() > 16U * 1024 * 1024);
  CHECK(usual_connections_max() > 0);
}

}  // namespace tidegate::proxy::server
