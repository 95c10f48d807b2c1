#include "base/log.h"

#include <catch2/catch.hpp>

using namespace tidegate;
using std::chrono::seconds;

TEST_CASE("a message that traffic causes is written once in a while, and says how many were not",
          "[log]") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(log::due("test/a", start) == 0);
  CHECK_FALSE(log::due("test/a", start + seconds(1)));
  CHECK_FALSE(log::due("test/a", start + seconds(29)));
  CHECK(log::due("test/b", start + seconds(1)) == 0);
  CHECK(log::due("test/a", start + seconds(30)) == 2);
  CHECK_FALSE(log::due("test/a", start + seconds(31)));
  CHECK(log::due("test/a", start + seconds(61)) == 1);
  CHECK(log::kept_back(0).empty());
  CHECK(log::kept_back(2) == " (2 more since the last such message)");
}

TEST_CASE("what is remembered of messages has a bound", "[log]") {
  const auto start = std::chrono::steady_clock::now() + seconds(1000);
  int written = 0;
  for (int i = 0; i < 3000; ++i) written += log::due("many/" + std::to_string(i), start) ? 1 : 0;
  CHECK(written <= 1025);
  CHECK(written >= 1000);
  CHECK(log::due("late", start + seconds(60)) == 0);  // the old ones are forgotten
}
