#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "proxy/http/fields.h"

namespace tidegate::proxy::http {

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

/// How long a body is. Exactly known lengths are kept through the proxy, others are framed as the
/// next hop can.
struct BodyLength {
  enum class Kind : std::uint8_t {
    kNone,     // no body at all
    kExact,    // `bytes` of them (0 is possible: "Content-Length: 0")
    kUnknown,  // until its framing says so: chunked, END_STREAM, or close of the connection
  };
  Kind kind = Kind::kNone;
  std::uint64_t bytes = 0;

  bool none() const { return kind == Kind::kNone || (kind == Kind::kExact && bytes == 0); }
  bool operator==(const BodyLength&) const = default;
};

/// A request's head, whatever version it came in or leaves by. Views live as long as the buffer
/// that it was read into, which is until the exchange ends. Source: RFC 9110 sections 6 to 9; RFC
/// 9113 section 8.3.1.
struct RequestHead {
  std::string_view method;     // "GET"; case-sensitive
  std::string_view scheme;     // "http", "https": how it came in, not what it claims
  std::string_view authority;  // Host or :authority, port included as given; valid, may be empty
  std::string_view
      path;  // origin-form with query: "/a/b?c=d"; "*" for OPTIONS *; empty for CONNECT
  Version version = Version::kHttp11;
  BodyLength body;
  std::string_view
      upgrade;  // protocol asked for ("websocket"): Upgrade, or :protocol of extended CONNECT
  bool keep_alive = true;        // HTTP/1: what the sender wants
  bool asked_head = false;       // the method was HEAD when it came in
  bool expect_continue = false;  // Expect: 100-continue
  bool te_trailers = false;      // TE: trailers
  bool chunked = false;          // HTTP/1: how a body of unknown length is framed
  bool names_fields = false;     // HTTP/1: Connection named fields of this hop, which are gone
  Fields fields;

  /// Whether fields may follow the body.
  bool may_trail() const {
    return chunked || (version == Version::kHttp2 && body.kind != BodyLength::Kind::kNone);
  }
  /// The path without its query.
  std::string_view path_only() const { return path.substr(0, path.find('?')); }
  /// What follows '?'; empty where there is none.
  std::string_view query() const {
    auto mark = path.find('?');
    return mark == path.npos ? std::string_view() : path.substr(mark + 1);
  }
  /// The sender waits for an answer without a body, whatever filters have made of the method since.
  bool is_head() const { return asked_head; }
  /// Not by RequestHead(), which would write zeros over the room for fields first.
  void clear() {
    RequestHead none;
    *this = std::move(none);
  }
};

/// A response's head. Source: RFC 9110 section 15.
struct ResponseHead {
  int status = 0;
  Version version = Version::kHttp11;
  BodyLength body;
  /// Content-Length as given where no body follows (answers to HEAD, 304): passed on as a field
  /// would be. -1: none.
  std::int64_t declared_length = -1;
  std::string_view upgrade;  // 101: protocol switched to
  bool keep_alive = true;
  bool chunked =
      false;  // HTTP/1: a body of unknown length that is not chunked ends with the connection
  bool names_fields = false;  // as of a request
  Fields fields;

  void clear() {
    ResponseHead none;
    *this = std::move(none);
  }
};

}  // namespace tidegate::proxy::http
