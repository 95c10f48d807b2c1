#include <nghttp2/nghttp2.h>

#include <charconv>

#include "proxy/http/characters.h"
#include "proxy/http2/field_list.h"
#include "proxy/http2/session.h"
#include "proxy/http2/stream.h"

/// Blocks of fields that the peer sends: heads and trailers. nghttp2 has already refused what
/// breaks the order of pseudo-fields, names in upper case, bytes that may not be in a value, and
/// the fields of a connection.
namespace tidegate::proxy::http2 {

using http::BodyLength;

namespace {

constexpr std::size_t kAbuse = 16;  // so many times the limits, and it is no mistake any more
constexpr std::string_view kNonce =
    "dGlkZWdhdGUtaDItdG8taDE=";  // for HTTP/1; HTTP/2 has none (RFC 8441 section 5)

}  // namespace

void Stream::begin_block() {
  block_ = head_complete_ ? Block::kTrailers : Block::kHead;
  block_bytes_ = block_fields_ = 0;
  if (block_ == Block::kHead && session_->role() == Role::kClient) {
    content_length_ = -1;
    responses_.emplace_back();
  }
}

bool Stream::add_field(std::string_view name, std::string_view value) {
  const http::HeadLimits& limits = session_->limits().head;
  const bool trailers = block_ == Block::kTrailers;
  const std::size_t bytes_max = trailers ? limits.trailer_bytes_max : limits.head_bytes_max;
  block_bytes_ += name.size() + value.size() + 32;  // RFC 9113 section 6.5.2
  ++block_fields_;
  if (block_bytes_ > bytes_max || block_fields_ > limits.fields_max) {
    if (!block_too_large_) {
      session_->hit(trailers                   ? &LimitStats::trailers
                    : block_bytes_ > bytes_max ? &LimitStats::head_bytes
                                               : &LimitStats::head_fields);
    }
    block_too_large_ = true;
    return block_bytes_ <= kAbuse * bytes_max && block_fields_ <= kAbuse * limits.fields_max;
  }
  value = value.empty() ? std::string_view("") : arena_.copy(value);
  if (name.starts_with(':')) {
    add_pseudo_field(name, value);
  } else if (trailers) {
    if (!FieldList::of_http1(name) && name != "trailer" && name != "expect")
      trailers_.append(arena_.copy(name), value);
  } else if (name == "content-length") {
    auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), content_length_);
    if (bad != std::errc() || end != value.data() + value.size()) block_invalid_ = true;
  } else if (name == "trailer") {
    // Of this hop; what it announces need not come.
  } else if (session_->role() == Role::kServer) {
    add_request_field(name, value);
  } else {
    responses_.back().fields.append(arena_.copy(name), value);
  }
  return true;
}

void Stream::add_pseudo_field(std::string_view name, std::string_view value) {
  if (name == ":method") {
    request_.method = value;
    request_.asked_head = value == "HEAD";
  } else if (name == ":scheme") {
    request_.scheme = value;
  } else if (name == ":authority") {
    request_.authority = value;
    has_host_ = true;
  } else if (name == ":path") {
    request_.path = value;
  } else if (name == ":protocol") {
    protocol_ = value;
  } else if (name == ":status") {
    int& status = responses_.back().status;
    if (std::from_chars(value.data(), value.data() + value.size(), status).ec != std::errc())
      block_invalid_ = true;
  }
}

void Stream::add_request_field(std::string_view name, std::string_view value) {
  if (name == "host") {
    if (host_.data() != nullptr) block_invalid_ = true;
    host_ = value;
  } else if (name == "te") {
    request_.te_trailers = http::iequals(value, "trailers");
  } else if (name == "expect") {
    request_.expect_continue = http::iequals(value, "100-continue");
    bad_expectation_ = !request_.expect_continue;
  } else if (name == "http2-settings") {
    // Of an upgrade that nobody makes any more; HTTP/1 drops it for being named in Connection.
  } else if (name == "cookie") {  // crumbs become one field again (RFC 9113 section 8.2.3)
    if (!cookies_.empty()) cookies_ += "; ";
    cookies_ += value;
  } else {
    // As in HTTP/1: a backend may take these for what frames a body.
    if (name == "content_length" || name == "transfer_encoding") block_invalid_ = true;
    request_.fields.append(arena_.copy(name), value);
  }
}

int Stream::finish_request(bool end) {
  head_complete_ = true;
  end_received_ = end;
  request_.version = http::Version::kHttp2;
  if (block_too_large_) return 431;
  if (block_invalid_ || !http::valid_method(request_.method)) return 400;
  if (request_.method == "CONNECT" && protocol_.data() == nullptr)
    return 501;  // we are no forward proxy
  if (!http::iequals(request_.scheme, "http") && !http::iequals(request_.scheme, "https"))
    return 400;
  if (!has_host_) {
    if (host_.data() == nullptr) return 400;
    request_.authority = host_;
  } else if (host_.data() != nullptr && !http::iequals(host_, request_.authority)) {
    return 400;  // RFC 9113 section 8.3.1
  }
  if (!http::valid_authority(request_.authority)) return 400;
  if (request_.path.size() > session_->limits().head.target_bytes_max) {
    session_->hit(&LimitStats::target_bytes);
    return 414;
  }
  if (!http::valid_path(request_.path) && !(request_.path == "*" && request_.method == "OPTIONS"))
    return 400;
  if (bad_expectation_) return 417;
  if (!cookies_.empty()) request_.fields.append("cookie", arena_.copy(cookies_));
  if (protocol_.data() != nullptr) {  // nghttp2 lets it pass with CONNECT only
    if (!http::valid_protocol(protocol_) || end || content_length_ >= 0) return 400;
    if (http::hides_requests(protocol_)) return 501;
    request_.method = "GET";
    request_.upgrade = protocol_;
    if (http::iequals(protocol_, "websocket") && !request_.fields.has("sec-websocket-key")) {
      request_.fields.append("sec-websocket-key", kNonce);
    }
    return 0;
  }
  if (content_length_ >= 0) {
    request_.body = {BodyLength::Kind::kExact, static_cast<std::uint64_t>(content_length_)};
  } else if (!end) {
    request_.body.kind = BodyLength::Kind::kUnknown;
  }
  continue_due_ = request_.expect_continue && !end;
  return 0;
}

bool Stream::finish_response(bool end) {
  http::ResponseHead& head = responses_.back();
  head.version = http::Version::kHttp2;
  if (block_invalid_ || head.status < 100 || head.status > 599 || head.status == 101) return false;
  if (next_response_ == responses_.end()) next_response_ = std::prev(responses_.end());
  ++responses_ready_;
  answered_ = true;
  if (head.status < 200) return !end && responses_.size() <= session_->limits().informational_max;
  head_complete_ = true;
  end_received_ = end;
  if (!request_.upgrade.empty()) {
    if (head.status < 300 && !end) {
      head.status = 101;
      head.upgrade = request_.upgrade;
      head.body.kind = BodyLength::Kind::kUnknown;
      if (!accept_.empty()) head.fields.set("sec-websocket-accept", accept_);
      tunnel_ = true;
      return true;
    }
    end_tunnel();
  }
  if (request_.method == "HEAD" || head.status == 204 || head.status == 304) {
    if (head.status != 204) head.declared_length = content_length_;
  } else if (content_length_ >= 0) {
    head.body = {BodyLength::Kind::kExact, static_cast<std::uint64_t>(content_length_)};
  } else if (!end) {
    head.body.kind = BodyLength::Kind::kUnknown;
  } else {
    head.body = {BodyLength::Kind::kExact, 0};
  }
  return true;
}

}  // namespace tidegate::proxy::http2
