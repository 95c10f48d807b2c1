#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http2/session.h"
#include "tests/support/http2_peer.h"

namespace tidegate::test {

using namespace proxy;

/// A session of ours, its handler, and a loop for its coroutines. The requests it has got wait in
/// `requests`.
class Side final : private http2::Session::Handler {
 public:
  explicit Side(http2::Role role, const http2::Limits& limits = {})
      : session(role, *this, limits) {}

  /// What a turn of the loop does; what is to be written goes into `written`.
  void turn() {
    session.wake();
    io.restart();
    io.poll();
    while (!session.output().empty()) {
      std::span<const char> out = session.output();
      written.append(out.data(), out.size());
      session.consume_output(out.size());
      asked = false;
      session.wake();
      io.restart();
      io.poll();
    }
  }
  error_code take(std::string_view bytes) {
    error_code failed = session.feed({bytes.data(), bytes.size()});
    turn();
    return failed;
  }
  std::string give() { return std::exchange(written, {}); }
  void spawn(Task<void> task) {
    tidegate::spawn(io, std::move(task));
    turn();
  }

  boost::asio::io_context io;
  http2::Session session;
  std::vector<std::unique_ptr<http2::Stream>> requests;
  std::vector<int> refusals;
  std::string written;
  bool asked = false;

 private:
  void request(std::unique_ptr<http2::Stream> stream) override {
    requests.push_back(std::move(stream));
  }
  void refused(int status) override { refusals.push_back(status); }
  void output_ready() override { asked = true; }
};

/// Our server against a script.
struct Scripted {
  explicit Scripted(const http2::Limits& limits = {}, bool own_windows = false)
      : server(http2::Role::kServer, limits), client(Http2Peer::Side::kClient, own_windows) {
    client.settings();
    settle();
  }
  /// Until neither has more to say. Returns what our side thinks of it.
  error_code settle() {
    while (true) {
      server.turn();
      std::string to_client = server.give();
      if (!to_client.empty()) client.take(to_client);
      std::string to_server = client.give();
      if (!to_server.empty() && !failed) failed = server.take(to_server);
      if (to_client.empty() && to_server.empty()) return failed;
    }
  }
  http2::Stream& request(std::size_t index = 0) { return *server.requests.at(index); }

  Side server;
  Http2Peer client;
  error_code failed;
};

/// Our client against our server.
struct Pair {
  explicit Pair(const http2::Limits& server_limits = {}, const http2::Limits& client_limits = {})
      : server(http2::Role::kServer, server_limits), client(http2::Role::kClient, client_limits) {
    settle();
  }
  void settle() {
    while (true) {
      server.turn();
      client.turn();
      std::string to_client = server.give();
      if (!to_client.empty()) client.take(to_client);
      std::string to_server = client.give();
      if (!to_server.empty()) server.take(to_server);
      if (to_client.empty() && to_server.empty()) return;
    }
  }

  Side server;
  Side client;
};

inline Task<void> send(http2::Stream& stream, http::ResponseHead head, std::string body,
                       bool end = true) {
  const http::Chunk all{{body.data(), body.size()}, end};
  co_await stream.send_head(head, all);
}

/// Reads to the end: the body, then "|" and the trailers, or "!" and the error.
inline Task<void> read_all(http::BodySource& body, std::string& out) {
  while (true) {
    Result<http::Chunk> chunk = co_await body.read();
    if (!chunk) {
      out += "!" + chunk.error().message();
      co_return;
    }
    out.append(chunk->bytes.data(), chunk->bytes.size());
    if (chunk->end) break;
  }
  out += "|";
  if (const http::Fields* trailers = body.trailers()) {
    for (const http::Field& field : *trailers)
      out.append(field.name).append("=").append(field.value).append(";");
  }
}

inline http::ResponseHead ok(http::BodyLength body = {http::BodyLength::Kind::kUnknown, 0}) {
  http::ResponseHead head;
  head.status = 200;
  head.body = body;
  return head;
}

inline http::RequestHead get(std::string_view path = "/") {
  http::RequestHead head;
  head.method = "GET";
  head.scheme = "http";
  head.authority = "example.com";
  head.path = path;
  return head;
}

}  // namespace tidegate::test
