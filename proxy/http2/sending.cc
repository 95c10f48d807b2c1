#include "proxy/http2/sending.h"

#include <algorithm>

#include "proxy/http2/field_list.h"
#include "proxy/http2/session.h"
#include "proxy/http2/stream.h"
#include "proxy/http2/websocket.h"

/// The sending side of a Stream.
namespace tidegate::proxy::http2 {

namespace {

/// All fields but one.
void add_without(std::string_view left_out, const http::Fields& fields, FieldList& out) {
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, left_out) && !FieldList::of_http1(field.name))
      out.add(field.name, field.value);
  }
}

}  // namespace

error_code Stream::submit(const http::RequestHead& head, bool end) {
  if (session_->full()) {  // by settings that came since open(); nghttp2 would keep it for ever
    fail(Error::kNotUsable);
    return failed_;
  }
  const bool upgrade = !head.upgrade.empty();
  FieldList fields;
  fields.add(":method", upgrade ? std::string_view("CONNECT") : head.method);
  fields.add(":scheme", head.scheme.empty() ? std::string_view("http") : head.scheme);
  fields.add(":authority", head.authority);
  fields.add(":path", head.path.empty() ? std::string_view("/") : head.path);
  if (upgrade) {
    fields.add(":protocol", head.upgrade);
    add_without("sec-websocket-key", head.fields, fields);
  } else {
    fields.add_all(head.fields);
    if (head.body.kind == http::BodyLength::Kind::kExact)
      fields.add_number("content-length", head.body.bytes);
    if (head.te_trailers) fields.add("te", "trailers");
  }
  nghttp2_data_provider provider = data_provider();
  const std::int32_t id = nghttp2_submit_request(session_->session_, nullptr, fields.data(),
                                                 fields.size(), end ? nullptr : &provider, nullptr);
  Session::must(id);
  if (id < 0) {
    fail(Error::kNotUsable);
    return failed_;
  }
  std::erase(session_->unsent_, this);
  id_ = id;
  session_->streams_[id] = this;
  end_written_ = end;
  return {};
}

error_code Stream::submit(const http::ResponseHead& head, std::string_view date, bool end) {
  // A 2xx to an upgrade would open the tunnel that the backend has not opened.
  const int status = tunnel_                                          ? 200
                     : !request_.upgrade.empty() && head.status < 300 ? 502
                                                                      : head.status;
  FieldList fields;
  fields.add_number(":status", static_cast<std::uint64_t>(status));
  if (tunnel_) {
    add_without("sec-websocket-accept", head.fields, fields);
  } else {
    fields.add_all(head.fields);
    if (head.declared_length >= 0 && (request_.is_head() || status == 304)) {
      fields.add_number("content-length", static_cast<std::uint64_t>(head.declared_length));
    } else if (head.body.kind == http::BodyLength::Kind::kExact && status != 204) {
      fields.add_number("content-length", head.body.bytes);
    }
  }
  if (!date.empty() && !head.fields.has("date")) fields.add("date", date);
  nghttp2_data_provider provider = data_provider();
  const int submitted = nghttp2_submit_response(session_->session_, id_, fields.data(),
                                                fields.size(), end ? nullptr : &provider);
  Session::must(submitted);
  if (submitted != 0) return Error::kClosed;
  end_written_ = end;
  return {};
}

/// Called when the last DATA frame is made.
void Stream::submit_trailers() {
  FieldList fields;
  fields.add_all(*sending_trailers_);
  Session::must(nghttp2_submit_trailer(session_->session_, id_, fields.data(), fields.size()));
}

/// Whether the peer takes extended CONNECT is known when its settings have come.
Task<error_code> Stream::upgrades_allowed() {
  while (!session_->settings_received()) {
    co_await writable_.wait();
    if (error_code failed = why()) co_return failed;
  }
  co_return session_->peer_takes_upgrades() ? error_code{} : error_code(Error::kUpgradeUnsupported);
}

Task<error_code> Stream::send_head(const http::RequestHead& head, http::Chunk first) {
  if (error_code failed = why()) co_return failed;
  request_.method = arena_.copy(head.method);
  const bool upgrade = !head.upgrade.empty();
  if (upgrade) {
    if (error_code failed = co_await upgrades_allowed()) co_return failed;
    request_.upgrade = arena_.copy(head.upgrade);
    std::string_view key = head.fields.get("sec-websocket-key");
    if (!key.empty() && http::iequals(head.upgrade, "websocket"))
      accept_ = arena_.copy(websocket_accept(key));
    first = {};  // what the upgrade carries comes later
  }
  if (error_code failed = submit(head, first.end && first.bytes.empty())) co_return failed;
  if (!first.bytes.empty()) {
    error_code failed = co_await send(first);
    if (failed && answered_in_full()) failed.clear();  // the answer says why
    co_return failed;
  }
  session_->submitted();
  co_return error_code{};
}

Task<error_code> Stream::send_head(const http::ResponseHead& head, http::Chunk first,
                                   std::string_view date) {
  if (error_code failed = why()) co_return failed;
  answered_ = true;
  tunnel_ = head.status == 101 && !request_.upgrade.empty();
  const bool bodiless =
      !tunnel_ && (request_.is_head() || head.status == 204 || head.status == 304);
  const bool ends = bodiless || (first.end && first.bytes.empty());
  if (error_code failed = submit(head, date, ends)) co_return failed;
  if (!ends && !first.bytes.empty()) co_return co_await send(first);
  session_->submitted();
  co_return error_code{};
}

error_code Stream::send_informational(const http::ResponseHead& head) {
  if (error_code failed = why()) return failed;
  if (head.status == 100) continue_due_ = false;
  FieldList fields;
  fields.add_number(":status", static_cast<std::uint64_t>(head.status));
  fields.add_all(head.fields);
  Session::must(nghttp2_submit_headers(session_->session_, NGHTTP2_FLAG_NONE, id_, nullptr,
                                       fields.data(), fields.size(), nullptr));
  session_->submitted();
  return {};
}

Task<error_code> Stream::send_body(http::Chunk chunk) {
  if (end_written_ && !failed_) co_return error_code{};  // an answer to HEAD has no body
  co_return co_await send(chunk);
}

Task<error_code> Stream::send_trailers(const http::Fields& trailers) {
  if (end_written_ && !failed_) co_return error_code{};
  if (!trailers.empty()) sending_trailers_ = &trailers;
  if (!trailers.empty() && !why() && window_shut()) {
    sending_end_ = trailers_alone_ = true;
    submit_trailers();
  }
  const http::Chunk nothing{{}, true};
  error_code failed = co_await send(nothing);
  sending_trailers_ = nullptr;
  co_return failed;
}

/// Client: all of the answer is there, which nothing that we send changes.
bool Stream::answered_in_full() const {
  return session_ != nullptr && session_->role() == Role::kClient && head_complete_ &&
         end_received_ && !tunnel_ && !given_up_;
}

/// DATA has to wait then, even where it has no bytes. HEADERS have not (RFC 9113 section 5.2.1).
bool Stream::window_shut() const {
  const std::int32_t own = nghttp2_session_get_stream_remote_window_size(session_->session_, id_);
  // -1: its HEADERS have not left yet, which have to go ahead of trailers.
  return own == 0 || (own > 0 && nghttp2_session_get_remote_window_size(session_->session_) <= 0);
}

/// Returns once all of it is in the session's output; as a rule that is at once.
Task<error_code> Stream::send(http::Chunk chunk) {
  if (error_code failed = why()) co_return failed;
  if (answered_in_full()) co_return error_code(Error::kCancelled);  // a part may be missing already
  sending_ = chunk.bytes;
  sending_end_ = chunk.end;
  if (deferred_ && !trailers_alone_ && (sending_end_ || !sending_.empty())) {
    deferred_ = false;
    Session::must(nghttp2_session_resume_data(session_->session_, id_));
  }
  session_->submitted();
  while (!sending_.empty() || (sending_end_ && !end_written_)) {
    if (error_code failed = why()) {
      sending_ = {};
      co_return failed;
    }
    if (answered_in_full()) {  // RFC 9113 section 8.1: the rest of the request is not needed
      sending_ = {};
      sending_end_ = false;
      co_return error_code(Error::kCancelled);
    }
    co_await writable_.wait();
  }
  co_return error_code{};
}

/// The upgrade that was asked for is refused: nothing follows from us.
void Stream::end_tunnel() {
  sending_end_ = true;
  if (!deferred_) return;
  deferred_ = false;
  nghttp2_session_resume_data(session_->session_, id_);
}

}  // namespace tidegate::proxy::http2
