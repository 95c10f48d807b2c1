#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/gateway.h"
#include "tests/fuzz/strict_http1.h"
#include "tests/support/http2_peer.h"

namespace tidegate::fuzz {

/// What a client hears, of HTTP/1 or HTTP/2: it dies where that is not well formed.
class Answers {
 public:
  /// `method_of` gives the method of a request by its number, from 0; empty: there is none, and
  /// what is answered is no request.
  using MethodOf = std::function<std::string(std::size_t)>;
  explicit Answers(MethodOf method_of) : method_of_(std::move(method_of)) {}
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  void hear(std::string_view bytes);
  void ended();

  std::size_t whole() const { return whole_; }  // final answers that have come to their end
  bool http2() const { return http2_; }
  bool raw() const { return upgraded_; }  // what follows is another protocol

 private:
  struct Stream {
    bool final = false;  // its answer's head has come
    bool over = false;
    std::uint64_t body = 0;
    std::string length;  // Content-Length
  };
  void hear_http1();
  void hear_http2();
  void frame(std::uint8_t type, std::uint8_t flags, std::uint32_t id, std::string_view payload);
  void head(Stream& stream, bool end);

  MethodOf method_of_;
  std::string in_;
  bool begun_ = false;
  bool http2_ = false;
  bool ended_ = false;
  bool upgraded_ = false;
  std::size_t whole_ = 0;
  // HTTP/2.
  bool settled_ = false;         // its SETTINGS have come
  std::uint32_t continued_ = 0;  // the stream whose block of fields goes on; 0: none
  bool continued_end_ = false;
  std::string block_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::map<std::uint32_t, Stream> streams_;
};

/// What backends have seen, in all.
using Seen = std::vector<Gateway::Accepted>;

/// Backends that answer as they should, in a way that the path names: "chunked", "none", "hints",
/// "close", "early" (before the body is there), "big", "switch" (to another protocol).
std::unique_ptr<Peer> honest_http1_backend(Seen& seen);
std::unique_ptr<Peer> honest_http2_backend(Seen& seen);

/// What of HTTP/2's fields a backend must be able to rely on.
void check_http2_request(const test::Http2Peer::Heard& heard, Gateway::Accepted& out);

}  // namespace tidegate::fuzz
