#include "proxy/exchange/client.h"

#include <catch2/catch.hpp>

using namespace tidegate;
using namespace tidegate::proxy;
using exchange::Client;

namespace {

struct Case {
  HttpOptions options;
  std::vector<std::string> lines;  // X-Forwarded-For
  std::string peer = "203.0.113.9";

  Client find() {
    facts.remote_ip = peer;
    fields.clear();
    for (const std::string& line : lines) fields.append("X-Forwarded-For", line);
    CidrTable trusted;
    for (const std::string& one : options.trusted_cidrs) trusted.add(*parse_cidr(one).cidr, 0);
    return exchange::find_client(fields, facts, options, trusted);
  }
  http::Fields fields;
  net::ConnectionFacts facts;
};

}  // namespace

TEST_CASE("without trust the client is the peer", "[client]") {
  Case one;
  one.lines = {"192.0.2.1, 192.0.2.2"};
  CHECK(one.find().ip == "203.0.113.9");
  one.lines.clear();
  CHECK_FALSE(one.find().internal);
  one.peer = "10.1.2.3";
  CHECK(one.find().internal);
  one.lines = {"192.0.2.1"};
  CHECK_FALSE(one.find().internal);
}

TEST_CASE("trusted hops are counted from the right", "[client]") {
  Case one;
  one.lines = {"192.0.2.1,192.0.2.2", "192.0.2.3"};
  one.options.trusted_hops = 1;
  CHECK(one.find().ip == "192.0.2.3");
  one.options.trusted_hops = 3;
  CHECK(one.find().ip == "192.0.2.1");
  one.options.trusted_hops = 4;
  CHECK(one.find().ip == "203.0.113.9");
  one.options.trusted_hops = 1;
  one.options.use_remote_address = false;
  CHECK(one.find().ip == "192.0.2.2");
  one.options.trusted_hops = 0;
  CHECK(one.find().ip == "192.0.2.3");
  one.lines = {"not an address"};
  CHECK(one.find().ip == "203.0.113.9");
}

TEST_CASE("trusted ranges are walked until a stranger", "[client]") {
  Case one;
  one.options.use_remote_address = false;
  one.options.trusted_cidrs = {"203.0.113.0/24", "10.0.0.0/8"};
  one.lines = {"192.0.2.66, 192.0.2.1, 10.0.0.7"};
  CHECK(one.find().ip == "192.0.2.1");
  one.peer = "198.51.100.1";
  CHECK(one.find().ip == "198.51.100.1");
}

TEST_CASE("X-Forwarded-Client-Cert follows its mode", "[client]") {
  using Mode = ClientCertForwarding::Mode;
  net::ConnectionFacts plain;
  net::ConnectionFacts mutual;
  net::CertificateFacts peer;
  peer.fingerprint_256 = "ab";
  peer.subject = "CN=a \"b\"";
  peer.uri_sans = {"spiffe://a"};
  peer.dns_sans = {"a.example"};
  mutual.peer = std::make_shared<net::CertificateFacts>(peer);
  mutual.peer_verified = true;
  auto after = [](const net::ConnectionFacts& facts, ClientCertForwarding how) {
    Arena arena;
    http::Fields fields;
    fields.append("X-Forwarded-Client-Cert", "Hash=forged");
    exchange::forward_client_certificate(fields, facts, how, arena);
    return std::string(fields.get("x-forwarded-client-cert"));
  };
  ClientCertForwarding how;
  CHECK(after(mutual, how).empty());
  how.mode = Mode::kForwardOnly;
  CHECK(after(plain, how).empty());
  CHECK(after(mutual, how) == "Hash=forged");
  how.mode = Mode::kAlwaysForwardOnly;
  CHECK(after(plain, how) == "Hash=forged");
  how.mode = Mode::kSanitizeSet;
  how.subject = how.uri = how.dns = true;
  CHECK(after(plain, how).empty());
  CHECK(after(mutual, how) == "Hash=ab;Subject=\"CN=a \\\"b\\\"\";URI=spiffe://a;DNS=a.example");
  how = {};
  how.mode = Mode::kAppendForward;
  CHECK(after(mutual, how) == "Hash=forged,Hash=ab");
}
