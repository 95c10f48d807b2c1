#include "proxy/exchange/local_reply.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <string>

using namespace tidegate;
using namespace tidegate::proxy;

namespace {

/// Takes what is sent.
struct Client final : http::ServerStream {
  http::RequestHead head;
  http::NoBody none;
  http::ResponseHead answer;
  std::string body;

  http::RequestHead& request() override { return head; }
  http::BodySource& request_body() override { return none; }
  Task<error_code> send_informational(const http::ResponseHead&) override {
    co_return error_code();
  }
  Task<error_code> send_head(const http::ResponseHead& sent, http::Chunk first) override {
    answer = sent;
    body.assign(first.bytes.data(), first.bytes.size());
    co_return error_code();
  }
  Task<error_code> send_body(http::Chunk) override { co_return error_code(); }
  Task<error_code> send_trailers(const http::Fields&) override { co_return error_code(); }
  void abort() override {}
  void watch_client(Watcher*) override {}
  void let_pause(std::chrono::milliseconds) override {}
};

void answer(Client& client, int status, const std::string& text, Arena& arena) {
  boost::asio::io_context io;
  http::ResponseHead head;
  head.status = status;
  spawn(io, exchange::reply(client, head, text, arena), [](auto, error_code) {});
  io.run();
}

}  // namespace

TEST_CASE("a gRPC call gets its message percent-encoded, and no field beside it", "[grpc]") {
  Client client;
  client.head.version = http::Version::kHttp2;
  client.head.fields.append("content-type", "application/grpc");
  Arena arena;
  answer(client, 403, "no\r\nx-admin: 1 %\xc3\xa9\n", arena);
  CHECK(client.answer.status == 200);
  CHECK(client.answer.fields.get("grpc-status") == "7");
  CHECK(client.answer.fields.get("grpc-message") == "no%0D%0Ax-admin: 1 %25%C3%A9");
  CHECK(client.body.empty());
  Client longer;
  longer.head = client.head;
  answer(longer, 500, std::string(100'000, 'x'), arena);
  CHECK(longer.answer.fields.get("grpc-message").size() == 1024);
}

TEST_CASE("others get the text", "[http]") {
  Client client;
  Arena arena;
  answer(client, 404, "not here\n", arena);
  CHECK(client.answer.status == 404);
  CHECK(client.body == "not here\n");
}
