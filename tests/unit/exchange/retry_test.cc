#include "proxy/exchange/retry.h"

#include <catch2/catch.hpp>

#include "proxy/upstream/error.h"

using namespace tidegate;
using namespace tidegate::proxy;
using On = Retry::On;
using std::chrono::milliseconds;

namespace {

http::ResponseHead answer(int status, const char* name = "", const char* value = "") {
  http::ResponseHead out;
  out.status = status;
  if (*name != '\0') out.fields.append(name, value);
  return out;
}

Retry on(std::vector<On> conditions, std::vector<int> statuses = {}) {
  Retry out;
  out.on = std::move(conditions);
  out.on_status = std::move(statuses);
  return out;
}

}  // namespace

TEST_CASE("a status is tried again where a condition or the list of statuses has it", "[retry]") {
  using exchange::retries_answer;
  CHECK(retries_answer(on({On::k5xx}), answer(500)));
  CHECK_FALSE(retries_answer(on({On::k5xx}), answer(404)));
  CHECK(retries_answer(on({}, {404}), answer(404)));
  CHECK(retries_answer(on({On::kGatewayError}), answer(503)));
  CHECK_FALSE(retries_answer(on({On::kGatewayError}), answer(500)));
  CHECK(retries_answer(on({On::kRetriable4xx}), answer(409)));
  CHECK(retries_answer(on({On::kUnavailable}), answer(200, "grpc-status", "14")));
  CHECK_FALSE(retries_answer(on({On::kUnavailable}), answer(200, "grpc-status", "0")));
  CHECK(retries_answer(on({On::kEnvoyRatelimited}), answer(429, "x-envoy-ratelimited", "true")));
}

TEST_CASE("no answer is tried again as the conditions say", "[retry]") {
  using exchange::retries_failure;
  const error_code reset = make_error_code(upstream::Error::kReset);
  const error_code connect = make_error_code(upstream::Error::kConnectFailed);
  CHECK(retries_failure({On::kReset}, reset, true));
  CHECK(retries_failure({On::k5xx}, connect, false));
  CHECK_FALSE(retries_failure({On::kConnectFailure}, reset, true));
  CHECK(retries_failure({On::kConnectFailure}, connect, false));
  CHECK_FALSE(retries_failure({On::kResetBeforeRequest}, reset, true));
  CHECK(retries_failure({On::kResetBeforeRequest}, reset, false));
  CHECK_FALSE(retries_failure({On::kRetriable4xx}, reset, false));
}

TEST_CASE("the pause is jittered over all of it, and never longer than its maximum", "[retry]") {
  Retry retry;
  retry.backoff = milliseconds(20);
  retry.backoff_max = milliseconds(100);
  Random random(7);
  for (int i = 0; i < 100; ++i) {
    CHECK(exchange::pause_before(retry, 1, random) < milliseconds(20));
    CHECK(exchange::pause_before(retry, 2, random) < milliseconds(60));
    CHECK(exchange::pause_before(retry, 9, random) < milliseconds(100));
  }
  retry.backoff_max.reset();
  const milliseconds second = exchange::pause_before(retry, 2, random);
  CHECK(second >= milliseconds(20));
  CHECK(second <= milliseconds(40));
}
