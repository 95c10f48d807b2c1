#include "proxy/tls/hello.h"

#include <openssl/err.h>

namespace tidegate::proxy::tls {
namespace {

int contexts_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// server_name of a ClientHello: list length, type 0, name length, name. Source: RFC 6066
/// section 3.
bool hello_name(SSL* ssl, std::string& out) {
  const unsigned char* at = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &size) != 1) return true;
  if (size < 5 || (static_cast<std::size_t>(at[0]) << 8U | at[1]) != size - 2 || at[2] != 0)
    return false;
  const std::size_t length = static_cast<std::size_t>(at[3]) << 8U | at[4];
  if (length != size - 5 || length > 255) return false;
  std::string_view name(reinterpret_cast<const char*>(at + 5), length);
  if (name.find('\0') != name.npos) return false;
  if (name.ends_with('.')) name.remove_suffix(1);
  out = lower(name);
  return true;
}

}  // namespace

void attach(SSL* ssl, const ServerContexts& contexts) {
  SSL_set_ex_data(ssl, contexts_index(), const_cast<ServerContexts*>(&contexts));
}

int on_client_hello(SSL* ssl, int* alert, void*) {
  const auto* contexts = static_cast<const ServerContexts*>(SSL_get_ex_data(ssl, contexts_index()));
  std::string name;
  if (contexts == nullptr || !hello_name(ssl, name)) {
    *alert = SSL_AD_DECODE_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  SSL_CTX* context = contexts->find(name);
  if (context == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (context != SSL_get_SSL_CTX(ssl)) {
    SSL_set_SSL_CTX(ssl, context);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), SSL_CTX_get_verify_callback(context));
    SSL_set_client_CA_list(ssl, SSL_dup_CA_list(SSL_CTX_get_client_CA_list(context)));
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

std::string server_name(SSL* ssl) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return {};
  std::string out = lower(name);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace tidegate::proxy::tls
