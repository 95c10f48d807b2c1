#include "proxy/http2/stream.h"

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <vector>

#include "proxy/http2/provider.h"
#include "proxy/http2/session.h"

namespace tidegate::proxy::http2 {
namespace {

/// Fields as nghttp2 takes them: names in lower case. It copies what it is given.
class FieldList {
 public:
  void add(std::string_view name, std::string_view value) {
    list_.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                     NGHTTP2_NV_FLAG_NONE});
  }
  void add_all(const http::Fields& fields, Arena& arena) {
    for (const http::Field& field : fields) add(lower(field.name, arena), field.value);
  }
  const nghttp2_nv* data() const { return list_.data(); }
  std::size_t size() const { return list_.size(); }

 private:
  static std::string_view lower(std::string_view name, Arena& arena) {
    bool upper = false;
    for (const char c : name) upper = upper || (c >= 'A' && c <= 'Z');
    if (!upper) return name;
    char* out = arena.allocate(name.size());
    for (std::size_t i = 0; i < name.size(); ++i) {
      out[i] = static_cast<char>(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    return {out, name.size()};
  }
  std::vector<nghttp2_nv> list_;
};

std::string_view decimal(std::uint64_t number, Arena& arena) {
  char* out = arena.allocate(20);
  auto [end, bad] = std::to_chars(out, out + 20, number);
  return {out, static_cast<std::size_t>(end - out)};
}

}  // namespace

Stream::~Stream() {
  if (session_ != nullptr) session_->forget(*this);
}

void Stream::begin_block(Block block) {
  block_ = block;
  block_bytes_ = block_fields_ = 0;
  if (block == Block::kHead && session_->role() == Role::kClient) responses_.emplace_back();
}

void Stream::add_field(std::string_view name_in, std::string_view value_in) {
  const http::HeadLimits& limits = session_->limits().head;
  block_bytes_ += name_in.size() + value_in.size() + 32;  // RFC 9113 section 6.5.2
  ++block_fields_;
  const std::size_t bytes_max = block_ == Block::kTrailers ? limits.trailer_bytes_max : limits.head_bytes_max;
  if (block_bytes_ > bytes_max || block_fields_ > limits.fields_max) block_too_large_ = true;
  if (block_too_large_) return;
  std::string_view value = value_in.empty() ? std::string_view("") : arena_.copy(value_in);
  if (name_in.starts_with(':')) {
    if (name_in == ":method") request_.method = value;
    if (name_in == ":scheme") request_.scheme = value;
    if (name_in == ":authority") request_.authority = value;
    if (name_in == ":path") request_.path = value;
    if (name_in == ":protocol") protocol_ = value;
    if (name_in == ":status") {
      for (const char c : value) responses_.back().status = responses_.back().status * 10 + (c - '0');
    }
    return;
  }
  if (block_ == Block::kTrailers) {
    if (name_in != "content-length" && name_in != "host" && name_in != "te") trailers_.append(arena_.copy(name_in), value);
    return;
  }
  if (name_in == "content-length") {
    std::int64_t length = -1;
    auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (bad != std::errc() || end != value.data() + value.size() || length < 0) block_invalid_ = true;
    content_length_ = length;
    return;
  }
  if (name_in == "trailer") return;
  if (session_->role() == Role::kServer) {
    if (name_in == "host") {
      host_ = value;
      return;
    }
    if (name_in == "te") {
      request_.te_trailers = http::iequals(value, "trailers");
      return;
    }
    if (name_in == "expect") {
      request_.expect_continue = http::iequals(value, "100-continue");
      return;
    }
    if (name_in == "cookie") {  // crumbs become one field again (RFC 9113 section 8.2.3)
      if (!cookies_.empty()) cookies_ += "; ";
      cookies_ += value;
      return;
    }
    request_.fields.append(arena_.copy(name_in), value);
    return;
  }
  responses_.back().fields.append(arena_.copy(name_in), value);
}

/// False: 400.
bool Stream::finish_request(bool end) {
  head_complete_ = true;
  end_received_ = end;
  request_.version = http::Version::kHttp2;
  if (block_invalid_) return false;
  if (request_.authority.empty()) {
    request_.authority = host_;
  } else if (!host_.empty() && !http::iequals(host_, request_.authority)) {
    return false;  // RFC 9113 section 8.3.1
  }
  if (request_.path.find('#') != request_.path.npos) return false;
  if (!cookies_.empty()) request_.fields.append("cookie", arena_.copy(cookies_));
  if (request_.method == "CONNECT") {
    if (protocol_.empty()) return false;  // we are no forward proxy
    request_.method = "GET";
    request_.upgrade = protocol_;
    // A nonce, which HTTP/1.1 wants and HTTP/2 does not have (RFC 8441 section 5).
    if (protocol_ == "websocket") request_.fields.append("sec-websocket-key", "dGlkZWdhdGUtaDItdG8taDE=");
    return true;
  }
  if (request_.path.empty() || (request_.path.front() != '/' && !(request_.path == "*" && request_.method == "OPTIONS"))) {
    return false;
  }
  if (end) {
    request_.body = content_length_ == 0 ? http::BodyLength{http::BodyLength::Kind::kExact, 0} : http::BodyLength{};
  } else if (content_length_ >= 0) {
    request_.body = {http::BodyLength::Kind::kExact, static_cast<std::uint64_t>(content_length_)};
  } else {
    request_.body.kind = http::BodyLength::Kind::kUnknown;
  }
  return true;
}

bool Stream::finish_response(bool end) {
  http::ResponseHead& head = responses_.back();
  head.version = http::Version::kHttp2;
  if (block_invalid_ || head.status < 100 || head.status > 599 || head.status == 101) return false;
  if (next_response_ == responses_.end()) next_response_ = std::prev(responses_.end());
  ++responses_ready_;
  if (head.status < 200) return !end && responses_ready_ <= session_->limits().informational_max;
  head_complete_ = true;
  end_received_ = end;
  const bool bodiless = end;
  if (bodiless) {
    if (content_length_ >= 0 && (request_.method == "HEAD" || head.status == 304)) head.declared_length = content_length_;
    if (content_length_ == 0) head.body = {http::BodyLength::Kind::kExact, 0};
  } else if (content_length_ >= 0) {
    head.body = {http::BodyLength::Kind::kExact, static_cast<std::uint64_t>(content_length_)};
  } else {
    head.body.kind = http::BodyLength::Kind::kUnknown;
  }
  answered_ = true;
  return true;
}

void Stream::fail(error_code reason) {
  if (failed_) return;
  failed_ = reason;
  wake_reader_ = wake_writer_ = true;
  wake_watcher_ = watcher_ != nullptr;
  if (session_ != nullptr) session_->wake_later(*this);
}

/// The bytes of the last chunk are used: the peer may send as many again.
void Stream::give_back() {
  if (lent_.empty()) return;
  if (session_ != nullptr && !closed_) {
    nghttp2_session_consume(session_->session_, id_, lent_.size());
    session_->submitted();
  } else if (session_ != nullptr) {
    nghttp2_session_consume_connection(session_->session_, lent_.size());
    session_->submitted();
  }
  lent_.clear();
}

Result<http::Chunk> Stream::poll() {
  give_back();
  if (!received_.empty()) {
    lent_.swap(received_);
    return http::Chunk{{lent_.data(), lent_.size()}, end_received_};
  }
  if (end_received_) return http::Chunk{{}, true};
  if (failed_) return failed_;
  return http::Chunk{};
}

Task<Result<http::Chunk>> Stream::read() {
  if (request_.expect_continue && session_ != nullptr && session_->role() == Role::kServer) {
    request_.expect_continue = false;
    if (received_.empty() && !end_received_ && !answered_) {
      http::ResponseHead go;
      go.status = 100;
      send_informational(go);
    }
  }
  while (true) {
    Result<http::Chunk> chunk = poll();
    if (!chunk || chunk->end || !chunk->bytes.empty()) co_return chunk;
    if (abandoned_) co_return error_code(Error::kCancelled);
    co_await readable_.wait();
  }
}

void Stream::abandon() {
  abandoned_ = true;
  wake_reader_ = true;
  if (session_ != nullptr) session_->wake_later(*this);
}

Task<Result<http::ResponseHead*>> Stream::receive_head() {
  while (responses_ready_ == 0) {
    if (failed_) co_return failed_;
    co_await readable_.wait();
  }
  http::ResponseHead& head = *next_response_;
  ++next_response_;
  --responses_ready_;
  co_return &head;
}

Task<error_code> Stream::send_head(const http::RequestHead& head, http::Chunk first) {
  if (failed_ || session_ == nullptr) co_return failed_ ? failed_ : make_error_code(Error::kClosed);
  if (!head.upgrade.empty()) co_return make_error_code(Error::kUpgradeUnsupported);
  request_.method = arena_.copy(head.method);
  FieldList fields;
  fields.add(":method", head.method);
  fields.add(":scheme", head.scheme.empty() ? std::string_view("http") : head.scheme);
  fields.add(":authority", head.authority);
  fields.add(":path", head.path);
  fields.add_all(head.fields, arena_);
  if (head.body.kind == http::BodyLength::Kind::kExact) fields.add("content-length", decimal(head.body.bytes, arena_));
  if (head.te_trailers) fields.add("te", "trailers");
  const bool ends = first.end && first.bytes.empty();
  nghttp2_data_provider provider = data_provider();
  const std::int32_t id =
      nghttp2_submit_request(session_->session_, nullptr, fields.data(), fields.size(), ends ? nullptr : &provider, nullptr);
  std::erase(session_->unsent_, this);
  if (id < 0) {
    failed_ = Error::kNotUsable;
    co_return failed_;
  }
  id_ = id;
  session_->streams_[id] = this;
  session_->submitted();
  end_queued_ = end_written_ = ends;
  if (ends || first.bytes.empty()) co_return error_code{};
  co_return co_await send(first);
}

Task<error_code> Stream::send_head(const http::ResponseHead& head, http::Chunk first) {
  if (failed_ || session_ == nullptr) co_return failed_ ? failed_ : make_error_code(Error::kClosed);
  answered_ = true;
  const bool tunnel = head.status == 101;
  FieldList fields;
  fields.add(":status", tunnel ? std::string_view("200") : decimal(static_cast<std::uint64_t>(head.status), arena_));
  for (const http::Field& field : head.fields) {
    if (tunnel && http::iequals(field.name, "sec-websocket-accept")) continue;
    http::Fields one;
    one.append(field.name, field.value);
    fields.add_all(one, arena_);
  }
  if (head.body.kind == http::BodyLength::Kind::kExact && head.status != 204 && !tunnel) {
    fields.add("content-length", decimal(head.body.bytes, arena_));
  } else if (head.declared_length >= 0) {
    fields.add("content-length", decimal(static_cast<std::uint64_t>(head.declared_length), arena_));
  }
  const bool head_only = request_.method == "HEAD" && !tunnel;
  const bool ends = head_only || (first.end && first.bytes.empty());
  nghttp2_data_provider provider = data_provider();
  if (nghttp2_submit_response(session_->session_, id_, fields.data(), fields.size(), ends ? nullptr : &provider) != 0) {
    co_return make_error_code(Error::kClosed);
  }
  session_->submitted();
  end_queued_ = end_written_ = ends;
  if (ends || first.bytes.empty()) co_return error_code{};
  co_return co_await send(first);
}

error_code Stream::send_informational(const http::ResponseHead& head) {
  if (failed_ || session_ == nullptr) return failed_ ? failed_ : make_error_code(Error::kClosed);
  FieldList fields;
  fields.add(":status", decimal(static_cast<std::uint64_t>(head.status), arena_));
  fields.add_all(head.fields, arena_);
  nghttp2_submit_headers(session_->session_, NGHTTP2_FLAG_NONE, id_, nullptr, fields.data(), fields.size(), nullptr);
  session_->submitted();
  return {};
}

Task<error_code> Stream::send_body(http::Chunk chunk) {
  if (end_written_) co_return error_code{};  // an answer to HEAD has no body
  co_return co_await send(chunk);
}

/// Returns once all of it is in the session's output.
Task<error_code> Stream::send(http::Chunk chunk) {
  if (failed_ || session_ == nullptr) co_return failed_ ? failed_ : make_error_code(Error::kClosed);
  sending_ = chunk.bytes;
  sending_end_ = chunk.end;
  end_queued_ = chunk.end;
  if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(session_->session_, id_);
  }
  session_->submitted();
  while (!failed_ && !closed_ && (!sending_.empty() || (sending_end_ && !end_written_))) co_await writable_.wait();
  const bool sent = sending_.empty() && (!sending_end_ || end_written_);
  sending_ = {};
  if (sent) co_return error_code{};
  co_return failed_ ? failed_ : make_error_code(Error::kClosed);
}

Task<error_code> Stream::send_trailers(const http::Fields& trailers) {
  if (end_written_) co_return error_code{};
  sending_trailers_ = &trailers;
  http::Chunk nothing{{}, true};
  error_code failed = co_await send(nothing);
  sending_trailers_ = nullptr;
  co_return failed;
}

void Stream::submit_trailers(nghttp2_session* session) {
  FieldList fields;
  fields.add_all(*sending_trailers_, arena_);
  nghttp2_submit_trailer(session, id_, fields.data(), fields.size());
}

void Stream::reset(error_code reason) {
  if (failed_) return;
  if (session_ != nullptr && id_ != 0 && !closed_) {
    nghttp2_submit_rst_stream(session_->session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
    session_->submitted();
  }
  fail(reason);
}

}  // namespace tidegate::proxy::http2
