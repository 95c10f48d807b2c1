#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "proxy/http/characters.h"
#include "proxy/net/plain_stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/upstream/http1_client.h"
#include "proxy/upstream/http2_client.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

Task<void> attempt(http::ClientStream& stream) {
  http::RequestHead head;
  head.method = "GET";
  head.scheme = "http";
  head.authority = "a";
  head.path = "/";
  const http::Chunk all{{}, true};
  if (co_await stream.send_head(head, all)) co_return;
  while (true) {
    Result<http::ResponseHead*> answer = co_await stream.receive_head();
    if (!answer) co_return;
    must((*answer)->status >= 100 && (*answer)->status <= 599, "a status has three digits");
    for (const http::Field& field : (*answer)->fields)
      must(http::all_of(field.name, http::kToken) && http::all_of(field.value, http::kValue),
           "what is passed on can be written as it is");
    if ((*answer)->status == 101 || (*answer)->status >= 200) break;
  }
  while (true) {
    Result<http::Chunk> chunk = co_await stream.response_body().read();
    if (!chunk || chunk->end) co_return;
  }
}

/// Our connection to a backend that sends the script, in pieces, and leaves.
class Connection {
 public:
  Connection() {
    int ends[2];
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
         "there are sockets");
    backend_ = ends[0];
    stream_ = std::make_unique<net::PlainStream>(net::Socket(loop_.io, ends[1], false));
  }
  ~Connection() { ::close(backend_); }

  void http1(std::string_view script) {
    upstream::Http1Client client(loop_, std::move(stream_), stats_);
    spawn(loop_.io, exchanges(client, done_));
    play(script, 1);
  }
  void http2(std::string_view script) {
    upstream::Http2Client client(std::move(stream_), loop_, stats_);
    client.start();
    int begun = 0;
    for (; begun < 3 && client.usable(); ++begun) spawn(loop_.io, exchange(client.open(), done_));
    play(script, begun);
    client.close();
    poll();
  }

 private:
  /// As the pool does: the next one only where the connection says that it can.
  static Task<void> exchanges(upstream::Http1Client& client, int& done) {
    for (int count = 0; count < 3; ++count) {
      client.begin();
      co_await attempt(client);
      if (!client.reusable() || client.stale(true)) break;
      client.rest();
    }
    ++done;
  }
  static Task<void> exchange(std::unique_ptr<http::ClientStream> stream, int& done) {
    co_await attempt(*stream);
    stream.reset();
    ++done;
  }
  void poll() {
    while (loop_.turn(std::chrono::milliseconds(0)) > 0) continue;
  }
  void play(std::string_view script, int begun) {
    poll();
    char heard[4096];
    for (const std::string_view piece : pieces(script)) {
      if (::send(backend_, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      poll();
      while (::recv(backend_, heard, sizeof heard, 0) > 0) continue;
    }
    ::shutdown(backend_, SHUT_WR);
    for (int turn = 0; turn < 1000 && done_ < begun; ++turn) {
      poll();
      while (::recv(backend_, heard, sizeof heard, 0) > 0) continue;
    }
    must(done_ == begun, "who waits for a backend that has left hears of it");
  }

  Loop loop_{0, 1};
  ClusterStats stats_;
  int backend_ = -1;
  int done_ = 0;
  std::unique_ptr<net::PlainStream> stream_;
};

}  // namespace

/// A backend's whole side of a connection. The first byte is the protocol: even, HTTP/1; odd,
/// HTTP/2.
void upstream_answer(std::string_view bytes) {
  if (bytes.empty()) return;
  Connection connection;
  if (bytes.front() % 2 == 0) {
    connection.http1(bytes.substr(1));
  } else {
    connection.http2(bytes.substr(1));
  }
}

}  // namespace tidegate::fuzz
