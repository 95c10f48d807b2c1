#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http1/body_decoder.h"
#include "proxy/http1/parser.h"

/// What requests and responses of HTTP/1 have in common.
namespace tidegate::fuzz {

/// Where the head ends, found at once and as the bytes come; 0: it does not.
std::size_t head_end(std::string_view bytes);
/// What is passed on can be written as it is, and frames nothing.
void check_fields(const proxy::http::Fields& fields);
bool same_fields(const proxy::http::Fields& one, const proxy::http::Fields& other);
/// Decodes a body whole and in pieces; both must come to the same.
void check_body(std::string_view bytes, proxy::http::BodyLength length, bool chunked);

}  // namespace tidegate::fuzz
