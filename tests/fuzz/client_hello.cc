#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "proxy/tls/hello.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy::tls;

namespace {

/// The bytes of the extension server_name, once OpenSSL has read a hello.
int note_name(SSL* ssl, int*, void*) {
  const unsigned char* at = nullptr;
  std::size_t size = 0;
  std::string name;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &size) == 1)
    name.assign(reinterpret_cast<const char*>(at), size);
  *static_cast<std::optional<std::string>*>(SSL_get_app_data(ssl)) = name;
  return SSL_CLIENT_HELLO_ERROR;
}

/// What OpenSSL finds; nothing where it sees no hello.
std::optional<std::string> openssl_name(std::string_view bytes) {
  static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context = [] {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> made(SSL_CTX_new(TLS_server_method()),
                                                           SSL_CTX_free);
    SSL_CTX_set_client_hello_cb(made.get(), note_name, nullptr);
    return made;
  }();
  std::optional<std::string> out;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_app_data(ssl.get(), &out);
  BIO* in = BIO_new(BIO_s_mem());
  BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  SSL_set_bio(ssl.get(), in, BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  return out;
}

}  // namespace

/// A ClientHello that is looked at: in pieces as whole, and with OpenSSL's eyes, so that what is
/// passed through by its name is what its backend will see.
void client_hello(std::string_view bytes) {
  const PeekedHello whole = read_hello(bytes);
  const bool is_whole = whole.state == PeekedHello::State::kWhole;
  if (!is_whole) must(whole.sni.empty(), "what is no hello has no name");
  must(std::none_of(whole.sni.begin(), whole.sni.end(),
                    [](char c) { return c == 0 || (c >= 'A' && c <= 'Z'); }),
       "a name is in lower case");
  std::size_t here = 0;
  for (const std::string_view piece : pieces(bytes)) {
    here += piece.size();
    const PeekedHello part = read_hello(bytes.substr(0, here));
    if (part.state == PeekedHello::State::kMore) continue;
    must(part.state == whole.state && part.sni == whole.sni, "a hello is one, however it comes");
    break;
  }
  const std::optional<std::string> other = openssl_name(bytes);
  if (!other) return;
  must(whole.state != PeekedHello::State::kMore, "what OpenSSL takes for whole is whole");
  if (is_whole && !whole.sni.empty()) {
    std::string name = other->size() > 5 ? other->substr(5) : "";
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (name.ends_with('.')) name.pop_back();
    must(name == whole.sni, "OpenSSL sees the same name");
  }
  if (is_whole && whole.sni.empty()) must(other->size() <= 6, "OpenSSL sees no name either");
}

}  // namespace tidegate::fuzz
