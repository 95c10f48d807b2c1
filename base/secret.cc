#include "base/secret.h"

#include <openssl/crypto.h>

#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <utility>

namespace tidegate {

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    bytes_ = other.bytes_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = other.bytes_;
    other.wipe();
  }
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
  bytes_.clear();
}

void tag_invoke(const boost::json::value_from_tag&, boost::json::value& out, const Secret&) {
  out = kRedacted;
}

}  // namespace tidegate
