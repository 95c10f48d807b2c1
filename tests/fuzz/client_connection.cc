#include <algorithm>
#include <chrono>

#include "tests/fuzz/gateway.h"
#include "tests/fuzz/peers.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {
namespace {

/// A client that says what the script says, and hears what it gets.
class Client final : public Peer {
 public:
  Client() : answers([this](std::size_t i) { return method_of(i); }) {}
  void hear(std::string_view bytes) override { answers.hear(bytes); }
  void ended() override { answers.ended(); }

  const Gateway* gateway = nullptr;
  Answers answers;

 private:
  std::string method_of(std::size_t i) const {
    return gateway && i < gateway->accepted().size() ? gateway->accepted()[i].method : "";
  }
};

/// A backend gets what the client has asked for, each of it once; twice what is mirrored.
void check_seen(const Seen& seen, const Gateway& gateway) {
  must(seen.size() <= gateway.sent(), "a backend sees no more requests than we have sent");
  for (const Gateway::Accepted& one : seen) {
    must(!one.path.starts_with("/authorization") ||
             one.path.find_first_of("/?", 1) != std::string_view("/authorization").size(),
         "what nobody has allowed goes nowhere");
    const auto all = std::count(seen.begin(), seen.end(), one);
    const auto asked = std::count(gateway.accepted().begin(), gateway.accepted().end(), one);
    must(all <= (one.path.starts_with("/mirrored") ? 2 * asked : asked),
         "a backend sees what has been asked for, once");
  }
}

}  // namespace

/// A client's whole side of a connection, over HTTP/1 or HTTP/2 as its bytes say, through the real
/// server, routes and pools to backends that do as they should.
/// Steps: c, its bytes; t, time passes (by the first byte, in steps of 100 ms); w, it does not take
/// answers; r, it does again; e, it ends its side; x, it resets.
void client_connection(std::string_view bytes) {
  Seen seen;
  Client client;
  Gateway gateway(client, [&seen](bool http2) {
    return http2 ? honest_http2_backend(seen) : honest_http1_backend(seen);
  });
  client.gateway = &gateway;
  for (const Step& step : steps(bytes, 'c')) {
    if (step.kind == 't') {
      const auto tenths = step.bytes.empty() ? 1 : static_cast<unsigned char>(step.bytes[0]);
      gateway.pass(std::chrono::milliseconds(100) * tenths);
    } else if (step.kind == 'w' || step.kind == 'r') {
      client.listens = step.kind == 'r';
    } else if (step.kind == 'e') {
      client.leaves = true;
    } else if (step.kind == 'x') {
      client.resets = true;
    } else {
      client.out += step.bytes;
    }
    gateway.turn();
  }
  gateway.finish();
  check_seen(seen, gateway);
  must(client.answers.http2() || client.answers.whole() <= gateway.accepted().size() + 1,
       "what is no request is answered once");
}

}  // namespace tidegate::fuzz
