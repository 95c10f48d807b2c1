#include "proxy/upstream/http1_client.h"

#include <array>
#include <boost/asio/error.hpp>

#include "proxy/http1/parser.h"
#include "proxy/http1/serializer.h"
#include "proxy/upstream/error.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;

Http1Client::Http1Client(Loop& loop, std::unique_ptr<net::Stream> stream, ClusterStats& stats)
    : loop_(loop), stream_(std::move(stream)), stats_(stats) {
  stats_.upstream_cx_active.add();
  made_at_ = loop_.wheel.now();
}

Http1Client::~Http1Client() {
  rest();
  stream_->close();
  stats_.upstream_cx_active.sub();
  stats_.upstream_cx_destroy.add();
  const bool busy = !request_done_ || !response_done_;
  (left_ ? stats_.upstream_cx_destroy_remote : stats_.upstream_cx_destroy_local).add();
  if (busy) {
    stats_.upstream_cx_destroy_with_active_rq.add();
    (left_ ? stats_.upstream_cx_destroy_remote_with_active_rq
           : stats_.upstream_cx_destroy_local_with_active_rq)
        .add();
  }
  stats_.upstream_rq_per_cx.record(exchanges_);
  stats_.upstream_cx_length_ms.record(
      std::chrono::duration<double, std::milli>(loop_.wheel.now() - made_at_).count());
}

void Http1Client::begin() {
  ++exchanges_;
  begin_ = end_ = 0;
  raw_ = chunked_ = request_done_ = response_done_ = answered_ = false;
  cancelled_ = {};
}

bool Http1Client::reusable() const {
  if (terms_.exchanges_max != 0 && exchanges_ >= terms_.exchanges_max) {
    stats_.upstream_cx_max_requests.add();
    return false;
  }
  if (over()) {
    stats_.upstream_cx_max_duration_reached.add();
    return false;
  }
  return !broken_ && !raw_ && request_done_ && response_done_ && head_.keep_alive &&
         begin_ == end_ && stream_->is_open() && stream_->settled();
}

void Http1Client::rest() {
  loop_.buffers.give(std::move(buffer_));
  rested_at_ = loop_.wheel.now();
}

void Http1Client::cancel(error_code reason) {
  if (cancelled_) return;
  cancelled_ = reason;
  broken_ = true;
  stream_->close();
}

net::Stream* Http1Client::raw() {
  if (!raw_ || begin_ != end_) return nullptr;
  begin_ = end_ = 0;
  loop_.buffers.give(std::move(buffer_));
  request_done_ = response_done_ = true;  // both messages are: what follows is none
  return stream_.get();
}

Task<error_code> Http1Client::write(std::span<const asio::const_buffer> pieces) {
  stats_.upstream_cx_tx_bytes_total.add(asio::buffer_size(pieces));
  // What must not be repeated goes out as soon as it has been looked whether the backend is there.
  const bool repeatable =
      exchanges_ <= 1 || ((method_ == "GET" || method_ == "HEAD") && upgrade_.empty());
  if (request_done_ && !raw_ && repeatable && stream_->write_later(pieces)) co_return error_code{};
  error_code failed = co_await net::write_all(*stream_, pieces);
  if (failed) broken_ = true;
  left_ = left_ || (failed && !cancelled_);
  co_return failed ? why(make_error_code(Error::kReset)) : error_code{};
}

Task<error_code> Http1Client::send_head(const http::RequestHead& head, http::Chunk first) {
  out_.clear();
  http1::write_request_head(head, out_);
  method_.assign(head.method);
  upgrade_.assign(head.upgrade);
  chunked_ = head.body.kind == http::BodyLength::Kind::kUnknown && head.upgrade.empty();
  request_done_ = first.end;
  if (first.bytes.empty() && !(first.end && chunked_)) {
    std::array<asio::const_buffer, 1> pieces{asio::buffer(out_)};
    co_return co_await write(pieces);
  }
  if (!chunked_) {
    std::array<asio::const_buffer, 2> pieces{asio::buffer(out_),
                                             asio::buffer(first.bytes.data(), first.bytes.size())};
    co_return co_await write(pieces);
  }
  char size[20];
  std::size_t size_bytes =
      first.bytes.empty() ? 0 : http1::write_chunk_size(size, first.bytes.size());
  std::string_view after = first.bytes.empty() ? std::string_view() : http1::kChunkEnd;
  std::string_view last = first.end ? http1::kLastChunk : std::string_view();
  std::array<asio::const_buffer, 5> pieces{asio::buffer(out_), asio::buffer(size, size_bytes),
                                           asio::buffer(first.bytes.data(), first.bytes.size()),
                                           asio::buffer(after), asio::buffer(last)};
  co_return co_await write(pieces);
}

Task<error_code> Http1Client::send_body(http::Chunk chunk) {
  if (raw_ || !chunked_) {
    if (chunk.end) request_done_ = true;
    std::array<asio::const_buffer, 1> pieces{asio::buffer(chunk.bytes.data(), chunk.bytes.size())};
    error_code failed;
    if (!chunk.bytes.empty()) failed = co_await write(pieces);
    if (chunk.end && raw_) stream_->shutdown_send();
    co_return failed;
  }
  char size[20];
  std::size_t size_bytes =
      chunk.bytes.empty() ? 0 : http1::write_chunk_size(size, chunk.bytes.size());
  std::string_view after = chunk.bytes.empty() ? std::string_view() : http1::kChunkEnd;
  std::string_view last = chunk.end ? http1::kLastChunk : std::string_view();
  if (chunk.end) request_done_ = true;
  std::array<asio::const_buffer, 4> pieces{asio::buffer(size, size_bytes),
                                           asio::buffer(chunk.bytes.data(), chunk.bytes.size()),
                                           asio::buffer(after), asio::buffer(last)};
  co_return co_await write(pieces);
}

Task<error_code> Http1Client::send_trailers(const http::Fields& trailers) {
  request_done_ = true;
  if (!chunked_) co_return error_code{};
  std::string last;
  http1::write_last_chunk(&trailers, last);
  std::array<asio::const_buffer, 1> pieces{asio::buffer(last)};
  co_return co_await write(pieces);
}

/// Reads more behind what is there. Errors: asio::error::eof, kReset, or why it was cancelled.
Task<error_code> Http1Client::fill() {
  if (end_ == BufferPool::kBytes) co_return make_error_code(Error::kBadResponse);
  auto reading = end_ == 0 ? stream_->read_some(loop_.buffers, buffer_)
                           : stream_->read_some({buffer_.get() + end_, BufferPool::kBytes - end_});
  Result<std::size_t> got = co_await std::move(reading);
  if (!got) {
    broken_ = true;
    if (cancelled_) co_return cancelled_;
    left_ = true;
    co_return got.error() == asio::error::eof ? got.error() : make_error_code(Error::kReset);
  }
  stats_.upstream_cx_rx_bytes_total.add(*got);
  end_ += *got;
  answered_ = true;
  co_return error_code{};
}

Task<Result<http::ResponseHead*>> Http1Client::receive_head() {
  std::size_t searched = begin_;
  while (true) {
    if (end_ > begin_) {
      std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
      std::size_t size = http1::find_head_end(bytes, searched - begin_);
      if ((size ? size : bytes.size()) > terms_.head.head_bytes_max) {
        broken_ = true;
        stats_.upstream_cx_protocol_error.add();
        co_return make_error_code(Error::kBadResponse);
      }
      if (size) {
        head_.clear();
        // Another protocol is spoken only where it was asked for (RFC 9110 section 7.8).
        if (http1::parse_response_head(bytes.substr(0, size), terms_.head, method_, head_) ||
            (head_.status == 101 &&
             (upgrade_.empty() || !http::iequals(head_.upgrade, upgrade_)))) {
          broken_ = true;
          stats_.upstream_cx_protocol_error.add();
          co_return make_error_code(Error::kBadResponse);
        }
        begin_ += size;
        bool informational = head_.status < 200 && head_.status != 101;
        if (!informational) {
          raw_ = head_.status == 101 || (method_ == "CONNECT" && head_.status < 300);
          decoder_.start(raw_ ? http::BodyLength{} : head_.body, head_.chunked);
          response_done_ = !raw_ && head_.body.none();
        }
        co_return &head_;
      }
      searched = end_ - begin_ > 3 ? end_ - 3 : begin_;
    }
    if (error_code failed = co_await fill()) {
      co_return failed == asio::error::eof ? make_error_code(Error::kReset) : failed;
    }
  }
}

Result<http::Chunk> Http1Client::decode() {
  if (response_done_) return http::Chunk{{}, true};
  if (begin_ == end_) return http::Chunk{};
  std::span<const char> in(buffer_.get() + begin_, end_ - begin_);
  if (raw_) {
    begin_ = end_;
    return http::Chunk{in, false};
  }
  while (begin_ < end_) {
    Result<http1::BodyDecoder::Step> step =
        decoder_.decode_all({buffer_.get() + begin_, end_ - begin_});
    if (!step) {
      broken_ = true;
      stats_.upstream_cx_protocol_error.add();
      return make_error_code(Error::kBadResponse);
    }
    begin_ += step->consumed;
    if (step->end) response_done_ = true;
    if (step->end || !step->data.empty()) return http::Chunk{step->data, step->end};
    if (!step->consumed) break;
  }
  return http::Chunk{};
}

Result<http::Chunk> Http1Client::poll() { return decode(); }

Task<Result<http::Chunk>> Http1Client::read() {
  while (true) {
    Result<http::Chunk> chunk = decode();
    if (!chunk || chunk->end || !chunk->bytes.empty()) co_return chunk;
    // The head and the last chunk have been used: nobody needs the buffer while nothing comes.
    begin_ = end_ = 0;
    loop_.buffers.give(std::move(buffer_));
    if (error_code failed = co_await fill()) {
      if (failed == asio::error::eof) {
        if (raw_ || decoder_.finish()) {
          response_done_ = true;
          co_return http::Chunk{{}, true};
        }
        co_return make_error_code(Error::kReset);
      }
      co_return failed;
    }
  }
}

}  // namespace tidegate::proxy::upstream
