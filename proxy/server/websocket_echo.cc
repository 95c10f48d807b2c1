#include "proxy/server/websocket_echo.h"

#include <string>

#include "proxy/http2/websocket.h"

namespace tidegate::proxy::server {
namespace {

constexpr std::uint64_t kFrameMax = 1024 * 1024;

/// Takes one whole frame off `in` and appends its answer to `out`. False: more bytes are needed.
/// `close`: the last one.
bool take_frame(std::string& in, std::string& out, bool& close) {
  auto byte = [&in](std::size_t at) { return static_cast<unsigned char>(in[at]); };
  if (in.size() < 2) return false;
  const unsigned opcode = byte(0) & 0x0FU;
  const bool masked = (byte(1) & 0x80U) != 0;
  std::uint64_t length = byte(1) & 0x7FU;
  std::size_t at = 2;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (in.size() < at + extra) return false;
  if (extra != 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8U | byte(at++);
  if (!masked || length > kFrameMax) {
    close = true;  // section 5.1: a client masks
    return false;
  }
  if (in.size() < at + 4 + length) return false;
  std::string payload = in.substr(at + 4, length);
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ in[at + i % 4]);
  const unsigned char first = byte(0);
  in.erase(0, at + 4 + length);
  if (opcode == 0xA) return true;  // pong
  const unsigned char answer = opcode == 0x9 ? 0x8AU : first;
  close = opcode == 0x8;
  out.push_back(static_cast<char>(answer));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else if (payload.size() < 65536) {
    out.push_back(126);
    out.push_back(static_cast<char>(payload.size() >> 8U));
    out.push_back(static_cast<char>(payload.size() & 0xFFU));
  } else {
    out.push_back(127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(payload.size() >> shift & 0xFFU));
  }
  out += payload;
  return true;
}

}  // namespace

Task<void> echo_websocket(http::ServerStream& stream) {
  http::ResponseHead head;
  std::string accept = http2::websocket_accept(stream.request().fields.get("sec-websocket-key"));
  head.status = 101;
  head.upgrade = "websocket";
  head.body.kind = http::BodyLength::Kind::kUnknown;
  head.fields.append("Sec-WebSocket-Accept", accept);
  std::string_view protocols = stream.request().fields.get("sec-websocket-protocol");
  std::string protocol(protocols.substr(0, protocols.find(',')));
  if (!protocol.empty()) head.fields.append("Sec-WebSocket-Protocol", protocol);
  if (co_await stream.send_head(head, {})) {
    stream.abort();
    co_return;
  }
  std::string in;
  bool close = false;
  while (!close) {
    Result<http::Chunk> chunk = co_await stream.request_body().read();
    if (!chunk) break;
    in.append(chunk->bytes.data(), chunk->bytes.size());
    std::string out;
    while (!close && take_frame(in, out, close)) {
    }
    close = close || chunk->end;
    if (co_await stream.send_body({{out.data(), out.size()}, close})) break;
  }
  if (!close) stream.abort();
}

}  // namespace tidegate::proxy::server
