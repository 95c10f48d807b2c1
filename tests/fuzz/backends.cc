#include <algorithm>

#include "tests/fuzz/peers.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {
namespace {

bool has(std::string_view path, std::string_view word) { return path.find(word) != path.npos; }

constexpr std::size_t kMuch = 300'000;  // more than the sockets hold

class HonestHttp1 final : public Peer {
 public:
  explicit HonestHttp1(Seen& seen) : seen_(seen) {}

  void hear(std::string_view bytes) override {
    if (left_) return;
    if (raw_) {
      out += bytes;
      return;
    }
    in_ += bytes;
    while (!raw_ && !left_ && next()) continue;
  }

 private:
  bool next() {
    Http1Message message;
    if (!head_is_there(in_, {}, message)) return false;
    if (!noted_) {
      noted_ = true;
      answered_ = false;
      seen_.push_back({message.first, message.field("host"), message.second});
    }
    const std::string_view path = message.second;
    if (!answered_ && has(path, "early")) answer(message);
    const auto size = read_strictly(in_, {}, message);
    if (!size || left_) return false;
    in_.erase(0, *size);
    noted_ = false;
    if (!answered_) answer(message);
    return true;
  }

  void answer(const Http1Message& message) {
    answered_ = true;
    const std::string_view path = message.second;
    if (has(path, "hints")) out += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    if (message.upgraded && has(path, "switch")) {
      out += "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
             message.field("upgrade") + "\r\n\r\n";
      raw_ = true;
      return;
    }
    if (has(path, "none")) {
      out += "HTTP/1.1 204 No Content\r\n\r\n";
    } else {
      const bool head = message.first == "HEAD";
      const std::string body = has(path, "big") ? std::string(kMuch, 'b') : std::string("hello");
      out += "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
      const bool close = has(path, "close") || message.upgraded;
      if (close) out += "Connection: close\r\n";
      if (has(path, "chunked") && !head) {
        out += "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n";
      } else {
        out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
        if (!head) out += body;
      }
      if (!close) return;
      left_ = true;
      leaves = true;
    }
  }

  Seen& seen_;
  std::string in_;
  bool noted_ = false;     // the request that is being read
  bool answered_ = false;  // the same
  bool raw_ = false;
  bool left_ = false;
};

class HonestHttp2 final : public Peer {
 public:
  explicit HonestHttp2(Seen& seen) : seen_(seen) {
    peer_.settings();
    out += peer_.give();
  }

  void hear(std::string_view bytes) override {
    must(peer_.take(bytes), "frames are HTTP/2");
    for (auto id = next_; peer_.knows(id); id += 2) {
      test::Http2Peer::Heard& heard = peer_.heard(id);
      if (heard.reset >= 0 && id == next_) {
        next_ += 2;  // it may have come with the request, whose head is all that we know then
        continue;
      }
      if (!heard.ended || std::find(answered_.begin(), answered_.end(), id) != answered_.end())
        continue;
      answered_.push_back(id);
      Gateway::Accepted request;
      const bool call = heard.field(":path").starts_with("/envoy.service.");  // of the gateway
      if (!call) check_http2_request(heard, request);
      answer(id, request);
      if (!call) seen_.push_back(std::move(request));
    }
    out += peer_.give();
  }

 private:
  void answer(std::int32_t id, const Gateway::Accepted& request) {
    const std::string_view path = request.path;
    if (has(path, "hints")) peer_.inform(id, {{":status", "103"}, {"link", "</a>"}});
    if (has(path, "none") || request.method == "HEAD")
      return peer_.respond(id, {{":status", "204"}});
    peer_.respond(id, {{":status", "200"}, {"content-type", "text/plain"}}, true);
    peer_.send(id, has(path, "big") ? std::string(kMuch, 'b') : std::string("hello"),
               !has(path, "chunked"));
    if (has(path, "chunked")) peer_.end_with(id, {{"x-trailer", "t"}});
    if (!has(path, "close")) return;
    std::int32_t last = id;
    while (peer_.knows(last + 2)) last += 2;  // they are here, and will be answered
    peer_.go_away(last);
  }

  Seen& seen_;
  test::Http2Peer peer_{test::Http2Peer::Side::kServer};
  std::int32_t next_ = 1;
  std::vector<std::int32_t> answered_;
};

}  // namespace

void check_http2_request(const test::Http2Peer::Heard& heard, Gateway::Accepted& out) {
  must(!heard.heads.empty(), "a request has a head");
  std::map<std::string, std::string> pseudo;
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& [name, value] : heard.heads[0]) {
    if (name.starts_with(':')) {
      must(fields.empty(), "pseudo-fields come first");
      must(pseudo.emplace(name, value).second, "a pseudo-field comes once");
      continue;
    }
    check_field(name, value);
    must(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
         "names are in lower case");
    for (const std::string_view no :
         {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host"})
      must(name != no, "no field of HTTP/1's connections");
    must(name != "te" || value == "trailers", "TE says trailers");
    must(name != "content-length" || value == std::to_string(heard.body.size()),
         "a body is as long as is said");
    fields.emplace_back(name, value);
  }
  for (const std::string_view needed : {":method", ":scheme", ":path"})
    must(!pseudo[std::string(needed)].empty(), "a request has its pseudo-fields");
  must(pseudo[":scheme"] == "http", "a scheme is ours");
  check_forwarded(fields);
  for (std::size_t i = 1; i < heard.heads.size(); ++i) {
    for (const auto& [name, value] : heard.heads[i]) check_field(name, value);
  }
  out = {pseudo[":method"], pseudo[":authority"], pseudo[":path"]};
}

std::unique_ptr<Peer> honest_http1_backend(Seen& seen) {
  return std::make_unique<HonestHttp1>(seen);
}
std::unique_ptr<Peer> honest_http2_backend(Seen& seen) {
  return std::make_unique<HonestHttp2>(seen);
}

}  // namespace tidegate::fuzz
