#include "proxy/server/http1_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cstring>
#include <ctime>

#include "proxy/http/characters.h"
#include "proxy/http/date.h"
#include "proxy/http1/serializer.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds kFresh{100};          // a connection that is silent for longer comes to rest
constexpr milliseconds kFreshAmongMany{10};  // where many are
constexpr std::size_t kManySilent = 256;     // a few KB each
constexpr milliseconds kWatchAfter{
    20};  // how long an upstream is silent before the client is watched
constexpr std::size_t kBodyRoom =
    8 * 1024;  // less room behind the head than this, and the body gets a buffer of its own
constexpr std::size_t kUsualHead = 480;  // of an answer: room for it is taken at once
constexpr char kTlsHandshake = 0x16;     // the first byte of a ClientHello's record
constexpr std::string_view kHttp2 =
    "PRI * HTTP/2.0\r\n\r\n";  // the preface, as far as it is a head

/// Whether a head, or the empty line that may be ahead of it, can begin so: for what does not,
/// there is nothing to wait for.
bool begins_head(char c) {
  return (http::kClasses[static_cast<unsigned char>(c)] & http::kToken) != 0 || c == '\r' ||
         c == '\n';
}
}  // namespace

Http1Connection::Http1Connection(Loop& loop, net::Stream& stream, HttpStats& stats,
                                 ServeExchange serve_exchange, const Options& options,
                                 History& history)
    : loop_(loop),
      stream_(stream),
      stats_(stats),
      serve_exchange_(std::move(serve_exchange)),
      options_(options),
      history_(history),
      timer_([this] { timed_out(); }),
      stall_timer_([this] {
        stats_.downstream_rq_idle_timeout.add();
        stats_.limits.send_time.add();
        abort();
      }),
      watch_timer_([this] {
        if (!watcher_ || watching_ || reading_) return;
        watching_ = true;
        try {
          spawn(loop_.io, watch());
        } catch (...) {  // nobody will say that it has ended
          watching_ = false;
          throw;
        }
      }) {}

Http1Connection::~Http1Connection() {
  fresh(false);
  give_buffer();
  loop_.buffers.give(std::move(body_buffer_));
}

/// With its first head: what is silent speaks no protocol yet.
void Http1Connection::counted() {
  if (history_.counted) return;
  history_.counted = true;
  stats_.downstream_cx_http1_total.add();
  stats_.downstream_cx_http1_active.add();
}

/// The pool's go back to it; a larger one goes.
void Http1Connection::give_buffer() {
  if (room_ > BufferPool::kBytes) {
    buffer_.reset();
  } else {
    loop_.buffers.give(std::move(buffer_));
  }
  room_ = 0;
}

/// For a head that the limits allow and the buffer has no room for.
void Http1Connection::grow_buffer() {
  const std::size_t room = std::min(room_ * 2, options_.limits.head_bytes_max + kBodyRoom);
  BufferPool::Buffer larger = std::make_unique_for_overwrite<char[]>(room);
  std::memcpy(larger.get(), buffer_.get(), end_);
  give_buffer();
  buffer_ = std::move(larger);
  room_ = room;
}

/// Waits for a request that may follow at once.
void Http1Connection::fresh(bool now) {
  loop_.silent += static_cast<std::size_t>(now) - static_cast<std::size_t>(fresh_);
  fresh_ = now;
}

void Http1Connection::timed_out() {
  expired_ = true;
  stream_.cancel_read();
}

void Http1Connection::drain() {
  draining_ = true;
  if (!idle_) return;
  if (stream_.settled()) {
    stream_.close();
  } else {
    stream_.cancel_read();  // it parts in an orderly way
  }
}

/// Where the end of the connection is that of the body, an orderly one would make it look whole.
void Http1Connection::close() {
  keep_ = false;
  until_close_ ? stream_.reset() : stream_.close();
}

void Http1Connection::abort() { close(); }

void Http1Connection::watch_client(Watcher* watcher) {
  watcher_ = watcher;
  if (watcher) {
    loop_.wheel.arm(watch_timer_, kWatchAfter);
  } else {
    watch_timer_.cancel();
    if (watching_) stream_.cancel_read();
  }
}

/// Waits for a sign of the client while an upstream keeps us waiting. Bytes (a pipelined request,
/// more of the body) end the watch: their turn comes later.
Task<void> Http1Connection::watch() {
  error_code failed = co_await stream_.wait_readable();
  watching_ = false;
  if (failed == asio::error::operation_aborted) co_return;
  if (watcher_ && (failed || stream_.peer_closed())) watcher_->client_gone();
}

Task<Http1Connection::Got> Http1Connection::read_head() {
  std::size_t searched = begin_;
  bool started = false;
  idle_ = begin_ == end_;
  head_.asked_head = false;  // what is refused from here on answers no request before
  while (true) {
    if (end_ > begin_) {
      if (!started) {
        started = true;
        idle_ = false;
        fresh(false);
      }
      std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
      if (!begins_head(bytes.front())) {
        stats_.downstream_cx_protocol_error.add();
        if (bytes.front() == kTlsHandshake && !stream_.facts().tls) {
          co_await refuse(400, "TLS was sent to a port of plain HTTP: use http://\n",
                          kTlsOnPlainPort);
        } else {
          co_await refuse(400, http1::text_of(http1::HeadError::kBadMethod));
        }
        co_return Got::kRefused;
      }
      std::size_t size = http1::find_head_end(bytes, searched - begin_);
      if ((size ? size : bytes.size()) > options_.limits.head_bytes_max) {
        stats_.downstream_cx_protocol_error.add();
        stats_.limits.head_bytes.add();
        co_await refuse(431, "request head too large\n", "http1.headers_too_large");
        co_return Got::kRefused;
      }
      if (size) {
        timer_.cancel();
        if (options_.may_be_http2 && !history_.counted && bytes.starts_with(kHttp2))
          co_return Got::kHttp2;
        counted();
        head_.clear();
        patience_.reset();
        if (auto wrong = http1::parse_request_head(bytes.substr(0, size), options_.limits, head_)) {
          stats_.downstream_cx_protocol_error.add();
          if (*wrong == http1::HeadError::kTooManyFields) stats_.limits.head_fields.add();
          if (*wrong == http1::HeadError::kTargetTooLong) stats_.limits.target_bytes.add();
          if (const int status = http1::status_of(*wrong); status != 0) {
            co_await refuse(status, http1::text_of(*wrong));
          } else if (options_.refused) {
            options_.refused({});
          }
          co_return Got::kRefused;
        }
        if (head_.method == "CONNECT") {  // as in HTTP/2: we are no forward proxy
          co_await refuse(501, "CONNECT is not served\n", "connect_not_served", "-");
          co_return Got::kRefused;
        }
        head_end_ = begin_ + size;
        begin_ = head_end_;
        co_return Got::kHead;
      }
      searched = end_ - begin_ > 3 ? end_ - 3 : begin_;
      if (begin_ > 0) {  // room for the rest
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        searched -= begin_;
        end_ -= begin_;
        begin_ = 0;
      }
      if (!timer_.armed() && options_.head_timeout.count() > 0)
        loop_.wheel.arm(timer_, options_.head_timeout);
    } else {
      if (draining_) co_return Got::kEnd;
      begin_ = end_ = searched = 0;
      give_buffer();
      fresh(true);
      loop_.wheel.arm(timer_, loop_.silent > kManySilent ? kFreshAmongMany : kFresh);
    }
    if (buffer_ && end_ == room_) grow_buffer();
    auto reading = buffer_ ? stream_.read_some({buffer_.get() + end_, room_ - end_})
                           : stream_.read_some(loop_.buffers, buffer_);
    Result<std::size_t> got = co_await std::move(reading);
    if (buffer_ && room_ == 0) room_ = BufferPool::kBytes;
    if (!got && expired_ && fresh_) {
      fresh(false);
      if (!stream_.settled() && co_await settle()) co_return Got::kEnd;
      co_return stream_.is_open() && !draining_ ? Got::kIdle : Got::kEnd;
    }
    if (!got) {
      // The empty line that some clients send behind a body is no request to answer.
      const bool empty = std::string_view(buffer_.get() + begin_, end_ - begin_) == "\r\n";
      if (expired_ && !empty) {
        stats_.downstream_rq_header_timeout.add();
        co_await refuse(408, "request head did not arrive in time\n", "request_header_timeout",
                        "-");
        co_return Got::kRefused;
      }
      co_return Got::kEnd;
    }
    if (fresh_) timer_.cancel();
    stats_.downstream_cx_rx_bytes_total.add(*got);
    end_ += *got;
  }
}

/// An answer to what is not a request: the connection cannot be trusted to be in step any more.
Task<void> Http1Connection::refuse(int status, std::string_view text, std::string_view details,
                                   const char* flag) {
  timer_.cancel();
  counted();
  stats_.downstream_rq_total.add();
  stats_.downstream_rq_completed.add();
  stats_.downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  keep_ = false;
  http::ResponseHead head;
  head.status = status;
  head.body = {http::BodyLength::Kind::kExact, text.size()};
  head.fields.append("content-type", "text/plain; charset=utf-8");
  const bool asked_head = head_.asked_head;
  head_.clear();
  head_.asked_head = asked_head;
  co_await send_head(head, http::Chunk{{text.data(), text.size()}, true});
  if (options_.refused) options_.refused({status, flag, details, text.size()});
}

Task<void> Http1Connection::turn_away(std::string_view text, std::string_view details) {
  stats_.downstream_cx_protocol_error.add();
  co_await refuse(400, text, details);
  if (stream_.is_open()) co_await part();
}

Task<Http1Connection::Ended> Http1Connection::serve() {
  while (true) {
    Got got = co_await read_head();
    if (got == Got::kHttp2) co_return Ended::kHttp2;
    if (got == Got::kIdle) co_return Ended::kIdle;
    if (got != Got::kHead) break;
    stats_.downstream_rq_http1_total.add();
    head_.scheme = stream_.facts().tls ? "https" : "http";
    keep_ = head_.keep_alive;
    if (++history_.requests == options_.requests_max) {
      keep_ = false;
      stats_.downstream_cx_max_requests_reached.add();
    }
    answered_ = raw_ = cancelled_ = chunked_ = until_close_ = false;
    continue_due_ =
        head_.expect_continue && head_.version == http::Version::kHttp11 && begin_ == end_;
    body_done_ = head_.body.none();
    decoder_.start(head_.body, head_.chunked);
    // The body's bytes are read behind the head, which has to stay while the exchange lasts.
    body_begin_ = body_end_ = 0;
    co_await serve_exchange_(*this);
    watch_client(nullptr);
    while (watching_) co_await turn(loop_.io);  // its coroutine ends with the cancelled wait
    if (!answered_ || !keep_ || raw_ || draining_ || !stream_.is_open()) break;
    if (!body_done_) {
      // Short rests of bodies are read away, so that the connection can be kept; others end it.
      while (!body_done_) {
        Result<http::Chunk> rest = decode();
        if (!rest || (rest->bytes.empty() && !rest->end)) break;
      }
      if (!body_done_) break;
    }
    if (body_begin_ < body_end_) {  // a pipelined request came with the body
      std::memmove(buffer_.get(), body_at_ + body_begin_, body_end_ - body_begin_);
      begin_ = 0;
      end_ = body_end_ - body_begin_;
    } else if (body_end_ > 0) {
      begin_ = end_ = 0;
    }
    loop_.buffers.give(std::move(body_buffer_));
  }
  if (stream_.is_open()) co_await part();
  co_return Ended::kOver;
}

/// Ends the connection so that the client can read the last answer.
Task<void> Http1Connection::part() {
  // A client that has asked for the end, and whose request is whole, sends nothing more. What
  // others still send is read away for a moment, since a close with unread bytes would send RST
  // (RFC 9112 section 9.6).
  const bool over = answered_ && !raw_ && body_done_ && !head_.keep_alive && begin_ == end_ &&
                    body_begin_ == body_end_;
  if (!stream_.settled()) co_await settle();
  stream_.shutdown_send();
  if (over) {
    stream_.close();
    co_return;
  }
  expired_ = false;
  loop_.wheel.arm(timer_, milliseconds(1000));
  while (stream_.is_open() && !expired_) {
    Result<std::size_t> got = co_await stream_.read_some(loop_.buffers, body_buffer_);
    if (!got) break;
  }
  timer_.cancel();
  stream_.close();
}

Result<http::Chunk> Http1Connection::decode() {
  if (body_done_) return http::Chunk{{}, true};
  char* at = buffer_.get();
  std::size_t* begin = &begin_;
  std::size_t end = end_;
  if (begin_ == end_) {
    at = body_at_;
    begin = &body_begin_;
    end = body_end_;
  }
  if (raw_) {
    http::Chunk all{{at + *begin, end - *begin}, false};
    *begin = end;
    return all;
  }
  while (*begin < end) {
    Result<http1::BodyDecoder::Step> step = decoder_.decode_all({at + *begin, end - *begin});
    if (!step) {
      keep_ = false;
      if (step.error() == boost::system::errc::value_too_large) stats_.limits.trailers.add();
      return step.error();
    }
    *begin += step->consumed;
    if (step->end) body_done_ = true;
    if (step->end || !step->data.empty()) return http::Chunk{step->data, step->end};
    if (!step->consumed) break;
  }
  return http::Chunk{};
}

Result<http::Chunk> Http1Connection::poll() { return decode(); }

Task<Result<http::Chunk>> Http1Connection::read() {
  while (true) {
    Result<http::Chunk> chunk = decode();
    if (chunk && chunk->end && watcher_ && !raw_) loop_.wheel.arm(watch_timer_, kWatchAfter);
    if (!chunk || chunk->end || !chunk->bytes.empty()) co_return chunk;
    if (cancelled_) co_return asio::error::operation_aborted;
    if (continue_due_ && !answered_) {
      continue_due_ = false;
      if (error_code failed = co_await send_continue()) co_return failed;
      if (cancelled_) co_return asio::error::operation_aborted;
    }
    const bool first = body_end_ == 0;
    if (first) {
      body_at_ = buffer_.get() + head_end_;
      body_room_ = room_ - head_end_;
    }
    if (!body_buffer_ && body_room_ < kBodyRoom) {
      body_buffer_ = loop_.buffers.take();
      body_at_ = body_buffer_.get();
      body_room_ = BufferPool::kBytes;
    }
    if (first) begin_ = end_ = head_end_;
    if (watching_) {
      stream_.cancel_read();
      watch_timer_.cancel();
    }
    body_begin_ = body_end_ = 0;
    reading_ = true;
    expired_ = false;
    const auto most = patience_.value_or(options_.body_timeout);
    if (!raw_ && most.count() > 0) loop_.wheel.arm(timer_, most);
    Result<std::size_t> got = co_await stream_.read_some({body_at_, body_room_});
    timer_.cancel();
    reading_ = false;
    if (!got) {
      keep_ = false;
      if (expired_ && !cancelled_) {
        stats_.downstream_rq_idle_timeout.add();
        stats_.limits.body_time.add();
        co_return asio::error::timed_out;
      }
      if (raw_ && got.error() == asio::error::eof && !cancelled_) {
        body_done_ = true;
        co_return http::Chunk{{}, true};
      }
      co_return got.error();
    }
    stats_.downstream_cx_rx_bytes_total.add(*got);
    body_end_ = *got;
  }
}

void Http1Connection::abandon() {
  cancelled_ = true;
  keep_ = false;
  if (reading_) stream_.cancel_read();
}

http::ServerStream::Raw Http1Connection::raw() {
  if (!raw_) return {};
  watch_client(nullptr);
  return {&stream_, &stall_timer_, patience_.value_or(options_.send_timeout)};
}

/// Until the kernel has all of the answers: then the connection may rest, or end.
Task<error_code> Http1Connection::settle() {
  net::Stall stall{loop_.wheel, stall_timer_, patience_.value_or(options_.send_timeout)};
  co_return co_await net::settle(stream_, &stall);
}

/// `end`: the answer ends with them.
Task<error_code> Http1Connection::write(std::span<const asio::const_buffer> pieces, bool end) {
  stats_.downstream_cx_tx_bytes_total.add(asio::buffer_size(pieces));
  if (end && keep_ && body_done_ && !raw_ && stream_.write_later(pieces)) co_return error_code{};
  net::Stall stall{loop_.wheel, stall_timer_, patience_.value_or(options_.send_timeout)};
  error_code failed = co_await net::write_all(stream_, pieces, &stall);
  if (failed) keep_ = false;
  if (end && !failed) until_close_ = false;  // a close takes nothing from it any more
  co_return failed;
}

Task<error_code> Http1Connection::send_continue() {
  http::ResponseHead go;
  go.status = 100;
  co_return co_await send_informational(go);
}

/// While a body is read the answer may be there already, and one may write at a time: whoever comes
/// second waits for the first.
Task<error_code> Http1Connection::send_informational(const http::ResponseHead& head) {
  if (informing_) co_await informed_.wait();
  if (answered_) co_return error_code{};  // it comes too late
  struct Informing {
    explicit Informing(Http1Connection& one_in) : one(one_in) { one.informing_ = true; }
    ~Informing() {
      one.informing_ = false;
      one.informed_.notify_later(one.loop_.io);
    }
    Http1Connection& one;
  } informing(*this);
  std::string text;
  http1::write_response_head(head, head_.version, false, false, {}, text);
  std::array<asio::const_buffer, 1> pieces{asio::buffer(text)};
  co_return co_await write(pieces);
}

Task<error_code> Http1Connection::send_head(const http::ResponseHead& head, http::Chunk first) {
  answered_ = true;
  if (informing_) co_await informed_.wait();
  raw_ = head.status == 101 || (head_.method == "CONNECT" && head.status < 300);
  if (raw_) body_done_ = false;
  bodiless_ = !raw_ && (head_.is_head() || head.status == 204 || head.status == 304);
  bool unknown = head.body.kind == http::BodyLength::Kind::kUnknown && !bodiless_ && !raw_;
  chunked_ = unknown && head_.version == http::Version::kHttp11;
  until_close_ = unknown && !chunked_;  // HTTP/1.0
  if (until_close_) keep_ = false;
  // What is to come of a body that nobody waits for ends the connection, and is announced.
  const bool body_to_come = !body_done_ && begin_ == end_ && body_begin_ == body_end_;
  if (draining_ || (!body_done_ && continue_due_) || (first.end && body_to_come && !raw_))
    keep_ = false;
  if (!keep_ && draining_) stats_.downstream_cx_drain_close.add();
  out_.clear();
  if (out_.capacity() < kUsualHead) out_.reserve(kUsualHead);
  http1::write_response_head(head, head_.version, !keep_ && !raw_, head_.is_head(), http::date(),
                             out_);
  if (bodiless_) first.bytes = {};
  char size[20];
  std::size_t size_bytes =
      chunked_ && !first.bytes.empty() ? http1::write_chunk_size(size, first.bytes.size()) : 0;
  std::string_view after = size_bytes ? http1::kChunkEnd : std::string_view();
  std::string_view last = chunked_ && first.end ? http1::kLastChunk : std::string_view();
  if (first.end && !keep_ && body_done_ && !raw_) stream_.last();
  std::array<asio::const_buffer, 5> pieces{asio::buffer(out_), asio::buffer(size, size_bytes),
                                           asio::buffer(first.bytes.data(), first.bytes.size()),
                                           asio::buffer(after), asio::buffer(last)};
  co_return co_await write(pieces, first.end);
}

Task<error_code> Http1Connection::send_body(http::Chunk chunk) {
  if (bodiless_) co_return error_code{};
  char size[20];
  std::size_t size_bytes =
      chunked_ && !chunk.bytes.empty() ? http1::write_chunk_size(size, chunk.bytes.size()) : 0;
  std::string_view after = size_bytes ? http1::kChunkEnd : std::string_view();
  std::string_view last = chunked_ && chunk.end ? http1::kLastChunk : std::string_view();
  std::array<asio::const_buffer, 4> pieces{asio::buffer(size, size_bytes),
                                           asio::buffer(chunk.bytes.data(), chunk.bytes.size()),
                                           asio::buffer(after), asio::buffer(last)};
  co_return co_await write(pieces, chunk.end);
}

Task<error_code> Http1Connection::send_trailers(const http::Fields& trailers) {
  if (!chunked_) co_return error_code{};
  std::string last;
  http1::write_last_chunk(head_.te_trailers ? &trailers : nullptr, last);
  std::array<asio::const_buffer, 1> pieces{asio::buffer(last)};
  co_return co_await write(pieces);
}

}  // namespace tidegate::proxy::server
