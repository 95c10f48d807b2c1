#include "proxy/tls/hello.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <cerrno>
#include <utility>
#include <vector>

namespace tidegate::proxy::tls {
namespace {

int hello_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// The extension server_name: list length, type 0, name length, name. False: it is malformed.
/// Source: RFC 6066 section 3.
bool extension_name(const unsigned char* at, std::size_t size, std::string& out) {
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

bool hello_name(SSL* ssl, std::string& out) {
  const unsigned char* at = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &size) != 1) return true;
  return extension_name(at, size, out);
}

/// Reads fields off the front; past the end it fails, and stays failed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t number(std::size_t size) {
    std::size_t out = 0;
    for (const char c : take(size)) out = out << 8U | static_cast<unsigned char>(c);
    return out;
  }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  /// What follows its own length.
  std::string_view vector(std::size_t length_size) { return take(number(length_size)); }
  bool empty() const { return bytes_.empty(); }
  bool failed() const { return failed_; }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

constexpr std::size_t kHelloMax = 64 * 1024;
constexpr std::size_t kRecordMax = 16 * 1024;  // RFC 8446 section 5.1

}  // namespace

PeekedHello read_hello(std::string_view bytes) {
  PeekedHello out;
  // The message may be spread over several records. Source: RFC 8446 sections 4, 4.1.2, 5.1.
  std::string message;
  std::size_t message_size = 4;  // until its header is there
  while (message.size() < message_size) {
    Reader record(bytes);
    const std::size_t type = record.number(1);
    const std::size_t major = record.number(1);
    record.take(1);
    const std::size_t size = record.number(2);
    if (!bytes.empty() && static_cast<unsigned char>(bytes[0]) != SSL3_RT_HANDSHAKE) return out;
    if (record.failed()) {
      out.state = PeekedHello::State::kMore;
      return out;
    }
    if (type != SSL3_RT_HANDSHAKE || major != 3 || size == 0 || size > kRecordMax) return out;
    bytes.remove_prefix(5);
    const bool whole = bytes.size() >= size;
    message += bytes.substr(0, size);
    bytes.remove_prefix(std::min(size, bytes.size()));
    if (message.size() >= 4 && message_size == 4) {
      if (message[0] != SSL3_MT_CLIENT_HELLO) return out;
      message_size += Reader(std::string_view(message).substr(1)).number(3);
      if (message_size > kHelloMax) return out;
    }
    if (!whole && message.size() < message_size) {
      out.state = PeekedHello::State::kMore;
      return out;
    }
  }
  Reader hello(std::string_view(message).substr(4, message_size - 4));
  hello.take(2 + 32);  // legacy_version, random
  hello.vector(1);     // legacy_session_id
  hello.vector(2);     // cipher_suites
  hello.vector(1);     // legacy_compression_methods
  Reader extensions(hello.empty() ? std::string_view() : hello.vector(2));
  if (hello.failed() || !hello.empty()) return out;
  std::string name;
  bool seen = false;
  while (!extensions.empty()) {
    const std::size_t type = extensions.number(2);
    const std::string_view body = extensions.vector(2);
    if (extensions.failed()) return out;
    if (type != TLSEXT_TYPE_server_name) continue;
    if (std::exchange(seen, true) ||
        !extension_name(reinterpret_cast<const unsigned char*>(body.data()), body.size(), name))
      return out;
  }
  out.sni = std::move(name);
  out.state = PeekedHello::State::kWhole;
  return out;
}

Task<Result<std::string>> peek_server_name(net::Socket& socket, BufferPool& buffers) {
  BufferPool::Buffer pooled = buffers.take();
  std::vector<char> large;  // where one buffer of the pool is not enough
  char* buffer = pooled.get();
  std::size_t room = BufferPool::kBytes;
  Result<std::string> out = error_code(boost::asio::error::operation_aborted);
  while (socket.is_open()) {
    const ssize_t got = ::recv(socket.fd(), buffer, room, MSG_PEEK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      out = error_code(errno, boost::system::system_category());
      break;
    }
    if (got == 0) {
      out = error_code(boost::asio::error::eof);
      break;
    }
    const auto size = static_cast<std::size_t>(got > 0 ? got : 0);
    PeekedHello hello = read_hello({buffer, size});
    if (hello.state == PeekedHello::State::kWhole) {
      out = std::move(hello.sni);
      break;
    }
    if (hello.state == PeekedHello::State::kMalformed) {
      out = make_error_code(boost::system::errc::bad_message);
      break;
    }
    if (size == room) {
      if (room > kHelloMax) {
        out = make_error_code(boost::system::errc::message_size);
        break;
      }
      large.resize(2 * kHelloMax);
      buffer = large.data();
      room = large.size();
      continue;
    }
    socket.read_exhausted(false);
    if (socket.may_read()) {  // the peer has ended, and there will be no more
      out = error_code(boost::asio::error::eof);
      break;
    }
    if (error_code failed = co_await socket.wait_readable()) {
      out = failed;
      break;
    }
  }
  buffers.give(std::move(pooled));
  co_return out;
}

void attach(SSL* ssl, ServerHello& hello) { SSL_set_ex_data(ssl, hello_index(), &hello); }

int on_client_hello(SSL* ssl, int* alert, void*) {
  auto* hello = static_cast<ServerHello*>(SSL_get_ex_data(ssl, hello_index()));
  if (hello == nullptr || !hello_name(ssl, hello->sni)) {
    *alert = SSL_AD_DECODE_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  SSL_CTX* context = hello->contexts->find(hello->sni);
  if (context == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  ServerContexts::choose(ssl, context);
  return SSL_CLIENT_HELLO_SUCCESS;
}

}  // namespace tidegate::proxy::tls
