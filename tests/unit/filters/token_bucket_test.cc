#include "proxy/filters/token_bucket.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using tidegate::proxy::filters::TokenBucket;
using namespace std::chrono_literals;

TEST_CASE("a bucket is full at first and fills evenly up to what it holds", "[rate_limit]") {
  TokenBucket bucket(3, 1s);
  const std::chrono::nanoseconds start = 1000s;
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(start));
  CHECK_FALSE(bucket.take(start));
  CHECK_FALSE(bucket.take(start + 999ms));
  CHECK(bucket.take(start + 1s));
  CHECK_FALSE(bucket.take(start + 1s));
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(start + 100s));  // never more than three
  CHECK_FALSE(bucket.take(start + 100s));
}

TEST_CASE("a bucket's first second is no different from any other", "[rate_limit]") {
  TokenBucket bucket(1, 1s);
  CHECK(bucket.take(0s));
  CHECK_FALSE(bucket.take(0s));
}

TEST_CASE("threads together take as many tokens as there are", "[rate_limit]") {
  TokenBucket bucket(1000, 1h);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) taken += bucket.take(1000s) ? 1 : 0;
    });
  }
  for (std::thread& one : threads) one.join();
  CHECK(taken == 1000);
}
