#include "proxy/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "proxy/http2/callbacks.h"
#include "proxy/http2/field_list.h"

namespace tidegate::proxy::http2 {

namespace {
constexpr std::size_t kHeadSentMax =
    9 * 1024 * 1024;                                // the largest that a listener lets in, and ours
constexpr std::size_t kBehindAnAnswer = 64 * 1024;  // waits for a client that does not take it
// Why a session is over in the middle of nghttp2's work; streams have it for other reasons as well.
constexpr Error kOutOfMemory = Error::kCancelled;
/// A flag that is up while this lasts, however that ends.
class Raised {
 public:
  explicit Raised(bool& flag) : flag_(flag) { flag_ = true; }
  ~Raised() { flag_ = false; }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;

 private:
  bool& flag_;
};
constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kFramesOfAStream = 32;   // that wait at a time: heads, 1xx, windows, a reset
constexpr std::size_t kIdleBytes = 16 * 1024;  // of output that a connection without streams keeps
}  // namespace

bool Session::Guard::hit(std::uint32_t max, std::chrono::seconds period, std::uint32_t times) {
  const auto now = Clock::now();
  if (now - since > period) {
    since = now;
    count = 0;
  }
  count += times;
  return count > max;
}

Session::Session(Role role, Handler& handler, const Limits& limits, LimitStats* hits)
    : role_(role),
      handler_(handler),
      limits_(limits),
      hits_(hits),
      watch_(role == Role::kServer, limits.continuations_max) {
  nghttp2_option* options = nullptr;
  if (nghttp2_option_new(&options) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_outbound_ack(options, limits.acks_waiting_max);
  // It counts the pieces that their heads come in; `watch_` counts frames.
  nghttp2_option_set_max_continuations(options, kFrameHead * (limits.continuations_max + 1));
  nghttp2_option_set_peer_max_concurrent_streams(options, limits.concurrent_streams);
  std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
       limits.first_window_bytes != 0 ? limits.first_window_bytes : limits.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(limits.head.head_bytes_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  std::size_t count = 3;
  int made = 0;
  if (role == Role::kServer) {
    made = nghttp2_session_server_new2(&session_, session_callbacks(), this, options);
    // A stream above is reset with REFUSED_STREAM while the peer has not acknowledged this, and so
    // may not have known; then nghttp2 ends the connection, with GOAWAY and PROTOCOL_ERROR. RFC
    // 9113 section 5.1.2 would have a stream error there too; nghttp2 has no setting for it.
    settings[count++] = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrent_streams};
    if (limits.extended_connect) settings[count++] = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
  } else {
    nghttp2_option_set_max_send_header_block_length(options, kHeadSentMax);
    made = nghttp2_session_client_new2(&session_, session_callbacks(), this, options);
    settings[count++] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  }
  nghttp2_option_del(options);
  if (made != 0) throw std::bad_alloc();
  if (nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), count) != 0 ||
      nghttp2_session_set_local_window_size(
          session_, NGHTTP2_FLAG_NONE, 0,
          static_cast<std::int32_t>(limits.connection_window_bytes)) != 0) {
    nghttp2_session_del(session_);
    throw std::bad_alloc();
  }
}

void Session::must(int result) {
  if (nghttp2_is_fatal(result) != 0) throw std::bad_alloc();
}

Session::~Session() {
  close(Error::kClosed);
  for (auto& [id, stream] : streams_) stream->session_ = nullptr;
  for (Stream* stream : unsent_) stream->session_ = nullptr;
  if (incoming_) incoming_->session_ = nullptr;
  nghttp2_session_del(session_);
}

Stream* Session::find(std::int32_t id) {
  if (incoming_ && incoming_->id_ == id) return incoming_.get();
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

error_code Session::feed(std::span<const char> bytes) {
  if (failed_) return failed_;
  const FrameWatch::Seen seen = watch_.feed(bytes);
  inside_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), seen.good);
  inside_ = false;
  if (!failed_ && (taken == NGHTTP2_ERR_NOMEM || taken == NGHTTP2_ERR_CALLBACK_FAILURE)) {
    failed_ = kOutOfMemory;
    return failed_;
  }
  if (taken < 0 && !failed_) {
    failed_ = taken == NGHTTP2_ERR_FLOODED ? Error::kFlood : Error::kProtocol;
    nghttp2_session_terminate_session(
        session_, failed_ == Error::kFlood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    if (failed_ == Error::kFlood) hit(&LimitStats::http2_frames);
  }
  // Whatever frames are answered with, nine bytes may cost twenty times as many.
  if (!failed_ && nghttp2_session_get_outbound_queue_size(session_) > frames_waiting_max())
    calm_down(&LimitStats::http2_frames);
  if (seen.wrong == FrameWatch::Wrong::kTooMany) {
    if (!failed_) hit(&LimitStats::http2_continuations);
    end_with(Error::kProtocol, NGHTTP2_PROTOCOL_ERROR);
  }
  if (seen.wrong == FrameWatch::Wrong::kProtocol)
    end_with(Error::kProtocol, NGHTTP2_PROTOCOL_ERROR);
  if (seen.wrong == FrameWatch::Wrong::kStreamClosed)
    end_with(Error::kProtocol, NGHTTP2_STREAM_CLOSED);
  if (seen.idle_frames > 0 &&
      empty_frames_.hit(limits_.empty_frames_max, limits_.guard_period, seen.idle_frames)) {
    calm_down(&LimitStats::http2_frames);
  }
  gather();  // what breaks the connection shows in the GOAWAY that nghttp2 makes of it
  wake();
  return failed_;
}

/// For the peer to take. DATA does not count: it waits where it comes from.
std::size_t Session::frames_waiting_max() const {
  return limits_.acks_waiting_max + kFramesOfAStream * limits_.concurrent_streams;
}

/// Adds to the output while there is room; what is in it already is not touched.
void Session::gather() {
  if (failed_ == kOutOfMemory) return;  // nghttp2 is not to be called after that
  const Raised inside(inside_);
  while (output_.size() < limits_.output_bytes) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0 && !failed_) {  // memory: what was to be sent is lost, and so the connection
      failed_ = kOutOfMemory;
      for (auto& [id, stream] : streams_) stream->fail(failed_);
      for (Stream* stream : unsent_) stream->fail(failed_);
    }
    if (size <= 0) break;
    output_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

std::span<const char> Session::output() {
  if (output_done_ == output_.size()) {
    output_.clear();
    output_done_ = 0;
    if (streams_.empty() && output_.capacity() > kIdleBytes) output_ = std::string();
    gather();
    if (!woken_.empty()) submitted();
  }
  return {output_.data() + output_done_, output_.size() - output_done_};
}

void Session::consume_output(std::size_t bytes) {
  output_done_ = std::min(output_done_ + bytes, output_.size());
}

void Session::wake_later(Stream& stream) {
  if (!std::exchange(stream.queued_, true)) woken_.push_back(&stream);
  if (!inside_) submitted();
}

/// Something is to be sent, or somebody to be woken.
void Session::submitted() {
  if (inside_) return;
  if (!failed_) gather();
  if (asked_ || waking_) return;
  asked_ = true;
  handler_.output_ready();
}

void Session::wake() {
  asked_ = false;
  if (waking_) return;
  const Raised waking(waking_);
  for (const int status : refused_) handler_.refused(status);
  refused_.clear();
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    std::unique_ptr<Stream> request = std::move(requests_[i]);
    if (!request->failed_) handler_.request(std::move(request));
  }
  requests_.clear();
  for (std::size_t i = 0; i < woken_.size(); ++i) {
    while (woken_[i] != nullptr && woken_[i]->wake_one()) {
    }
  }
  woken_.clear();
}

std::unique_ptr<Stream> Session::open() {
  if (!usable()) return nullptr;
  std::unique_ptr<Stream> out(new Stream(*this));
  unsent_.push_back(out.get());
  ++opened_;
  ++open_;
  return out;
}

bool Session::usable() const {
  if (failed_ || goaway_received_ || draining_ || role_ != Role::kClient) return false;
  if (limits_.streams_total_max != 0 && opened_ >= limits_.streams_total_max) return false;
  const std::size_t limit =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return open_ < std::min<std::size_t>(limit, limits_.concurrent_streams) &&
         nghttp2_session_check_request_allowed(session_) != 0;
}

bool Session::full() const {
  const std::size_t limit =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return open_ - unsent_.size() >= limit;
}

bool Session::peer_takes_upgrades() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) ==
         1;
}

void Session::drain() {
  if (draining_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  submitted();
}

void Session::ping() {
  if (nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr) == 0) ++pings_waiting_;
  submitted();
}

void Session::finish_drain() {
  if (drained_) return;
  draining_ = drained_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  submitted();
}

void Session::calm_down(Counter LimitStats::* limit) {
  if (!failed_ && limit != nullptr) hit(limit);
  end_with(Error::kFlood, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Session::end_with(error_code reason, std::uint32_t code) {
  if (failed_) return;
  failed_ = reason;
  nghttp2_session_terminate_session(session_, code);
}

Session::Stalled Session::sweep_stalled(int sending_calls, int reading_calls) {
  std::vector<Stream*> stalled;
  Stalled out;
  for (auto& [id, stream] : streams_) {
    if (stream->failed_) continue;
    const bool sending = !stream->sending_.empty() || stream->sending_end_;
    const bool sends = sending && !stream->end_written_;
    const bool reads = !sends && !stream->tunnel_ && !stream->end_received_ &&
                       stream->received_.empty() && stream->readable_.awaited();
    stream->quiet_calls_ = sends || reads ? stream->quiet_calls_ + 1 : 0;
    const int most = stream->quiet_calls_most_.value_or(sends ? sending_calls : reading_calls);
    if (stream->quiet_calls_ <= most) continue;
    stalled.push_back(stream);
    ++(sends ? out.sending : out.reading);
  }
  for (Stream* stream : stalled) stream->reset(Error::kIdle);
  return out;
}

std::size_t Session::buffered_bytes() const {
  std::size_t out = output_.capacity();
  for (const auto& [id, stream] : streams_) {
    out += stream->received_.capacity() + stream->lent_.capacity();
    if (!stream->sending_.empty()) out += kBehindAnAnswer;
  }
  return out;
}

void Session::close(error_code reason) {
  if (!failed_) failed_ = reason;
  std::vector<Stream*> all(unsent_);
  for (auto& [id, stream] : streams_) all.push_back(stream);
  for (Stream* stream : all) stream->fail(reason);
  requests_.clear();
}

bool Session::done() const {
  if (failed_ == kOutOfMemory) return true;
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0 &&
         output_done_ == output_.size();
}

void Session::forget(Stream& stream) {
  if (stream.queued_)
    std::replace(woken_.begin(), woken_.end(), &stream, static_cast<Stream*>(nullptr));
  if (!stream.closed_ && role_ == Role::kClient) --open_;
  if (stream.id_ == 0) {
    std::erase(unsent_, &stream);
    return;
  }
  streams_.erase(stream.id_);
  const std::size_t unread = stream.received_.size() + stream.lent_.size();
  if (unread > 0) nghttp2_session_consume_connection(session_, unread);
  const bool ended = stream.end_written_ && role_ == Role::kServer;
  // Not yet: nghttp2 would drop an end that still waits for its reset. Callbacks::frame_sent()
  // does.
  if (ended && nghttp2_session_get_stream_local_close(session_, stream.id_) == 0) {
    submitted();
    return;
  }
  if (!stream.closed_ && !stream.failed_ && !(stream.end_written_ && stream.end_received_)) {
    const std::uint32_t code =
        role_ == Role::kClient ? NGHTTP2_CANCEL
        : stream.end_written_  ? NGHTTP2_NO_ERROR  // RFC 9113 section 8.1: the rest is not needed
                               : NGHTTP2_INTERNAL_ERROR;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  }
  submitted();
}

/// The end of a block of fields: a head, or trailers.
void Session::end_head(Stream& stream, bool end) {
  if (&stream == incoming_.get()) {
    if (const int status = stream.finish_request(end); status != 0)
      return refuse(stream.id_, status);
    streams_[stream.id_] = &stream;
    requests_.push_back(std::move(incoming_));
    return;
  }
  if (stream.failed_) return;
  bool good = !stream.block_too_large_;
  if (stream.block_ == Stream::Block::kTrailers) {
    stream.has_trailers_ = !stream.trailers_.empty();
    stream.end_received_ = true;
  } else if (good) {
    good = stream.finish_response(end);
  }
  if (good) {
    stream.wake_reader_ = true;
    stream.wake_writer_ = stream.wake_writer_ || stream.end_received_;
    wake_later(stream);
    return;
  }
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_PROTOCOL_ERROR);
  stream.end_received_ = false;
  stream.fail(stream.block_too_large_ ? Error::kHeadTooLarge : Error::kMalformed);
}

/// Answers without an exchange.
void Session::refuse(std::int32_t id, int status) {
  FieldList fields;
  fields.add_number(":status", static_cast<std::uint64_t>(status));
  fields.add_number("content-length", 0);
  nghttp2_submit_response(session_, id, fields.data(), fields.size(), nullptr);
  incoming_->session_ = nullptr;
  incoming_.reset();
  refused_.push_back(status);
}

}  // namespace tidegate::proxy::http2
