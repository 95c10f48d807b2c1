#include <catch2/catch.hpp>

#include "proxy/net/preamble.h"
#include "proxy/upstream/dynamic.h"
#include "proxy/upstream/error.h"

using namespace tidegate;
using namespace tidegate::proxy;

TEST_CASE("the PROXY protocol tells who the client is", "[net]") {
  net::ConnectionFacts client;
  client.remote = {boost::asio::ip::make_address("192.0.2.1"), 50000};
  client.local = {boost::asio::ip::make_address("198.51.100.2"), 443};
  CHECK(net::preamble(ProxyProtocol::kV1, &client) ==
        "PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n");
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  CHECK(net::preamble(ProxyProtocol::kV2, &client) ==
        signature + std::string("\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xc3\x50\x01\xbb", 16));
  CHECK(net::preamble(ProxyProtocol::kV1, nullptr) == "PROXY UNKNOWN\r\n");
  CHECK(net::preamble(ProxyProtocol::kV2, nullptr) == signature + std::string("\x20\0\0\0", 4));
  // A socket for both families shows IPv4 clients as mapped addresses.
  client.remote = {boost::asio::ip::make_address("::ffff:192.0.2.1"), 1};
  client.local = {boost::asio::ip::make_address("::ffff:192.0.2.2"), 2};
  CHECK(net::preamble(ProxyProtocol::kV1, &client) == "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  client.remote = {boost::asio::ip::make_address("2001:db8::1"), 1};
  client.local = {boost::asio::ip::make_address("2001:db8::2"), 2};
  CHECK(net::preamble(ProxyProtocol::kV1, &client) == "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n");
  CHECK(net::preamble(ProxyProtocol::kV2, &client).size() == 16 + 36);
}

TEST_CASE("where a request wants to go is read from its authority", "[upstream]") {
  using upstream::destination_of;
  auto is = [](std::string_view authority, bool tls, std::string_view name, int port) {
    const Result<upstream::Destination> got = destination_of(authority, tls);
    return got && got->name == name && got->port == port;
  };
  CHECK(is("Example.COM", false, "example.com", 80));
  CHECK(is("example.com", true, "example.com", 443));
  CHECK(is("example.com:8080", true, "example.com", 8080));
  CHECK(is("[2001:db8::1]:8080", false, "2001:db8::1", 8080));
  CHECK(is("[2001:db8::1]", false, "2001:db8::1", 80));
  for (const char* wrong : {"", ":80", "a:0", "a:65536", "a:x", "[::1", "a:8080x"})
    CHECK(!destination_of(wrong, false));
  CHECK(!destination_of(std::string(254, 'a'), false));
}
