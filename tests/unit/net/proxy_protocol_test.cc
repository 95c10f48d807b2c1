#include "proxy/net/proxy_protocol.h"

#include <catch2/catch.hpp>
#include <string>

using namespace tidegate::proxy::net;
using State = ProxyHeader::State;

namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(char command, char family, std::string_view body) {
  std::string out(kSignature);
  out += command;
  out += family;
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size() & 255);
  return out.append(body);
}

ProxyHeader read(std::string_view bytes) { return read_proxy_header({bytes.data(), bytes.size()}); }

std::string text(const std::optional<boost::asio::ip::tcp::endpoint>& at) {
  return at ? at->address().to_string() + " " + std::to_string(at->port()) : "none";
}

}  // namespace

TEST_CASE("version 1 names both ends", "[proxy-protocol]") {
  const std::string head = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n";
  const ProxyHeader header = read(head + "GET / HTTP/1.1\r\n");
  REQUIRE(header.state == State::kWhole);
  CHECK(header.size == head.size());
  CHECK(text(header.source) == "192.0.2.7 4711");
  CHECK(text(header.destination) == "198.51.100.1 443");
  CHECK(text(read("PROXY TCP6 2001:db8::1 ::1 1 2\r\n").source) == "2001:db8::1 1");
  const ProxyHeader unknown = read("PROXY UNKNOWN\r\n");
  CHECK(unknown.state == State::kWhole);
  CHECK_FALSE(unknown.source);
}

TEST_CASE("version 2 names both ends, and its TLVs are passed over", "[proxy-protocol]") {
  std::string body("\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x01\xbb", 12);
  const std::string head = binary(0x21, 0x11, body + std::string("\x04\x00\x01x", 4));
  const ProxyHeader header = read(head + "rest");
  REQUIRE(header.state == State::kWhole);
  CHECK(header.size == head.size());
  CHECK(text(header.source) == "192.0.2.7 4711");
  CHECK(text(header.destination) == "198.51.100.1 443");
  const ProxyHeader local = read(binary(0x20, 0, ""));
  CHECK(local.state == State::kWhole);
  CHECK_FALSE(local.source);
  const ProxyHeader v6 = read(
      binary(0x21, 0x21,
             std::string(15, '\0') + '\x01' + std::string(16, '\0') + std::string("\0\7\0\x9", 4)));
  CHECK(text(v6.source) == "::1 7");
}

TEST_CASE("a header that comes in pieces is waited for", "[proxy-protocol]") {
  const std::string one = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n";
  const std::string two =
      binary(0x21, 0x11, std::string("\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x01\xbb", 12));
  for (const std::string& head : {one, two}) {
    for (std::size_t size = 1; size < head.size(); ++size) {
      CAPTURE(size);
      CHECK(read(std::string_view(head).substr(0, size)).state == State::kPartial);
    }
  }
}

TEST_CASE("what is no header is told from what is a wrong one", "[proxy-protocol]") {
  CHECK(read("GET / HTTP/1.1\r\n").state == State::kAbsent);
  CHECK(read("P").state == State::kPartial);
  CHECK(read("POST / HTTP/1.1\r\n").state == State::kAbsent);
  CHECK(read("\x16\x03\x01").state == State::kAbsent);
  CHECK(read("PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n").state == State::kBad);
  CHECK(read("PROXY TCP4 ::1 ::1 1 2\r\n").state == State::kBad);
  CHECK(read("PROXY TCP4 192.0.2.7 198.51.100.1 4711 70000\r\n").state == State::kBad);
  CHECK(read("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 5\r\n").state == State::kBad);
  CHECK(read("PROXY " + std::string(200, 'x')).state == State::kBad);
  CHECK(read(binary(0x31, 0x11, std::string(12, '\0'))).state == State::kBad);
  CHECK(read(binary(0x22, 0x11, std::string(12, '\0'))).state == State::kBad);
  CHECK(read(binary(0x21, 0x11, std::string(11, '\0'))).state == State::kBad);
  CHECK(read(std::string(kSignature) + "\x21\x11\xff\xff").state == State::kBad);
}
