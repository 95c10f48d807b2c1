#include "proxy/tls/context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/system/errc.hpp>
#include <new>

#include "proxy/tls/error.h"
#include "proxy/tls/hello.h"
#include "proxy/tls/ticket_keys.h"

namespace tidegate::proxy::tls {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

BioPtr memory(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

ContextPtr fresh_context(const SSL_METHOD* method) {
  ContextPtr context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

error_code use_certificate(SSL_CTX* context, const Certificate& certificate) {
  BioPtr chain = memory(certificate.chain_pem);
  X509Ptr leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return take_error();
  SSL_CTX_clear_chain_certs(context);
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return take_error();
    }
  }
  ERR_clear_error();  // the end of the file
  BioPtr pem = memory(certificate.key_pem.reveal());
  KeyPtr key(PEM_read_bio_PrivateKey(
      pem.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return take_error();
  }
  return {};
}

error_code trust(SSL_CTX* context, const std::string& pem, bool ask) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  BioPtr bytes = memory(pem);
  std::size_t count = 0;
  while (X509Ptr one{PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store, one.get());
    if (ask) SSL_CTX_add_client_CA(context, one.get());
    ++count;
  }
  if (count == 0) return take_error();
  ERR_clear_error();
  return {};
}

/// Wire form: each name after its length.
std::string alpn_wire(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out.push_back(static_cast<char>(name.size()));
    out += name;
  }
  return out;
}

/// What a server's context has besides what OpenSSL keeps of it.
struct Kept {
  std::string alpn;    // wire form
  std::string groups;  // empty: OpenSSL's own
  std::string signature_algorithms;
};

/// Keeps it as long as the context.
int kept_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Kept*>(data);
      });
  return index;
}

const Kept* kept_of(SSL_CTX* context) {
  return static_cast<const Kept*>(SSL_CTX_get_ex_data(context, kept_index()));
}

int select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                const unsigned char* offered, unsigned size, void*) {
  const Kept* kept = kept_of(SSL_get_SSL_CTX(ssl));
  if (kept == nullptr || kept->alpn.empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::string* ours = &kept->alpn;
  unsigned char* picked = nullptr;
  const int found =
      SSL_select_next_proto(&picked, out_size, reinterpret_cast<const unsigned char*>(ours->data()),
                            static_cast<unsigned>(ours->size()), offered, size);
  *out = picked;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                         : SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
}

/// What a listener's options restrict.
error_code restrict(SSL_CTX* context, const TlsTermination& to) {
  auto number = [](const std::string& version) {
    return version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
  };
  bool good = true;
  if (!to.min_version.empty())
    good = good && SSL_CTX_set_min_proto_version(context, number(to.min_version)) == 1;
  if (!to.max_version.empty())
    good = good && SSL_CTX_set_max_proto_version(context, number(to.max_version)) == 1;
  // Who names ciphers of one version only means no others.
  const bool named = !to.ciphers.empty() || !to.ciphersuites.empty();
  if (!to.ciphers.empty()) good = good && SSL_CTX_set_cipher_list(context, to.ciphers.c_str()) == 1;
  if (named && to.ciphers.empty())
    good = good && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1;
  if (!to.ciphersuites.empty())
    good = good && SSL_CTX_set_ciphersuites(context, to.ciphersuites.c_str()) == 1;
  if (!to.groups.empty()) good = good && SSL_CTX_set1_groups_list(context, to.groups.c_str()) == 1;
  if (!to.signature_algorithms.empty())
    good = good && SSL_CTX_set1_sigalgs_list(context, to.signature_algorithms.c_str()) == 1;
  return good ? error_code() : take_error();
}

/// What a policy says of connections to endpoints. Source: kgateway TLSParameters.
error_code restrict(SSL_CTX* context, const UpstreamTlsOptions& to) {
  auto number = [](const std::string& version) {
    if (version == "1.0") return TLS1_VERSION;
    if (version == "1.1") return TLS1_1_VERSION;
    return version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
  };
  bool good = true;
  const bool old = to.min_version == "1.0" || to.min_version == "1.1";
  if (old) SSL_CTX_set_security_level(context, 0);  // OpenSSL's own default refuses these versions
  if (!to.min_version.empty())
    good = good && SSL_CTX_set_min_proto_version(context, number(to.min_version)) == 1;
  if (!to.max_version.empty())
    good = good && SSL_CTX_set_max_proto_version(context, number(to.max_version)) == 1;
  if (!to.ciphers.empty()) good = good && SSL_CTX_set_cipher_list(context, to.ciphers.c_str()) == 1;
  if (!to.groups.empty()) good = good && SSL_CTX_set1_groups_list(context, to.groups.c_str()) == 1;
  if (!to.signature_algorithms.empty())
    good = good && SSL_CTX_set1_sigalgs_list(context, to.signature_algorithms.c_str()) == 1;
  if (to.renegotiation) SSL_CTX_clear_options(context, SSL_OP_NO_RENEGOTIATION);
  return good ? error_code() : take_error();
}

/// What all contexts of servers have in common.
ContextPtr server_context() {
  ContextPtr context = fresh_context(TLS_server_method());
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  TicketKeys::share(context.get());
  SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
  return context;
}

/// Sessions are resumed only where certificate and demands on the client are what they were.
void separate_sessions(SSL_CTX* context, const TlsTermination& termination,
                       const std::map<std::string, Certificate>& certificates) {
  std::string identity;
  auto add = [&identity](std::string_view part) {
    identity += part;
    identity += '\0';  // which is in none of them
  };
  for (const std::string& name : termination.certificates) {
    auto found = certificates.find(name);
    if (found != certificates.end()) add(found->second.chain_pem);
  }
  add("client");
  if (termination.client) {
    add(termination.client->ca_pem);
    add(std::to_string(static_cast<int>(termination.client->mode)));
  }
  for (const std::string* part :
       {&termination.min_version, &termination.max_version, &termination.ciphers,
        &termination.ciphersuites, &termination.groups, &termination.signature_algorithms})
    add(*part);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(identity.data(), identity.size(), digest, &size, EVP_sha256(), nullptr);
  SSL_CTX_set_session_id_context(context, digest, SSL_MAX_SID_CTX_LENGTH);
}

}  // namespace

ServerContexts::ServerContexts(std::vector<Entry> entries) : entries_(std::move(entries)) {
  for (const Entry& entry : entries_) by_name_.emplace(entry.hostname, entry.context.get());
  if (entries_.empty()) return;
  beginning_ = server_context();
  SSL_CTX_set_client_hello_cb(beginning_.get(), on_client_hello, nullptr);
}

void ServerContexts::choose(SSL* ssl, SSL_CTX* context) {
  SSL_set_SSL_CTX(ssl, context);  // certificates and ciphers; the rest stays the beginning's
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), SSL_CTX_get_verify_callback(context));
  SSL_set_client_CA_list(ssl, SSL_dup_CA_list(SSL_CTX_get_client_CA_list(context)));
  SSL_set_min_proto_version(ssl, static_cast<int>(SSL_CTX_get_min_proto_version(context)));
  SSL_set_max_proto_version(ssl, static_cast<int>(SSL_CTX_get_max_proto_version(context)));
  const Kept* kept = kept_of(context);
  if (!kept->groups.empty()) SSL_set1_groups_list(ssl, kept->groups.c_str());
  if (!kept->signature_algorithms.empty())
    SSL_set1_sigalgs_list(ssl, kept->signature_algorithms.c_str());
}

SSL_CTX* ServerContexts::find(std::string_view sni) const {
  if (auto found = by_name_.find(sni); found != by_name_.end()) return found->second;
  for (std::size_t dot = sni.find('.', 1); dot != sni.npos; dot = sni.find('.', dot + 1)) {
    std::string wildcard = "*";
    wildcard += sni.substr(dot);
    if (auto found = by_name_.find(wildcard); found != by_name_.end()) return found->second;
  }
  auto found = by_name_.find(std::string_view());
  return found == by_name_.end() ? nullptr : found->second;
}

Result<ContextPtr> make_server_context(const TlsTermination& termination,
                                       const std::map<std::string, Certificate>& certificates) {
  ContextPtr context = server_context();
  if (error_code failed = restrict(context.get(), termination)) return failed;
  separate_sessions(context.get(), termination, certificates);
  bool any = false;
  for (const std::string& name : termination.certificates) {
    auto found = certificates.find(name);
    if (found == certificates.end()) continue;
    if (error_code failed = use_certificate(context.get(), found->second)) return failed;
    any = true;
  }
  if (!any) return make_error_code(boost::system::errc::invalid_argument);
  SSL_CTX_set_ex_data(
      context.get(), kept_index(),
      new Kept{alpn_wire(termination.alpn), termination.groups, termination.signature_algorithms});
  if (termination.client) {
    if (termination.client->mode == ClientValidation::Mode::kRequire) {
      if (error_code failed = trust(context.get(), termination.client->ca_pem, true)) return failed;
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    } else {
      if (error_code failed = trust(context.get(), termination.client->ca_pem, true)) return failed;
      // kOptional: none is as good as a right one; a wrong one is not.
      const bool fallback =
          termination.client->mode == ClientValidation::Mode::kAllowInsecureFallback;
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER,
                         fallback ? +[](int, X509_STORE_CTX*) { return 1; } : nullptr);
    }
  }
  return context;
}

Result<ContextPtr> make_client_context(const UpstreamTls& tls,
                                       const std::map<std::string, Certificate>& certificates) {
  ContextPtr context = fresh_context(TLS_client_method());
  if (tls.ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) return take_error();
  } else if (error_code failed = trust(context.get(), tls.ca_pem, false)) {
    return failed;
  }
  const bool insecure = tls.options && tls.options->insecure;
  SSL_CTX_set_verify(context.get(), insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (tls.options) {
    if (error_code failed = restrict(context.get(), *tls.options)) return failed;
  }
  if (!tls.client_certificate.empty()) {
    auto found = certificates.find(tls.client_certificate);
    if (found == certificates.end()) return make_error_code(boost::system::errc::invalid_argument);
    if (error_code failed = use_certificate(context.get(), found->second)) return failed;
  }
  return context;
}

}  // namespace tidegate::proxy::tls
