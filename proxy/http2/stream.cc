#include "proxy/http2/stream.h"

#include <nghttp2/nghttp2.h>

#include <utility>

#include "proxy/http2/session.h"

namespace tidegate::proxy::http2 {

Stream::~Stream() {
  if (session_ != nullptr) session_->forget(*this);
}

/// Why nothing can be sent any more.
error_code Stream::why() const {
  if (failed_) return failed_;
  if (session_ == nullptr || closed_) return Error::kClosed;
  return {};
}

void Stream::fail(error_code reason) {
  if (failed_) return;
  failed_ = reason;
  wake_reader_ = wake_writer_ = true;
  wake_watcher_ = !end_written_;
  if (session_ != nullptr) session_->wake_later(*this);
}

void Stream::reset(error_code reason) {
  given_up_ = true;
  if (failed_) return;
  if (session_ != nullptr && id_ != 0 && !closed_) {
    const bool ours = session_->role() == Role::kServer && reason != Error::kIdle;
    nghttp2_submit_rst_stream(session_->session_, NGHTTP2_FLAG_NONE, id_,
                              ours ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
  }
  fail(reason);
  if (session_ != nullptr) session_->submitted();
}

void Stream::watch(http::ServerStream::Watcher* watcher) {
  watcher_ = watcher;
  if (watcher == nullptr || !failed_ || end_written_ || session_ == nullptr) return;
  wake_watcher_ = true;
  session_->wake_later(*this);
}

/// Resumes one of those that wait. False: nobody is left; else the stream may be gone.
bool Stream::wake_one() {
  if (std::exchange(wake_writer_, false) && writable_.awaited()) {
    writable_.notify();
    return true;
  }
  if (std::exchange(wake_reader_, false) && readable_.awaited()) {
    readable_.notify();
    return true;
  }
  if (std::exchange(wake_watcher_, false) && watcher_ != nullptr) {
    std::exchange(watcher_, nullptr)->client_gone();
    return true;
  }
  queued_ = false;
  return false;
}

/// Somebody reads: the peer may send as much as the limits say.
void Stream::widen(std::size_t read) {
  const Limits& limits = session_->limits();
  if (wide_ || limits.first_window_bytes == 0) return;
  read_bytes_ += read;
  if (read_bytes_ < limits.first_window_bytes / 2) return;
  wide_ = true;
  nghttp2_session_set_local_window_size(session_->session_, NGHTTP2_FLAG_NONE, id_,
                                        static_cast<std::int32_t>(limits.stream_window_bytes));
}

/// The bytes of the last chunk are used: the peer may send as many again.
void Stream::give_back() {
  if (lent_.empty()) return;
  if (session_ != nullptr) {
    Session::must(nghttp2_session_consume(session_->session_, id_, lent_.size()));
    widen(lent_.size());
    if (nghttp2_session_want_write(session_->session_) != 0) session_->submitted();
  }
  lent_.clear();
}

Result<http::Chunk> Stream::take() {
  give_back();
  if (given_up_) return failed_;
  if (!request_.upgrade.empty() && !tunnel_ && session_ != nullptr &&
      session_->role() == Role::kServer) {
    return http::Chunk{{}, true};  // what an upgrade carries is not the request's body
  }
  if (!received_.empty()) {
    lent_.swap(received_);
    return http::Chunk{{lent_.data(), lent_.size()}, end_received_};
  }
  if (end_received_) return http::Chunk{{}, true};
  if (failed_) return failed_;
  if (session_ == nullptr) return error_code(Error::kClosed);
  return http::Chunk{};
}

Result<http::Chunk> Stream::poll() { return take(); }

Task<Result<http::Chunk>> Stream::read() {
  while (true) {
    Result<http::Chunk> chunk = take();
    if (!chunk || chunk->end || !chunk->bytes.empty()) co_return chunk;
    if (abandoned_) co_return error_code(Error::kCancelled);
    if (std::exchange(continue_due_, false) && !answered_) {
      http::ResponseHead go;
      go.status = 100;
      send_informational(go);
    }
    co_await readable_.wait();
  }
}

void Stream::abandon() {
  abandoned_ = true;
  if (session_ == nullptr) return;
  wake_reader_ = true;
  session_->wake_later(*this);
}

Task<Result<http::ResponseHead*>> Stream::receive_head() {
  while (responses_ready_ == 0) {
    if (failed_) co_return failed_;
    if (session_ == nullptr) co_return error_code(Error::kClosed);
    co_await readable_.wait();
  }
  if (given_up_) co_return failed_;
  http::ResponseHead& head = *next_response_;
  ++next_response_;
  --responses_ready_;
  co_return &head;
}

}  // namespace tidegate::proxy::http2
