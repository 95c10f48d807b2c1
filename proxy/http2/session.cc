#include "proxy/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "proxy/http2/provider.h"

namespace tidegate::proxy::http2 {

bool Session::Guard::hit(std::uint32_t max, std::chrono::seconds period) {
  const auto now = Clock::now();
  if (now - since > period) {
    since = now;
    count = 0;
  }
  return ++count > max;
}

/// What nghttp2 calls. It never calls back into coroutines: those are woken when it is off the stack.
struct Callbacks {
  static Session& session(void* data) { return *static_cast<Session*>(data); }

  /// The stream that a frame is for, in an exchange's hands or still being received.
  static Stream* stream(Session& self, std::int32_t id) {
    if (auto incoming = self.incoming_.find(id); incoming != self.incoming_.end()) return incoming->second.get();
    return self.find(id);
  }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* data) {
    Session& self = session(data);
    if (header->type == NGHTTP2_CONTINUATION) {
      if (++self.continuations_ > self.limits_.continuations_max) self.calm_down();
    } else {
      self.continuations_ = 0;
    }
    return 0;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Session& self = session(data);
    const std::int32_t id = frame->hd.stream_id;
    if (self.role_ == Role::kServer && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      std::unique_ptr<Stream> fresh(new Stream(self));
      fresh->id_ = id;
      fresh->begin_block(Stream::Block::kHead);
      self.incoming_[id] = std::move(fresh);
      return 0;
    }
    if (Stream* found = stream(self, id)) {
      found->begin_block(found->head_complete_ ? Stream::Block::kTrailers : Stream::Block::kHead);
    }
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    if (Stream* found = stream(session(data), frame->hd.stream_id)) {
      found->add_field({reinterpret_cast<const char*>(name), name_size}, {reinterpret_cast<const char*>(value), value_size});
    }
    return 0;
  }

  /// A field that RFC 9110 forbids: the stream is reset, not the field dropped.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*,
                            std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Session& self = session(data);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    Stream* found = frame->hd.stream_id == 0 ? nullptr : stream(self, frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (found != nullptr) self.end_head(*found, end);
        break;
      case NGHTTP2_DATA:
        if (frame->hd.length == 0 && !end && self.empty_frames_.hit(self.limits_.empty_frames_max, self.limits_.guard_period)) {
          self.calm_down();
        }
        if (found != nullptr && end) {
          found->end_received_ = true;
          found->wake_reader_ = true;
          self.wake_later(*found);
        }
        break;
      case NGHTTP2_RST_STREAM:
        if (found != nullptr) found->reset_by_peer_ = true;
        if (self.role_ == Role::kServer && self.resets_.hit(self.limits_.resets_max, self.limits_.guard_period)) self.calm_down();
        break;
      case NGHTTP2_GOAWAY: self.goaway_received_ = true; break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
          if (self.draining_) self.finish_drain();
          break;
        }
        [[fallthrough]];
      case NGHTTP2_SETTINGS:
      case NGHTTP2_PRIORITY:
        if (self.empty_frames_.hit(self.limits_.empty_frames_max, self.limits_.guard_period)) self.calm_down();
        break;
      default: break;
    }
    return 0;
  }

  static int data_chunk(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* data) {
    Session& self = session(data);
    Stream* found = stream(self, id);
    if (found == nullptr || found->failed_) {
      nghttp2_session_consume_connection(raw, size);  // nobody will
      return 0;
    }
    found->received_.append(reinterpret_cast<const char*>(bytes), size);
    found->wake_reader_ = true;
    self.wake_later(*found);
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* data) {
    Session& self = session(data);
    Stream* found = stream(self, id);
    if (found == nullptr) return 0;
    found->closed_ = true;
    self.streams_.erase(id);
    const bool complete = found->end_received_ && found->end_written_ && code == NGHTTP2_NO_ERROR;
    if (!complete) {
      found->fail(code == NGHTTP2_REFUSED_STREAM ? Error::kRefused : found->reset_by_peer_ ? Error::kReset : Error::kMalformed);
    }
    self.incoming_.erase(id);
    return 0;
  }

  /// A request that could not be sent: the connection goes away.
  static int not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* data) {
    Session& self = session(data);
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (Stream* found = stream(self, frame->hd.stream_id)) found->fail(Error::kNotUsable);
    return 0;
  }

  static ssize_t read_data(nghttp2_session* raw, std::int32_t id, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source*, void* data) {
    Session& self = session(data);
    Stream* found = self.find(id);
    if (found == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t size = std::min(room, found->sending_.size());
    if (size == 0 && !found->sending_end_ && found->sending_trailers_ == nullptr) {
      found->deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    if (size > 0) std::copy_n(found->sending_.data(), size, into);
    found->sending_ = found->sending_.subspan(size);
    if (!found->sending_.empty()) return static_cast<ssize_t>(size);
    found->wake_writer_ = true;
    self.wake_later(*found);
    if (found->sending_trailers_ != nullptr) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      found->submit_trailers(raw);
      found->end_written_ = true;
    } else if (found->sending_end_) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      found->end_written_ = true;
    }
    return static_cast<ssize_t>(size);
  }
};

nghttp2_data_provider data_provider() {
  nghttp2_data_provider out{};
  out.read_callback = Callbacks::read_data;
  return out;
}

Session::Session(Role role, Handler& handler, const Limits& limits) : role_(role), handler_(handler), limits_(limits) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Callbacks::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Callbacks::invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::not_sent);
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_outbound_ack(options, limits.acks_waiting_max);
  nghttp2_option_set_peer_max_concurrent_streams(options, 100);
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head.head_bytes_max)},
  };
  if (role == Role::kServer) {
    nghttp2_session_server_new2(&session_, callbacks, this, options);
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrent_streams});
    if (limits.extended_connect) settings.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
  } else {
    nghttp2_session_client_new2(&session_, callbacks, this, options);
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(limits.connection_window_bytes));
}

Session::~Session() {
  for (auto& [id, stream] : streams_) {
    stream->session_ = nullptr;
    stream->failed_ = Error::kClosed;
  }
  for (Stream* stream : unsent_) stream->session_ = nullptr;
  for (auto& [id, stream] : incoming_) stream->session_ = nullptr;
  for (auto& stream : requests_) stream->session_ = nullptr;
  nghttp2_session_del(session_);
}

Stream* Session::find(std::int32_t id) {
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

error_code Session::feed(std::span<const char> bytes) {
  inside_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  inside_ = false;
  if (taken < 0 && !failed_) {
    failed_ = taken == NGHTTP2_ERR_FLOODED ? Error::kFlood : Error::kProtocol;
    if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) nghttp2_session_terminate_session(session_, NGHTTP2_PROTOCOL_ERROR);
  }
  wake();
  return failed_;
}

void Session::gather() {
  if (output_done_ < output_.size()) return;
  output_.clear();
  output_done_ = 0;
  inside_ = true;
  while (output_.size() < limits_.output_bytes) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) {
      if (size < 0 && !failed_) failed_ = Error::kProtocol;
      break;
    }
    output_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  inside_ = false;
}

std::span<const char> Session::output() {
  gather();
  return {output_.data() + output_done_, output_.size() - output_done_};
}

void Session::consume_output(std::size_t bytes) { output_done_ = std::min(output_done_ + bytes, output_.size()); }

void Session::wake_later(Stream& stream) {
  if (std::find(woken_.begin(), woken_.end(), &stream) == woken_.end()) woken_.push_back(&stream);
  if (!inside_) submitted();
}

void Session::submitted() {
  if (inside_ || asked_) return;
  asked_ = true;
  handler_.output_ready();
}

void Session::wake() {
  asked_ = false;
  if (goaway_received_ && !goaway_told_) {
    goaway_told_ = true;
    handler_.goaway();
  }
  while (!requests_.empty()) {
    std::vector<std::unique_ptr<Stream>> ready;
    ready.swap(requests_);
    for (auto& stream : ready) handler_.request(std::move(stream));
  }
  // A waiter may end its stream, or another's: take one at a time.
  while (!woken_.empty()) {
    Stream& stream = *woken_.back();
    woken_.pop_back();
    const bool reader = std::exchange(stream.wake_reader_, false);
    const bool writer = std::exchange(stream.wake_writer_, false);
    http::ServerStream::Watcher* watcher = stream.wake_watcher_ ? std::exchange(stream.watcher_, nullptr) : nullptr;
    stream.wake_watcher_ = false;
    if (watcher != nullptr && (reader || writer)) woken_.push_back(&stream);
    if (watcher != nullptr) {
      stream.wake_reader_ = reader;
      stream.wake_writer_ = writer;
      watcher->client_gone();
      continue;
    }
    if (reader && writer) {
      stream.wake_writer_ = true;
      woken_.push_back(&stream);
      stream.readable_.notify();
      continue;
    }
    if (reader) stream.readable_.notify();
    if (writer) stream.writable_.notify();
  }
}

std::unique_ptr<Stream> Session::open() {
  if (!usable()) return nullptr;
  std::unique_ptr<Stream> out(new Stream(*this));
  unsent_.push_back(out.get());
  return out;
}

bool Session::usable() const {
  if (failed_ || goaway_received_ || draining_ || role_ != Role::kClient) return false;
  const std::size_t limit = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return nghttp2_session_check_request_allowed(session_) != 0 && streams_.size() + unsent_.size() < std::min<std::size_t>(limit, 100);
}

bool Session::peer_takes_upgrades() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void Session::drain() {
  if (draining_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  submitted();
}

void Session::finish_drain() {
  if (drained_) return;
  draining_ = drained_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
  submitted();
}

void Session::calm_down() {
  if (failed_) return;
  failed_ = Error::kFlood;
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Session::close(error_code reason) {
  if (!failed_) failed_ = reason;
  std::vector<Stream*> all;
  for (auto& [id, stream] : streams_) all.push_back(stream);
  all.insert(all.end(), unsent_.begin(), unsent_.end());
  for (Stream* stream : all) stream->fail(reason);
  incoming_.clear();
  requests_.clear();
}

bool Session::done() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0 && output_done_ == output_.size();
}

void Session::forget(Stream& stream) {
  std::erase(woken_, &stream);
  std::erase(unsent_, &stream);
  if (stream.id_ == 0) return;
  const std::size_t unread = stream.received_.size() + stream.lent_.size();
  if (unread > 0) nghttp2_session_consume_connection(session_, unread);
  if (!stream.closed_) {
    const bool answered = role_ == Role::kServer && stream.end_written_;
    if (!(stream.end_written_ && stream.end_received_)) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, answered ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    }
    streams_.erase(stream.id_);
  }
  submitted();
}

/// The end of a block of fields: a head, or trailers.
void Session::end_head(Stream& stream, bool end) {
  const std::int32_t id = stream.id_;
  if (stream.block_ == Stream::Block::kTrailers) {
    stream.has_trailers_ = !stream.trailers_.empty();
    stream.end_received_ = true;
    stream.wake_reader_ = true;
    wake_later(stream);
    return;
  }
  if (role_ == Role::kClient) {
    if (stream.block_too_large_ || !stream.finish_response(end)) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
      stream.fail(stream.block_too_large_ ? Error::kHeadTooLarge : Error::kMalformed);
      return;
    }
    stream.wake_reader_ = true;
    wake_later(stream);
    return;
  }
  auto incoming = incoming_.find(id);
  if (incoming == incoming_.end()) return;
  if (stream.block_too_large_) return refuse(id, 431);
  if (!stream.finish_request(end)) return refuse(id, 400);
  std::unique_ptr<Stream> complete = std::move(incoming->second);
  incoming_.erase(incoming);
  streams_[id] = complete.get();
  requests_.push_back(std::move(complete));
}

void Session::refuse(std::int32_t id, int status) {
  std::string text = std::to_string(status);
  std::string name = ":status";
  nghttp2_nv field{reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(text.data()), name.size(),
                   text.size(), NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_response(session_, id, &field, 1, nullptr);
  if (auto found = incoming_.find(id); found != incoming_.end()) {
    found->second->session_ = nullptr;
    incoming_.erase(found);
  }
}

}  // namespace tidegate::proxy::http2
