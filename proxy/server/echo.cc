#include "proxy/server/echo.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstring>

#include "proxy/net/accept.h"
#include "proxy/net/facts.h"
#include "proxy/net/listen.h"
#include "proxy/net/plain_stream.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/server/converse.h"
#include "proxy/server/websocket_echo.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::uint64_t kBodyShown = 64 * 1024;  // more of a body is counted, not shown

/// A number of the query; -1 where it is not there or no number.
std::int64_t number(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] != '=') continue;
    std::string_view digits = part.substr(name.size() + 1);
    std::int64_t value = -1;
    auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (bad == std::errc() && end == digits.data() + digits.size() && value >= 0) return value;
  }
  return -1;
}

/// How many bytes of a valid UTF-8 sequence `text` begins with; 0: it begins with none. Source: RFC
/// 3629 section 4.
std::size_t utf8_length(std::string_view text) {
  auto byte = [&text](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

/// JSON is UTF-8: bytes that are not become U+FFFD.
json::value text(std::string_view view) {
  json::string out;
  while (!view.empty()) {
    const std::size_t length = utf8_length(view);
    out.append(length > 0 ? json::string_view(view.data(), length)
                          : json::string_view("\xEF\xBF\xBD"));
    view.remove_prefix(length > 0 ? length : 1);
  }
  return out;
}

json::object fields_json(const http::Fields& fields) {
  json::object out;
  for (const http::Field& field : fields) {
    std::string name(field.name);
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    json::value& values = out[name];
    if (!values.is_array()) values = json::array();
    values.as_array().push_back(text(field.value));
  }
  return out;
}

std::string address_text(const asio::ip::tcp::endpoint& at) {
  return at.address().to_string() + ":" + std::to_string(at.port());
}

std::string_view version_text(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return "HTTP/1.0";
    case http::Version::kHttp11:
      return "HTTP/1.1";
    default:
      return "HTTP/2.0";
  }
}

Task<void> pass(Loop& loop, std::chrono::milliseconds time) {
  Event over;
  auto notify = [&over] { over.notify(); };
  CallTimer<decltype(notify)> timer(notify);
  loop.wheel.arm(timer, time);
  co_await over.wait();
}

Task<void> answer(Loop& loop, const net::ConnectionFacts& facts, http::ServerStream& stream) {
  http::RequestHead& request = stream.request();
  if (http::iequals(request.upgrade, "websocket")) {
    co_await echo_websocket(stream);
    co_return;
  }
  json::object seen;
  seen["method"] = text(request.method);
  seen["path"] = text(request.path_only());
  seen["query"] = text(request.query());
  seen["host"] = text(request.authority);
  seen["scheme"] = text(request.scheme);
  seen["version"] = text(version_text(request.version));
  seen["headers"] = fields_json(request.fields);
  seen["remote"] = address_text(facts.remote);
  seen["local"] = address_text(facts.local);
  const std::string query(request.query());
  const bool head_only = request.is_head();
  std::string body;
  std::uint64_t received = 0;
  http::BodySource& source = stream.request_body();
  while (true) {
    Result<http::Chunk> chunk = co_await source.read();
    if (!chunk) {
      stream.abort();
      co_return;
    }
    received += chunk->bytes.size();
    if (body.size() < kBodyShown)
      body.append(chunk->bytes.data(), std::min(chunk->bytes.size(), kBodyShown - body.size()));
    if (chunk->end) break;
  }
  seen["body"] = text(body);
  seen["bodyBytes"] = received;
  if (const http::Fields* trailers = source.trailers()) seen["trailers"] = fields_json(*trailers);

  if (std::int64_t delay = number(query, "delay"); delay > 0) {
    co_await pass(loop, std::chrono::milliseconds(std::min<std::int64_t>(delay, 600000)));
  }
  http::ResponseHead head;
  head.status = 200;
  if (std::int64_t status = number(query, "status"); status >= 200 && status <= 599)
    head.status = static_cast<int>(status);
  std::int64_t left = number(query, "bytes");
  std::string out =
      left >= 0 ? std::string(static_cast<std::size_t>(std::min<std::int64_t>(left, 65536)), 'x')
                : json::serialize(seen) + "\n";
  std::uint64_t length = left >= 0 ? static_cast<std::uint64_t>(left) : out.size();
  if (head.status == 204 || head.status == 304) {
    head.body = {};
    if (co_await stream.send_head(head, {{}, true})) stream.abort();
    co_return;
  }
  head.body = {http::BodyLength::Kind::kExact, length};
  head.fields.append("content-type", left >= 0 ? "application/octet-stream" : "application/json");
  if (head_only) {
    head.declared_length = static_cast<std::int64_t>(length);
    head.body = {};
    if (co_await stream.send_head(head, {{}, true})) stream.abort();
    co_return;
  }
  std::uint64_t sent = out.size();
  error_code failed = co_await stream.send_head(head, {{out.data(), out.size()}, sent == length});
  while (!failed && sent < length) {
    std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), length - sent));
    sent += size;
    failed = co_await stream.send_body({{out.data(), size}, sent == length});
  }
  if (failed) stream.abort();
}

}  // namespace

struct EchoServer::Parts {
  HttpStats stats;
  Loop loop{0, 1};
  Task<void> serve(net::Socket socket) {
    net::PlainStream stream(std::move(socket));
    const Terms terms{.exchange = [this, &stream](http::ServerStream& one) {
      return answer(loop, stream.facts(), one);
    }};
    Live live;
    co_await converse(loop, stream, stats, terms, live);
    stream.close();
  }
};

EchoServer::EchoServer() : parts_(std::make_unique<Parts>()) {}
EchoServer::~EchoServer() = default;

Result<asio::ip::tcp::endpoint> EchoServer::listen(const asio::ip::tcp::endpoint& at) {
  Result<int> fd = net::open_listening_socket(at.address(), at.port(), true);
  if (!fd) return fd.error();
  auto listening = std::make_shared<net::Socket>(parts_->loop.io, *fd, true);
  const asio::ip::tcp::endpoint bound = net::local_address(*listening);
  auto serve_one = [parts = parts_.get()](net::Socket accepted, const net::Accepted&) {
    if (accepted.is_open()) spawn(parts->loop.io, parts->serve(std::move(accepted)));
  };
  spawn(parts_->loop.io,
        net::accept_all(parts_->loop.io, parts_->loop.wheel, listening, std::move(serve_one)));
  return bound;
}

void EchoServer::run() { parts_->loop.run(); }

void EchoServer::stop() { parts_->loop.stop(); }

}  // namespace tidegate::proxy::server
