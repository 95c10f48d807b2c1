#pragma once

#include <string>
#include <string_view>

#include "proxy/http/message.h"

/// Heads and chunk frames as bytes. Framing and hop-by-hop fields are written from the head's
/// members, for this hop. Source: RFC 9112 sections 3, 4, 6, 7.1; RFC 9110 section 7.6.1.
namespace tidegate::proxy::http1 {

inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Appends to `out`. HTTP/1.1 always; a body of unknown length is chunked. An extended CONNECT of
/// HTTP/2 (`upgrade` set) becomes the GET with Upgrade that HTTP/1.1 has for it (RFC 8441 section
/// 5).
void write_request_head(const http::RequestHead& head, std::string& out);

/// Appends to `out`. `client`: whom it goes to; HTTP/1.0 gets neither chunks nor 1xx. `close`: the
/// connection ends after it. `head_request`: the answer to HEAD. `date`: the Date field where the
/// head has none; empty: none is written.
void write_response_head(const http::ResponseHead& head, http::Version client, bool close,
                         bool head_request, std::string_view date, std::string& out);

/// "SIZE CRLF" in hexadecimal; returns how many bytes of `out` it took.
std::size_t write_chunk_size(char (&out)[20], std::size_t size);
/// The last chunk and the trailers (null: none).
void write_last_chunk(const http::Fields* trailers, std::string& out);

/// The reason phrase of RFC 9110 section 15; empty for an unknown status.
std::string_view reason_phrase(int status);

}  // namespace tidegate::proxy::http1
