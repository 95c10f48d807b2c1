#pragma once

#include <nghttp2/nghttp2.h>

#include <boost/container/small_vector.hpp>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "proxy/http/fields.h"

namespace tidegate::proxy::http2 {

/// A block of fields as nghttp2 takes it, which copies names (in lower case) and values when it is
/// submitted.
class FieldList {
 public:
  FieldList() = default;
  FieldList(const FieldList&) = delete;
  FieldList& operator=(const FieldList&) = delete;

  void add(std::string_view name, std::string_view value) {
    list_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  /// Up to two of them.
  void add_number(std::string_view name, std::uint64_t number) {
    char* out = numbers_[used_++];
    auto [end, bad] = std::to_chars(out, out + sizeof numbers_[0], number);
    add(name, {out, static_cast<std::size_t>(end - out)});
  }
  /// Without those that HTTP/2 has no place for, should a filter have made one. Source: RFC 9113
  /// section 8.2.2.
  void add_all(const http::Fields& fields) {
    for (const http::Field& field : fields) {
      if (!of_http1(field.name)) add(field.name, field.value);
    }
  }
  const nghttp2_nv* data() const { return list_.data(); }
  std::size_t size() const { return list_.size(); }

  /// Fields that frame or route in HTTP/1.
  static bool of_http1(std::string_view name) {
    using http::iequals;
    switch (name.size()) {
      case 0:
        return true;
      case 2:
        return iequals(name, "te");
      case 4:
        return iequals(name, "host");
      case 7:
        return iequals(name, "upgrade");
      case 10:
        return iequals(name, "connection") || iequals(name, "keep-alive");
      case 14:
        return iequals(name, "content-length");
      case 16:
        return iequals(name, "proxy-connection");
      case 17:
        return iequals(name, "transfer-encoding");
      default:
        return false;
    }
  }

 private:
  static std::uint8_t* bytes(std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  boost::container::small_vector<nghttp2_nv, 32> list_;
  char numbers_[2][24];
  std::size_t used_ = 0;
};

}  // namespace tidegate::proxy::http2
