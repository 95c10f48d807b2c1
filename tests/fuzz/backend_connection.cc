#include <chrono>

#include "tests/fuzz/gateway.h"
#include "tests/fuzz/peers.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {
namespace {

/// What the client asks for, in this order.
struct Asked {
  std::string method, path, body;
};

std::vector<Asked> requests(const std::string& path) {
  return {{"GET", path, ""}, {"HEAD", path, ""}, {"POST", path, "hello"}, {"GET", path, ""}};
}

/// A client that asks as it should, and waits for its answers.
class Client : public Peer {
 public:
  explicit Client(const std::string& path)
      : asked(requests(path)), answers([this](std::size_t i) {
          return i < asked.size() ? asked[i].method : std::string();
        }) {}
  void ended() override { answers.ended(); }
  virtual bool all_answered() const = 0;

  const std::vector<Asked> asked;
  Answers answers;
};

class Http1Client final : public Client {
 public:
  /// `upgrade`: its last request is for a websocket.
  Http1Client(const std::string& path, bool upgrade) : Client(path) {
    for (const Asked& one : asked) {
      out += one.method + " " + one.path + " HTTP/1.1\r\nHost: a\r\n";
      if (!one.body.empty()) out += "Content-Length: " + std::to_string(one.body.size()) + "\r\n";
      if (upgrade && &one == &asked.back()) out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
      out += "\r\n" + one.body;
    }
  }
  void hear(std::string_view bytes) override { answers.hear(bytes); }
  bool all_answered() const override { return answers.whole() == asked.size(); }
};

class Http2Client final : public Client {
 public:
  explicit Http2Client(const std::string& path) : Client(path) {
    peer_.settings();
    for (const Asked& one : asked) {
      test::Http2Peer::Fields fields = test::Http2Peer::get(one.path, "a");
      fields[0].second = one.method;
      const std::int32_t id = peer_.request(fields, !one.body.empty());
      if (!one.body.empty()) peer_.send(id, one.body, true);
      ids_.push_back(id);
    }
    out = peer_.give();
  }
  void hear(std::string_view bytes) override {
    answers.hear(bytes);
    must(peer_.take(bytes), "frames are HTTP/2");
    out += peer_.give();
  }
  bool all_answered() const override {
    auto& peer = const_cast<test::Http2Peer&>(peer_);
    for (const std::int32_t id : ids_) {
      if (!peer.knows(id) || (!peer.heard(id).ended && peer.heard(id).reset < 0)) return false;
    }
    return true;
  }

 private:
  test::Http2Peer peer_{test::Http2Peer::Side::kClient};
  std::vector<std::int32_t> ids_;
};

/// A backend that says what the script says; of what it hears, requests of HTTP/1 must be some.
class Backend final : public Peer {
 public:
  Backend(bool http2, bool changed, std::vector<Backend*>& all)
      : http2_(http2), changed_(changed), all_(all) {
    all_.push_back(this);
  }
  ~Backend() override { std::erase(all_, this); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  void hear(std::string_view bytes) override {
    if (http2_ || raw_) return;
    in_ += bytes;
    Http1Message message;
    while (const auto size = read_strictly(in_, {}, message)) {
      in_.erase(0, *size);
      must(changed_ || message.body == (message.first == "POST" ? "hello" : ""),
           "a body is passed on");
      if ((raw_ = message.upgraded)) break;
    }
  }

 private:
  const bool http2_;
  const bool changed_;  // a service may change requests
  bool raw_ = false;
  std::string in_;
  std::vector<Backend*>& all_;
};

}  // namespace

/// A backend's whole side of its connections, over HTTP/1 or HTTP/2, through the real pools,
/// exchanges and server to a client that does as it should.
/// The first byte says who speaks what: bit 0, the backend HTTP/2; bit 1, the client HTTP/2; bit 2,
/// a client of HTTP/1 asks for a websocket in the end; bit 3, a service of HTTP/2 is asked whether
/// it may; bit 4, one processes it. Then steps: b, bytes of the backend, on its
/// newest connection; o, on its oldest; t, time passes (by the first byte, in steps of 100 ms); e,
/// it ends its newest connection; x, it resets that.
void backend_connection(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto how = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  const bool http2_client = (how & 2U) != 0;
  const bool processed = (how & 24U) == 16;
  const std::string path = (how & 8U) != 0   ? "/authorization"
                           : processed       ? "/processing"
                           : (how & 1U) != 0 ? "/h2"
                                             : "/policies";
  std::unique_ptr<Client> client;
  if (http2_client) {
    client = std::make_unique<Http2Client>(path);
  } else {
    client = std::make_unique<Http1Client>(path, (how & 4U) != 0);
  }
  std::vector<Backend*> backends;
  Gateway gateway(*client, [&backends, processed](bool http2) {
    return std::make_unique<Backend>(http2, processed, backends);
  });
  for (const Step& step : steps(bytes, 'b')) {
    if (step.kind == 't') {
      const auto tenths = step.bytes.empty() ? 1 : static_cast<unsigned char>(step.bytes[0]);
      gateway.pass(std::chrono::milliseconds(100) * tenths);
    } else if (backends.empty()) {
      continue;
    } else if (step.kind == 'e') {
      backends.back()->leaves = true;
    } else if (step.kind == 'x') {
      backends.back()->resets = true;
    } else {
      (step.kind == 'o' ? backends.front() : backends.back())->out += step.bytes;
    }
    gateway.turn();
  }
  // Every backend goes, also those that come then: whoever waits hears of it.
  for (int i = 0; i < 20; ++i) {
    for (Backend* one : backends) one->resets = true;
    gateway.turn();
  }
  must(gateway.over() || client->all_answered() || client->answers.raw(),
       "who waits for a backend that has left hears of it");
  gateway.finish();
}

}  // namespace tidegate::fuzz
