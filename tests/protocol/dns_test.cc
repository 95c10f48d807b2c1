#include "proxy/upstream/dns.h"

#include <catch2/catch.hpp>

#include "tests/protocol/loopback.h"

using namespace tidegate;
using namespace tidegate::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A name server on loopback that has one address for whatever it is asked.
struct NameServer {
  NameServer() : fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    text = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  ~NameServer() { ::close(fd); }

  /// Answers what has come. Source: RFC 1035 section 4.1.
  void turn() {
    std::array<char, 512> bytes;
    while (true) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got =
          ::recvfrom(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 17) return;
      std::string reply(bytes.data(), static_cast<std::size_t>(got));
      std::size_t end = 12;
      while (end < reply.size() && reply[end] != 0)
        end += 1 + static_cast<unsigned char>(reply[end]);
      const bool ipv4 = reply[end + 2] == 1;  // A
      reply.resize(end + 5);                  // without additional records
      reply[2] = static_cast<char>(0x81);
      reply[3] = static_cast<char>(0x80);
      reply[7] = ipv4 ? 1 : 0;  // answers
      reply[11] = 0;
      if (ipv4) {
        ++asked;
        reply += std::string("\xc0\x0c\x00\x01\x00\x01", 6);
        for (int shift = 24; shift >= 0; shift -= 8)
          reply.push_back(static_cast<char>(ttl >> shift & 0xff));
        reply += std::string("\x00\x04", 2) + address;
      }
      ::sendto(fd, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  int fd;
  std::string text;
  std::string address{"\xc0\x00\x02\x01", 4};  // 192.0.2.1
  int ttl = 3600;
  int asked = 0;
};

DnsRefresh refresh(milliseconds time, bool respect_ttl = false, milliseconds jitter = {}) {
  DnsRefresh out;
  out.refresh = time;
  out.respect_ttl = respect_ttl;
  out.jitter = jitter;
  return out;
}

}  // namespace

TEST_CASE("a name is looked up again when its policies say", "[dns]") {
  using upstream::next_look_up;
  CHECK(next_look_up({}, seconds(40), 0) == seconds(40));
  CHECK(next_look_up({}, seconds(0), 0) == seconds(1));
  CHECK(next_look_up({}, seconds(900), 0) == seconds(300));
  CHECK(next_look_up({refresh(seconds(60))}, seconds(5), 0) == seconds(60));
  CHECK(next_look_up({refresh(seconds(60), true)}, seconds(5), 0) == seconds(5));
  CHECK(next_look_up({refresh(seconds(60), true)}, seconds(0), 0) == seconds(1));
  CHECK(next_look_up({refresh(seconds(60), true)}, seconds(90), 0) == seconds(60));
  CHECK(next_look_up({refresh(seconds(60)), refresh(seconds(20))}, seconds(5), 0) == seconds(20));
  const std::vector<DnsRefresh> jittery{refresh(seconds(10), false, milliseconds(500))};
  CHECK(next_look_up(jittery, seconds(5), 0) == seconds(10));
  CHECK(next_look_up(jittery, seconds(5), 500) == milliseconds(10'500));
  CHECK(next_look_up(jittery, seconds(5), 501) == seconds(10));
  CHECK(next_look_up({refresh(milliseconds(0))}, seconds(5), 0) == milliseconds(1));
}

TEST_CASE("an address that changes is seen at the next look-up", "[dns][protocol]") {
  Loop loop(0, 1);
  NameServer server;
  upstream::Resolver resolver(loop.io, nullptr, server.text);
  std::vector<boost::asio::ip::address> seen;
  resolver.watch("backend.example", [&](const auto& addresses) { seen = addresses; });
  auto until = [&](auto fact) { return drive(loop, [&] { server.turn(); }, fact); };
  const auto first = boost::asio::ip::make_address("192.0.2.1");
  REQUIRE(until([&] { return seen == std::vector{first}; }));
  // Its time to live is long: it is not asked for again, until a policy wants it.
  const auto end = std::chrono::steady_clock::now() + milliseconds(150);
  REQUIRE(until([&] { return std::chrono::steady_clock::now() > end; }));
  CHECK(server.asked == 1);
  server.address = std::string("\xc0\x00\x02\x02", 4);
  resolver.refresh("backend.example", {refresh(milliseconds(30))});
  const auto second = boost::asio::ip::make_address("192.0.2.2");
  CHECK(until([&] { return seen == std::vector{second}; }));
  server.address = std::string("\xc0\x00\x02\x03", 4);
  const auto third = boost::asio::ip::make_address("192.0.2.3");
  CHECK(until([&] { return seen == std::vector{third}; }));
  // The policy has gone: the time to live counts again.
  resolver.refresh("backend.example", {});
  const int asked = server.asked;
  CHECK(until([&] { return server.asked > asked; }));
  const auto quiet = std::chrono::steady_clock::now() + milliseconds(150);
  REQUIRE(until([&] { return std::chrono::steady_clock::now() > quiet; }));
  CHECK(server.asked == asked + 1);
}
