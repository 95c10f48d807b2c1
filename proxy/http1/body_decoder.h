#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace tidegate::proxy::http1 {

/// Takes the framing off a body, as the bytes come. Source: RFC 9112 sections 6.2, 6.3, 7.1.
class BodyDecoder {
 public:
  /// `chunked` only where the length is unknown; unknown and not chunked: until the connection
  /// ends.
  void start(http::BodyLength length, bool chunked);

  struct Step {
    std::size_t consumed = 0;    // of the input, `data` included
    std::span<const char> data;  // a part of the input
    bool end = false;            // the body is complete
  };
  /// The next stretch of the body. Consumes all of the input but for what follows `data`, or the
  /// body's end. Errors: bad_message: the framing is broken; value_too_large: a limit.
  Result<Step> decode(std::span<const char> input);
  /// The same for all chunks that `input` has, whose data it moves together: chunks of a few bytes
  /// cost the next hop no more than large ones.
  Result<Step> decode_all(std::span<char> input);
  /// After the end: what followed the last chunk; nullptr where nothing did.
  const http::Fields* trailers() const { return trailers_.empty() ? nullptr : &trailers_; }
  /// The connection has ended: whether the body was complete.
  bool finish();

 private:
  enum class State : std::uint8_t {
    kDone,
    kExact,
    kUntilClose,
    kSizeStart,
    kSize,
    kExtension,
    kSizeFeed,
    kData,
    kDataReturn,
    kDataFeed,
    kTrailerStart,
    kTrailer,
    kEndFeed,
  };
  error_code framing_byte(char c);
  error_code end_trailers();

  State state_ = State::kDone;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;  // of all chunks
  std::string trailer_bytes_;
  http::Fields trailers_;
};

}  // namespace tidegate::proxy::http1
