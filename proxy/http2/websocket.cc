#include "proxy/http2/websocket.h"

#include <openssl/evp.h>

namespace tidegate::proxy::http2 {

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) return {};
  unsigned char out[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(out, digest, static_cast<int>(size));
  return {reinterpret_cast<const char*>(out), static_cast<std::size_t>(length)};
}

}  // namespace tidegate::proxy::http2
