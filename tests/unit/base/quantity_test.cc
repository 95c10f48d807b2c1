#include "base/quantity.h"

#include <catch2/catch.hpp>

using namespace tidegate;
using std::chrono::milliseconds;

TEST_CASE("durations and sizes are numbers with a unit", "[base]") {
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("30s") == milliseconds(30000));
  CHECK(parse_duration("2m") == milliseconds(120000));
  CHECK(parse_duration("1h") == milliseconds(3600000));
  CHECK(parse_bytes("1000000") == 1000000U);
  CHECK(parse_bytes("512MiB") == 512UL << 20U);
  CHECK(parse_bytes("1Gi") == 1UL << 30U);
  for (const char* wrong : {"", "s", "30", "3 s", "-1s", "1d", "9999999999s"}) {
    INFO(wrong);
    CHECK(!parse_duration(wrong));
  }
  for (const char* wrong : {"", "MiB", "1MB", "-1", "99999999999GiB", "9999999999999"}) {
    INFO(wrong);
    CHECK(!parse_bytes(wrong));
  }
}
