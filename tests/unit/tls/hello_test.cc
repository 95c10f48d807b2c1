#include "proxy/tls/hello.h"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>
#include <memory>

using namespace tidegate::proxy::tls;
using State = PeekedHello::State;

namespace {

/// What OpenSSL sends first.
std::string client_hello(const char* name) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                            SSL_CTX_free);
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (name != nullptr) SSL_set_tlsext_host_name(ssl.get(), name);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string record(std::string_view body) {
  std::string out{"\x16\x03\x01", 3};
  out += static_cast<char>(body.size() >> 8U);
  out += static_cast<char>(body.size() & 0xffU);
  return out.append(body);
}

}  // namespace

TEST_CASE("the name in a ClientHello") {
  CHECK(read_hello(client_hello("WWW.Example.com")).sni == "www.example.com");
  CHECK(read_hello(client_hello("www.example.com.")).sni == "www.example.com");
  const PeekedHello nameless = read_hello(client_hello(nullptr));
  CHECK(nameless.state == State::kWhole);
  CHECK(nameless.sni.empty());
  // What follows the hello is the client's business.
  CHECK(read_hello(client_hello("a.example.com") + "more").sni == "a.example.com");
}

TEST_CASE("a part of a ClientHello asks for more") {
  const std::string whole = client_hello("a.example.com");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK(read_hello(whole.substr(0, size)).state == State::kMore);
  }
}

TEST_CASE("a ClientHello in several records") {
  const std::string message = client_hello("a.example.com").substr(5);
  for (const std::size_t piece : {1U, 3U, 100U}) {
    std::string bytes;
    for (std::size_t at = 0; at < message.size(); at += piece)
      bytes += record(message.substr(at, piece));
    CHECK(read_hello(bytes).sni == "a.example.com");
    CHECK(read_hello(bytes.substr(0, bytes.size() - 1)).state == State::kMore);
  }
}

TEST_CASE("what is no ClientHello is refused at once") {
  std::string other = client_hello("a.example.com");
  other[5] = 2;  // ServerHello
  std::string old = client_hello("a.example.com");
  old[1] = 2;  // SSL 2
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("\x80\x2e\x01"), other, old,
        std::string("\x16\x03\x01\x00\x00", 5), std::string("\x16\x03\x01\xff\xff", 5),
        std::string("\x15\x03\x01\x00\x02\x02\x28", 7),
        record(std::string("\x01\xff\xff\xff", 4))}) {
    CHECK(read_hello(bytes).state == State::kMalformed);
  }
}

TEST_CASE("lengths that do not fit are refused") {
  const std::string whole = client_hello("a.example.com");
  // Each byte of the message changed in turn: no read past the end, whatever it says.
  for (std::size_t at = 5; at < whole.size(); ++at) {
    for (const char to : {'\x00', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = to;
      read_hello(changed);
    }
  }
  const std::size_t name = whole.find("a.example.com");
  std::string nul = whole;
  nul[name + 1] = '\0';
  CHECK(read_hello(nul).state == State::kMalformed);
  std::string longer = whole;
  longer[name - 1] = '\x7f';
  CHECK(read_hello(longer).state == State::kMalformed);
}
