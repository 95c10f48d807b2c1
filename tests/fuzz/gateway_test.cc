#include <catch2/catch.hpp>

#include "tests/fuzz/peers.h"

/// That what the targets for whole connections look at is there.
namespace tidegate::fuzz {
namespace {

struct Client final : Peer {
  Client() : answers([this](std::size_t i) { return gateway->accepted().at(i).method; }) {}
  void hear(std::string_view bytes) override {
    heard += bytes;
    answers.hear(bytes);
  }
  void ended() override { answers.ended(); }

  Gateway* gateway = nullptr;
  Answers answers;
  std::string heard;
};

/// A request of HTTP/1, and what comes of it.
struct One {
  explicit One(const std::string& first, const std::string& rest = "\r\n") {
    Gateway gateway(client, [this](bool http2) {
      return http2 ? honest_http2_backend(seen) : honest_http1_backend(seen);
    });
    client.gateway = &gateway;
    client.out = first + " HTTP/1.1\r\nHost: a\r\n" + rest;
    gateway.turn();
    gateway.finish();
  }
  Seen seen;
  Client client;
};

}  // namespace

TEST_CASE("requests reach backends, and answers the client", "[fuzz]") {
  for (const char* path : {"/", "/h2", "/chunked", "/h2/chunked", "/early", "/big", "/h2/big"}) {
    INFO(path);
    One one(std::string("GET ") + path);
    REQUIRE(one.seen.size() == 1);
    CHECK(one.seen[0] == Gateway::Accepted{"GET", "a", path});
    CHECK(one.client.answers.whole() == 1);
    CHECK(one.client.heard.starts_with("HTTP/1.1 200 "));
  }
  CHECK(One("GET /mirrored").seen.size() == 2);
  CHECK(One("GET /processing").seen.size() == 1);
  const One rewritten("GET /policies/a");
  REQUIRE(rewritten.seen.size() == 1);
  CHECK(rewritten.seen[0].path == "/rewritten/a");
}

TEST_CASE("what is not allowed, or answered at once, reaches none", "[fuzz]") {
  const One denied("GET /authorization");
  CHECK(denied.seen.empty());
  CHECK(denied.client.heard.starts_with("HTTP/1.1 403 "));
  for (const char* path : {"/direct", "/redirect"}) {
    const One one(std::string("GET ") + path);
    CHECK(one.seen.empty());
    CHECK(one.client.answers.whole() == 1);
  }
}

TEST_CASE("other protocols are carried both ways", "[fuzz]") {
  const One one("GET /switch", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\necho");
  CHECK(one.client.answers.raw());
  CHECK(one.client.heard.starts_with("HTTP/1.1 101 "));
  CHECK(one.client.heard.ends_with("\r\n\r\necho"));
}

}  // namespace tidegate::fuzz
