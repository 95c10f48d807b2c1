#include "proxy/tls/ticket_keys.h"

#include <catch2/catch.hpp>

using tidegate::proxy::tls::TicketKeys;
using namespace std::chrono_literals;

TEST_CASE("keys of tickets are renewed, and the ones before open for as long again", "[tls]") {
  TicketKeys keys;
  const auto start = TicketKeys::Clock::time_point() + 1000h;
  const auto first = keys.current(start);
  REQUIRE(first);
  CHECK(first->cipher != first->mac);
  CHECK(keys.current(start + 11h)->name == first->name);

  const auto second = keys.current(start + 12h);
  CHECK(second->name != first->name);
  CHECK(second->cipher != first->cipher);
  REQUIRE(keys.find(first->name, start + 23h));
  CHECK(keys.find(first->name, start + 23h)->cipher == first->cipher);
  CHECK(keys.find(second->name, start + 23h)->mac == second->mac);

  CHECK(!keys.find(first->name, start + 24h));
  CHECK(keys.find(second->name, start + 24h));
  const auto third = keys.current(start + 30h);
  CHECK(third->name != second->name);
  CHECK(!keys.find(first->name, start + 30h));
}

TEST_CASE("a ticket of somebody else's has no key", "[tls]") {
  TicketKeys keys, others;
  const auto now = TicketKeys::Clock::now();
  const auto mine = keys.current(now);
  REQUIRE(mine);
  CHECK(keys.find(mine->name, now));
  CHECK(!others.find(mine->name, now));
  others.current(now);
  CHECK(!others.find(mine->name, now));
}
