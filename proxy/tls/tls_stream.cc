#include "proxy/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <cerrno>
#include <cstring>

#include "proxy/net/facts.h"
#include "proxy/tls/error.h"
#include "proxy/tls/hello.h"
#include "proxy/tls/peer_certificate.h"

namespace tidegate::proxy::tls {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kRecordMax = 16 * 1024;  // RFC 8446 section 5.1

/// Whether the certificate has one of the names, DNS names or URIs. Source: RFC 9525 section 6;
/// BackendTLSPolicy.
bool has_name(X509* certificate, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.find("://") == name.npos) {
      // The subject's common name counts as none, nor does a dot in front stand for any name.
      constexpr unsigned kHow =
          X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
      if (!name.empty() && name.front() != '.' &&
          X509_check_host(certificate, name.data(), name.size(), kHow, nullptr) == 1)
        return true;
      continue;
    }
    auto* all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
      const GENERAL_NAME* one = sk_GENERAL_NAME_value(all, i);
      if (one->type != GEN_URI) continue;
      const ASN1_IA5STRING* uri = one->d.uniformResourceIdentifier;
      found = found ||
              name == std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                       static_cast<std::size_t>(ASN1_STRING_length(uri)));
    }
    GENERAL_NAMES_free(all);
    if (found) return true;
  }
  return false;
}

/// As they are called elsewhere than in OpenSSL: "X25519", "P-256".
std::string group_name(int id) {
  switch (id) {
    case NID_X25519:
      return "X25519";
    case NID_X448:
      return "X448";
    case NID_X9_62_prime256v1:
      return "P-256";
    case NID_secp384r1:
      return "P-384";
    case NID_secp521r1:
      return "P-521";
    default:
      return {};
  }
}

/// What a failed call means, besides "wait". An end without close_notify is not an orderly one.
error_code failure(int reason) {
  if (reason == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  if (reason == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) {
    return errno != 0 ? error_code(errno, boost::system::system_category())
                      : error_code(asio::error::connection_reset);
  }
  return take_error();
}

/// New keys, tickets, and what is refused after the handshake.
void count_own(const SSL* ssl, int what, int) {
  constexpr int kCounted[] = {SSL_CB_ACCEPT_LOOP, SSL_CB_CONNECT_LOOP, SSL_CB_WRITE_ALERT};
  if (std::find(std::begin(kCounted), std::end(kCounted), what) != std::end(kCounted))
    ++static_cast<SocketBio*>(BIO_get_data(SSL_get_rbio(ssl)))->own_messages;
}

}  // namespace

void TlsStream::SslDeleter::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(net::Socket socket, const net::Accepted& accepted)
    : socket_(std::move(socket)) {
  net::begin_facts(socket_, accepted, facts_);
  facts_.tls = true;
}

TlsStream::~TlsStream() = default;

bool TlsStream::attach_socket() {
  BIO* bio = ssl_ ? bytes_.make() : nullptr;
  if (bio == nullptr) return false;
  SSL_set_bio(ssl_.get(), bio, bio);
  return true;
}

Task<error_code> TlsStream::handshake() {
  while (true) {
    if (!socket_.is_open()) co_return error_code(asio::error::operation_aborted);
    ERR_clear_error();
    errno = 0;
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) break;
    const int reason = SSL_get_error(ssl_.get(), done);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) co_return failure(reason);
    if (error_code failed = co_await wait_for(reason)) co_return failed;
  }
  ready_ = true;
  SSL_set_info_callback(ssl_.get(), count_own);
  fill_facts();
  co_return error_code{};
}

Task<error_code> TlsStream::handshake_server(const ServerContexts& contexts) {
  if (contexts.any() == nullptr)
    co_return make_error_code(boost::system::errc::no_such_file_or_directory);
  ssl_.reset(SSL_new(contexts.any()));
  if (!attach_socket()) co_return take_error();
  ServerHello hello{&contexts, {}};
  attach(ssl_.get(), hello);
  SSL_set_accept_state(ssl_.get());
  const error_code failed = co_await handshake();
  facts_.sni = std::move(hello.sni);
  co_return failed;
}

Task<error_code> TlsStream::handshake_client(SSL_CTX& context, std::string_view alpn,
                                             const UpstreamTls& tls) {
  ssl_.reset(SSL_new(&context));
  if (!attach_socket()) co_return take_error();
  if (!tls.sni.empty()) SSL_set_tlsext_host_name(ssl_.get(), tls.sni.c_str());
  if (!alpn.empty()) {
    // What we speak; other names only where a policy wants those and not ours.
    std::string wire;
    auto add = [&wire](std::string_view name) {
      wire += static_cast<char>(name.size());
      wire += name;
    };
    static const std::vector<std::string> kNone;
    const std::vector<std::string>& wanted = tls.options ? tls.options->alpn : kNone;
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), alpn) != wanted.end()) {
      add(alpn);
    } else {
      for (const std::string& name : wanted) add(name);
    }
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  SSL_set_connect_state(ssl_.get());
  facts_.sni = tls.sni;
  std::vector<std::string> names = tls.sans.empty() ? std::vector<std::string>{tls.sni} : tls.sans;
  if (error_code failed = co_await handshake()) co_return failed;
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  const bool any_name = tls.options && (tls.options->insecure || tls.options->any_name);
  if (!any_name && (certificate == nullptr || !has_name(certificate, names))) {
    close();
    co_return name_mismatch();
  }
  co_return error_code{};
}

void TlsStream::fill_facts() {
  SSL* ssl = ssl_.get();
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &size);
  facts_.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  facts_.tls_version = SSL_get_version(ssl);
  facts_.tls_cipher = SSL_get_cipher_name(ssl);
  facts_.tls_resumed = SSL_session_reused(ssl) == 1;
  if (SSL_is_server(ssl) != 1) return;
  facts_.tls_group = group_name(SSL_get_negotiated_group(ssl));
  if (X509* shown = SSL_get0_peer_certificate(ssl)) {
    facts_.peer = describe_certificate(shown, SSL_get_peer_cert_chain(ssl));
    facts_.peer_verified = SSL_get_verify_result(ssl) == X509_V_OK;
  }
}

Task<Result<std::size_t>> TlsStream::read_some(std::span<char> into) {
  int wants = 0;
  while (true) {
    if (const auto got = try_read(into, wants)) co_return *got;
    if (error_code failed = co_await wait_for(wants)) co_return failed;
  }
}

Task<Result<std::size_t>> TlsStream::read_some(BufferPool& pool, BufferPool::Buffer& buffer) {
  int wants = SSL_ERROR_WANT_READ;
  while (true) {
    if (!socket_.is_open()) co_return error_code(asio::error::operation_aborted);
    if (socket_.may_read() || SSL_has_pending(ssl_.get()) == 1 || wants == SSL_ERROR_WANT_WRITE) {
      if (!buffer) buffer = pool.take();
      if (const auto got = try_read({buffer.get(), BufferPool::kBytes}, wants)) co_return *got;
      pool.give(std::move(buffer));  // a part of a record, or what is not for us
    }
    if (error_code failed = co_await wait_for(wants)) co_return failed;
  }
}

/// nullopt: OpenSSL `wants` something else first.
std::optional<Result<std::size_t>> TlsStream::try_read(std::span<char> into, int& wants) {
  if (!socket_.is_open()) return error_code(asio::error::operation_aborted);
  ERR_clear_error();
  errno = 0;
  const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  if (got > 0) {
    bytes_.own_messages = 0;
    return static_cast<std::size_t>(got);
  }
  wants = SSL_get_error(ssl_.get(), got);
  if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE) return failure(wants);
  return std::nullopt;
}

/// What OpenSSL wants is not there: its reads have said so to the socket.
Task<error_code> TlsStream::wait_for(int reason) {
  if (reason == SSL_ERROR_WANT_READ) co_return co_await socket_.wait_readable();
  socket_.write_exhausted();
  co_return co_await socket_.wait_writable();
}

Task<error_code> TlsStream::wait_readable() {
  char byte;
  while (true) {
    if (!socket_.is_open()) co_return error_code(asio::error::operation_aborted);
    ERR_clear_error();
    const int seen = SSL_peek(ssl_.get(), &byte, 1);
    if (seen > 0 || SSL_get_error(ssl_.get(), seen) != SSL_ERROR_WANT_READ) co_return error_code{};
    if (error_code failed = co_await wait_for(SSL_ERROR_WANT_READ)) co_return failed;
  }
}

Result<std::size_t> TlsStream::try_write(std::span<const asio::const_buffer> pieces) {
  if (!socket_.is_open()) return error_code(asio::error::operation_aborted);
  const char* bytes = nullptr;
  std::size_t size = 0;
  std::size_t total = asio::buffer_size(pieces);
  if (total == 0) return std::size_t{0};
  for (const asio::const_buffer& piece : pieces) {
    if (piece.size() == 0) continue;
    if (bytes == nullptr && (piece.size() >= kRecordMax || piece.size() == total)) {
      bytes = static_cast<const char*>(piece.data());
      size = std::min(piece.size(), kRecordMax);
      break;
    }
    if (bytes == nullptr) {
      record_.resize(std::min(total, kRecordMax));
      bytes = record_.data();
    }
    std::size_t take = std::min(piece.size(), record_.size() - size);
    std::memcpy(record_.data() + size, piece.data(), take);
    size += take;
    if (size == record_.size()) break;
  }
  ERR_clear_error();
  errno = 0;
  const int sent = SSL_write(ssl_.get(), bytes, static_cast<int>(size));
  if (sent > 0) return static_cast<std::size_t>(sent);
  const int reason = SSL_get_error(ssl_.get(), sent);
  if (reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ) {
    socket_.write_exhausted();
    return std::size_t{0};
  }
  return failure(reason);
}

bool TlsStream::write_later(std::span<const asio::const_buffer> pieces) {
  const std::size_t size = asio::buffer_size(pieces);
  if (size > Outbox::kBytesMax) return false;
  bytes_.later = true;
  const Result<std::size_t> sent = try_write(pieces);
  bytes_.later = false;
  return sent && *sent == size;
}

Task<error_code> TlsStream::wait_writable() { co_return co_await socket_.wait_writable(); }

void TlsStream::shutdown_send() {
  ERR_clear_error();
  if (ready_ && socket_.is_open()) SSL_shutdown(ssl_.get());
  socket_.shutdown_send();
}

void TlsStream::cancel() { socket_.cancel(); }

void TlsStream::close() {
  if (!socket_.is_open()) return;
  ERR_clear_error();
  if (ready_ && !(SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN)) SSL_shutdown(ssl_.get());
  socket_.close();
}

bool TlsStream::peer_closed() {
  const int reason = peek();
  return reason != SSL_ERROR_NONE && reason != SSL_ERROR_WANT_READ &&
         reason != SSL_ERROR_WANT_WRITE;
}

bool TlsStream::quiet(bool look) {
  if (!socket_.is_open()) return false;
  if (!look && !socket_.may_read() && !SSL_has_pending(ssl_.get())) return true;
  const int reason = peek();
  return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

net::Socket* TlsStream::rest() {
  if (!socket_.is_open()) return nullptr;
  std::vector<char>().swap(record_);
  // A read in vain, which costs no call of the kernel: OpenSSL lets go of its buffer then.
  char byte;
  ERR_clear_error();
  const int seen = SSL_peek(ssl_.get(), &byte, 1);
  if (seen > 0) return nullptr;
  if (SSL_get_error(ssl_.get(), seen) == SSL_ERROR_WANT_READ) return &socket_;
  shutdown_send();  // nothing comes any more
  close();
  return nullptr;
}

/// SSL_ERROR_NONE: a byte waits. Also takes in session tickets, which are neither that nor an end.
int TlsStream::peek() {
  if (!socket_.is_open()) return SSL_ERROR_ZERO_RETURN;
  char byte;
  ERR_clear_error();
  bytes_.look = true;
  const int reason = SSL_get_error(ssl_.get(), SSL_peek(ssl_.get(), &byte, 1));
  bytes_.look = false;
  return reason;
}

}  // namespace tidegate::proxy::tls
