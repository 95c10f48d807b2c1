#include "proxy/exchange/local_reply.h"

namespace tidegate::proxy::exchange {
namespace {

constexpr std::size_t kMessageMax = 1024;

std::string_view grpc_status(int http_status) {
  switch (http_status) {
    case 400:
      return "13";
    case 401:
      return "16";
    case 403:
      return "7";
    case 404:
      return "12";
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";
    default:
      return "2";
  }
}

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (content_type.substr(0, kType.size()) != kType) return false;
  return content_type.size() == kType.size() || content_type[kType.size()] == '+' ||
         content_type[kType.size()] == ';';
}

/// Percent-encoded, and not longer than a head can take. Source: gRPC over HTTP/2, Status-Message.
std::string_view grpc_message(std::string_view text, Arena& arena) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text.substr(0, kMessageMax)) {
    if (c >= 0x20 && c < 0x7F && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return arena.copy(out);
}

}  // namespace

std::string_view default_text(int status) {
  switch (status) {
    case 400:
      return "bad request\n";
    case 404:
      return "no route for this request\n";
    case 408:
      return "request timeout\n";
    case 413:
      return "request body too large\n";
    case 421:
      return "misdirected request: this connection does not serve that host\n";
    case 500:
      return "the route has no valid backend\n";
    case 502:
      return "the backend failed before it answered\n";
    case 503:
      return "no backend is available\n";
    case 504:
      return "the backend did not answer in time\n";
    default:
      return "";
  }
}

Task<error_code> reply(http::ServerStream& stream, http::ResponseHead& head, std::string_view text,
                       Arena& arena) {
  http::RequestHead& request = stream.request();
  if (request.version == http::Version::kHttp2 && is_grpc(request.fields.get("content-type"))) {
    head.fields.set("content-type", "application/grpc");
    if (!head.fields.has("grpc-status")) {  // a filter may have said it better
      head.fields.append("grpc-status", grpc_status(head.status));
      std::string_view message = text;
      while (message.ends_with('\n')) message.remove_suffix(1);
      if (!message.empty()) head.fields.append("grpc-message", grpc_message(message, arena));
    }
    head.status = 200;
    co_return co_await stream.send_head(head, http::Chunk{{}, true});
  }
  head.body = {http::BodyLength::Kind::kExact, text.size()};
  if (!text.empty() && !head.fields.has("content-type"))
    head.fields.append("content-type", "text/plain; charset=utf-8");
  if (request.is_head()) {
    head.declared_length = static_cast<std::int64_t>(text.size());
    head.body = {};
    text = {};
  }
  co_return co_await stream.send_head(head, http::Chunk{{text.data(), text.size()}, true});
}

}  // namespace tidegate::proxy::exchange
