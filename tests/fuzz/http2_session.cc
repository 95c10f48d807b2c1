#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http/characters.h"
#include "proxy/http2/session.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

void check_fields(const http::Fields& fields) {
  for (const http::Field& field : fields) {
    must(!field.name.empty() && http::all_of(field.name, http::kToken),
         "a field's name is a token");
    must(http::all_of(field.value, http::kValue), "a field's value has no control bytes");
    for (const std::string_view framing :
         {"connection", "transfer-encoding", "host", "upgrade", "keep-alive", "proxy-connection"})
      must(field.name != framing, "what frames a message is no field of it");
  }
}

Task<void> answer(std::unique_ptr<http2::Stream> stream) {
  const http::RequestHead& request = stream->request();
  must(http::valid_method(request.method), "a method is valid");
  must(http::valid_authority(request.authority), "an authority is valid");
  must(request.path.empty() || request.path == "*" || http::valid_path(request.path),
       "a path is valid");
  check_fields(request.fields);
  http::ResponseHead head;
  head.status = request.upgrade.empty() ? 200 : 101;
  head.upgrade = request.upgrade;
  head.body.kind = http::BodyLength::Kind::kUnknown;
  const http::Chunk nothing;
  error_code failed = co_await stream->send_head(head, nothing);
  while (!failed) {
    Result<http::Chunk> chunk = co_await stream->read();
    if (!chunk) co_return;
    if (const http::Fields* trailers = chunk->end ? stream->trailers() : nullptr)
      check_fields(*trailers);
    failed = co_await stream->send_body(*chunk);
    if (chunk->end) co_return;
  }
}

Task<void> ask(std::unique_ptr<http2::Stream> stream) {
  http::RequestHead head;
  head.method = "GET";
  head.scheme = "http";
  head.authority = "a";
  head.path = "/";
  const http::Chunk all{{}, true};
  if (co_await stream->send_head(head, all)) co_return;
  while (true) {
    Result<http::ResponseHead*> response = co_await stream->receive_head();
    if (!response) co_return;
    must((*response)->status >= 100 && (*response)->status <= 999, "a status has three digits");
    check_fields((*response)->fields);
    if ((*response)->status >= 200) break;
  }
  while (true) {
    Result<http::Chunk> chunk = co_await stream->read();
    if (!chunk) co_return;
    if (!chunk->end) continue;
    if (const http::Fields* trailers = stream->trailers()) check_fields(*trailers);
    co_return;
  }
}

/// One side of a connection without its socket; whoever is waited for comes never.
class Side final : private http2::Session::Handler {
 public:
  explicit Side(http2::Role role) : session_(role, *this) {
    turn();
    if (role == http2::Role::kServer) return;
    for (int i = 0; i < 3; ++i) {
      if (auto stream = session_.open()) spawn(ask(std::move(stream)));
    }
    turn();
  }
  ~Side() {
    session_.close(make_error_code(boost::system::errc::connection_reset));
    turn();
  }
  /// False: the connection is over.
  bool take(std::string_view bytes) {
    const error_code failed = session_.feed({bytes.data(), bytes.size()});
    turn();
    return !failed;
  }

 private:
  void request(std::unique_ptr<http2::Stream> stream) override { spawn(answer(std::move(stream))); }
  void output_ready() override {}
  void spawn(Task<void> task) { tidegate::spawn(io_, std::move(task)); }
  void turn() {
    std::size_t written = 0;
    do {
      session_.wake();
      io_.restart();
      io_.poll();
      written = session_.output().size();
      session_.consume_output(written);
    } while (written > 0);
    must(session_.buffered_bytes() < 16U << 20U, "a connection's memory has a limit");
  }

  boost::asio::io_context io_;
  http2::Session session_;
};

}  // namespace

/// Frames of HTTP/2, and HPACK in them. The first byte is the role: even, a server that is sent
/// the preface and what follows; odd, a client with three requests open.
void http2_session(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool server = bytes.front() % 2 == 0;
  bytes.remove_prefix(1);
  Side side(server ? http2::Role::kServer : http2::Role::kClient);
  if (server && !side.take("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) return;
  for (const std::string_view piece : pieces(bytes)) {
    if (!side.take(piece)) return;
  }
}

}  // namespace tidegate::fuzz
