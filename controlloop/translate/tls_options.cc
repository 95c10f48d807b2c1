#include "controlloop/translate/tls_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string_view>

namespace tidegate::controlloop::translate {
namespace {

constexpr std::string_view kPrefix = "kgateway.dev/";

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
  }
  return out;
}

/// Lists are tried out on a context of their own: only OpenSSL knows what it has.
struct Trial {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()),
                                                            SSL_CTX_free};
  ~Trial() { ERR_clear_error(); }
};

/// Those of a list that `known` takes; the others are warned of.
template <class Known>
std::vector<std::string> known_of(std::string_view list, const std::string& option, Known known,
                                  TlsOptions& out) {
  std::vector<std::string> kept;
  for (std::string& one : split(list)) {
    if (known(one)) {
      kept.push_back(std::move(one));
    } else {
      out.warnings.push_back(
          fmt::format("option {}: {} is not known here, and is left out", option, one));
    }
  }
  if (kept.empty())
    out.error = fmt::format("option {}: nothing in \"{}\" is known here", option, list);
  return kept;
}

// Macros of OpenSSL, as functions.
long set_groups(SSL_CTX* context, const std::string& names) {
  return SSL_CTX_set1_groups_list(context, names.c_str());
}
long set_signature_algorithms(SSL_CTX* context, const std::string& names) {
  return SSL_CTX_set1_sigalgs_list(context, names.c_str());
}

/// A list as OpenSSL writes it, of the names that `set` takes one by one.
template <class Set>
std::string list(std::string_view value, const std::string& option, Set set, TlsOptions& out) {
  Trial trial;
  auto known = [&](const std::string& one) {
    return one.find(':') == one.npos && set(trial.context.get(), one) == 1;
  };
  return fmt::format("{}", fmt::join(known_of(value, option, known, out), ":"));
}

bool has_cipher(const SSL_CTX& context, const std::string& name) {
  const STACK_OF(SSL_CIPHER)* all = SSL_CTX_get_ciphers(&context);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    if (name == SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i))) return true;
  }
  return false;
}

void ciphers(std::string_view list, const std::string& option, TlsOptions& out,
             proxy::TlsTermination& to) {
  Trial trial;
  std::vector<std::string> old;      // TLS 1.2
  std::vector<std::string> current;  // TLS 1.3
  known_of(
      list, option,
      [&](const std::string& name) {
        std::string own = name;
        if (name.starts_with("TLS_")) own = OPENSSL_cipher_name(name.c_str());
        if (own.starts_with("TLS_")) {  // TLS 1.3 has the same names everywhere
          current.push_back(std::move(own));
          return true;
        }
        // A cipher list's own language ("ALL:!MD5") is not for here.
        if (SSL_CTX_set_cipher_list(trial.context.get(), own.c_str()) != 1 ||
            !has_cipher(*trial.context, own))
          return false;
        old.push_back(std::move(own));
        return true;
      },
      out);
  to.ciphers = fmt::format("{}", fmt::join(old, ":"));
  to.ciphersuites = fmt::format("{}", fmt::join(current, ":"));
}

std::string version(std::string_view text) {
  return text == "1.2" || text == "1.3" ? std::string(text) : std::string();
}

}  // namespace

TlsOptions read_tls_options(const std::map<std::string, std::string>& options,
                            proxy::TlsTermination& to) {
  TlsOptions out;
  for (const auto& [option, value] : options) {
    if (!option.starts_with(kPrefix)) {
      out.warnings.push_back(fmt::format("option {} is not known, and has no effect", option));
      continue;
    }
    const std::string_view name = std::string_view(option).substr(kPrefix.size());
    if (name == "min-tls-version" || name == "max-tls-version") {
      std::string& which = name.starts_with("min") ? to.min_version : to.max_version;
      which = version(value);
      if (which.empty()) out.error = fmt::format("option {}: {} is not 1.2 or 1.3", option, value);
    } else if (name == "cipher-suites") {
      ciphers(value, option, out, to);
    } else if (name == "ecdh-curves") {
      to.groups = list(value, option, set_groups, out);
    } else if (name == "signature-algorithms") {
      to.signature_algorithms = list(value, option, set_signature_algorithms, out);
    } else if (name == "alpn-protocols") {
      to.alpn = known_of(
          value, option, [](const std::string& one) { return one == "h2" || one == "http/1.1"; },
          out);
    } else {
      out.error = fmt::format("option {} is not supported", option);
    }
  }
  if (to.min_version == "1.3" && to.max_version == "1.2")
    out.error = "kgateway.dev/min-tls-version is above kgateway.dev/max-tls-version";
  return out;
}

}  // namespace tidegate::controlloop::translate
