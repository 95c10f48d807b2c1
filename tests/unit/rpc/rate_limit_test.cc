#include "proxy/rpc/rate_limit.h"

#include <catch2/catch.hpp>

#include "proxy/rpc/protobuf.h"
#include "proxy/rpc/struct.h"

using namespace tidegate::proxy::rpc;

TEST_CASE("a rate limit service is told domain and descriptors in order", "[rpc]") {
  const std::string bytes =
      encode_rate_limit("shop", {{{"user", "jane"}, {"path", "/"}}, {{"all", "1"}}});
  ProtoReader reader(bytes);
  REQUIRE(reader.next());
  CHECK(reader.field() == 1);
  CHECK(reader.bytes() == "shop");
  std::vector<std::string> seen;
  while (reader.next()) {
    CHECK(reader.field() == 2);
    ProtoReader descriptor(reader.bytes());
    while (descriptor.next()) {
      ProtoReader entry(descriptor.bytes());
      while (entry.next()) seen.emplace_back(entry.bytes());
    }
    seen.emplace_back(";");
  }
  CHECK(seen == std::vector<std::string>{"user", "jane", "path", "/", ";", "all", "1", ";"});
}

TEST_CASE("a rate limit service's answer is read, and a malformed one refused", "[rpc]") {
  ProtoWriter limit;
  limit.number(1, 300);
  limit.number(2, 2);  // MINUTE
  limit.bytes(3, "slow");
  ProtoWriter reset;
  reset.number(1, 42);
  ProtoWriter status;
  status.number(1, 2);
  status.message(2, limit);
  status.number(3, 7);
  status.message(4, reset);
  ProtoWriter answer;
  answer.number(1, 2);
  answer.message(2, status);
  answer.entry(3, "x-to", "client");
  answer.entry(4, "x-to", "backend");
  answer.bytes(5, "slow down");
  RateLimitResponse out;
  REQUIRE(decode(answer.data(), out));
  CHECK(out.code == RateLimitResponse::Code::kOverLimit);
  REQUIRE(out.statuses.size() == 1);
  CHECK(out.statuses[0].requests_per_unit == 300);
  CHECK(out.statuses[0].window_seconds == 60);
  CHECK(out.statuses[0].name == "slow");
  CHECK(out.statuses[0].remaining == 7);
  CHECK(out.statuses[0].reset_seconds == 42);
  CHECK(out.to_client == RateLimitResponse::Headers{{"x-to", "client"}});
  CHECK(out.to_backend == RateLimitResponse::Headers{{"x-to", "backend"}});
  CHECK(out.body == "slow down");
  for (std::size_t size = 1; size < answer.data().size(); ++size) {
    RateLimitResponse half;
    decode(std::string_view(answer.data()).substr(0, size),
           half);  // says no, or reads less; no more
  }
  RateLimitResponse none;
  CHECK_FALSE(decode("\x12\x05\x01", none));
}

TEST_CASE("a Struct comes back as it went", "[rpc]") {
  boost::json::object nested{{"a", 1.5}, {"b", false}, {"c", nullptr}, {"d", ""}};
  boost::json::object object{{"list", boost::json::array{1.0, "x", nested}}, {"nested", nested}};
  boost::json::object back;
  REQUIRE(decode_struct(encode_struct(object).data(), back));
  CHECK(back == object);
}

TEST_CASE("a Struct that is nested without end is refused", "[rpc]") {
  boost::json::value deep = nullptr;
  for (int i = 0; i < 100; ++i) deep = boost::json::array{deep};
  boost::json::object out;
  CHECK_FALSE(decode_struct(encode_struct({{"deep", deep}}).data(), out));
  CHECK_FALSE(decode_struct("\x0a\x7f", out));
}
