#include "proxy/tls/error.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <boost/system/errc.hpp>
#include <string>

namespace tidegate::proxy::tls {
namespace {

constexpr int kNameMismatch = -1;

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    if (value == kNameMismatch) return "the certificate has none of the names asked for";
    const char* reason =
        ERR_reason_error_string(static_cast<unsigned long>(static_cast<unsigned>(value)));
    return reason ? std::string(reason)
                  : "TLS error " + std::to_string(static_cast<unsigned>(value));
  }
};

}  // namespace

const boost::system::error_category& category() {
  static const Category instance;
  return instance;
}

error_code take_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return make_error_code(boost::system::errc::bad_message);
  return {static_cast<int>(static_cast<unsigned>(code)), category()};
}

namespace {
bool has_reason(error_code failed, int reason) {
  return failed.category() == category() && failed.value() != kNameMismatch &&
         ERR_GET_REASON(static_cast<unsigned long>(static_cast<unsigned>(failed.value()))) ==
             reason;
}
}  // namespace

bool is_cut_off(error_code failed) {
  return has_reason(failed, SSL_R_UNEXPECTED_EOF_WHILE_READING);
}
bool is_plain_http(error_code failed) { return has_reason(failed, SSL_R_HTTP_REQUEST); }

error_code name_mismatch() { return {kNameMismatch, category()}; }

}  // namespace tidegate::proxy::tls
