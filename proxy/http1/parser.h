#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace tidegate::proxy::http1 {

/// Why a head is refused; each has a status and a text.
enum class HeadError : std::uint8_t {
  kBadRequestLine,
  kBadMethod,
  kBadTarget,
  kTargetTooLong,
  kBadVersion,
  kBadField,
  kFolded,
  kTooManyFields,
  kBadHost,
  kNoHost,
  kManyHosts,
  kBadContentLength,
  kManyContentLengths,
  kBadTransferEncoding,
  kUnknownTransferEncoding,
  kLengthAndEncoding,
  kBadExpectation,
  kBadStatusLine,
  kNotHttp,
};

/// 0: close without an answer.
int status_of(HeadError error);
/// One line that says what was wrong, for the client.
std::string_view text_of(HeadError error);

/// Where the head ends: the offset behind its empty line; 0: it has not come yet. `from`: how far
/// `bytes` had been searched before, less 3. One empty line ahead of the head is let pass (RFC 9112
/// section 2.2). Also finds the end of a head whose lines end in a bare LF, for the parser to
/// refuse.
std::size_t find_head_end(std::string_view bytes, std::size_t from);

/// Reads one request head from `head`; the result's fields are views into it.
/// Shape:  `head` ends with the empty line; `out` is clear.
/// Errors: one value a reason. After any of them the connection is not in step: answer and close.
/// Source: RFC 9112 sections 2, 3, 5, 6; RFC 9110 sections 5, 7.2, 10.1.1.
std::optional<HeadError> parse_request_head(std::string_view head, const http::HeadLimits& limits,
                                            http::RequestHead& out);

/// The same for a response to a request of `method`, which decides whether a body follows. Source:
/// RFC 9112 sections 4, 6.3.
std::optional<HeadError> parse_response_head(std::string_view head, const http::HeadLimits& limits,
                                             std::string_view method, http::ResponseHead& out);

/// The lines of a trailer section, each ended by CRLF, without the empty line. Fields that frame or
/// route are left out. Source: RFC 9110 section 6.5.1.
std::optional<HeadError> parse_trailers(std::string_view lines, std::size_t fields_max,
                                        http::Fields& out);

}  // namespace tidegate::proxy::http1
