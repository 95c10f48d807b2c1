#include "proxy/http2/callbacks.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include "proxy/http2/sending.h"
#include "proxy/http2/session.h"
#include "proxy/http2/stream.h"

namespace tidegate::proxy::http2 {

/// nghttp2's events. None of them calls a handler or a waiter: those are woken when nghttp2 is off
/// the stack.
struct Callbacks {
  static constexpr std::uint64_t kUpdatesPerData = 10;  // WINDOW_UPDATE for a frame of ours

  static Session& session(void* data) { return *static_cast<Session*>(data); }
  static std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Session& self = session(data);
    const std::int32_t id = frame->hd.stream_id;
    if (self.role_ == Role::kServer && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      drop_incoming(self);
      self.incoming_.reset(new Stream(self));
      self.incoming_->id_ = id;
      ++self.opened_;
    }
    if (Stream* found = self.find(id)) found->begin_block();
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* data) {
    Session& self = session(data);
    Stream* found = self.find(frame->hd.stream_id);
    if (found == nullptr || found->add_field(view(name, name_size), view(value, value_size)))
      return 0;
    self.calm_down(nullptr);  // it is counted already
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  /// A field that RFC 9110 forbids: the stream is reset, not the field dropped.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                            std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Session& self = session(data);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    Stream* found = frame->hd.stream_id == 0 ? nullptr : self.find(frame->hd.stream_id);
    bool too_many = false;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (found != nullptr) self.end_head(*found, end);
        break;
      case NGHTTP2_DATA:
        ++self.data_received_;
        if (found != nullptr && end) {
          found->end_received_ = true;
          found->wake_reader_ = found->wake_writer_ = true;
          self.wake_later(*found);
        }
        too_many = frame->hd.length <= frame->data.padlen && !end &&
                   self.empty_frames_.hit(self.limits_.empty_frames_max, self.limits_.guard_period);
        break;
      case NGHTTP2_RST_STREAM:
        if (found == nullptr) break;
        found->reset_by_peer_ = true;
        too_many = self.role_ == Role::kServer && !found->end_written_ &&
                   self.resets_.hit(self.limits_.resets_max, self.limits_.guard_period);
        break;
      case NGHTTP2_GOAWAY:
        self.goaway_received_ = true;
        break;
      case NGHTTP2_PING:
        if (ack && self.draining_) self.finish_drain();
        if (ack && self.pings_waiting_ > 0) --self.pings_waiting_;
        // grpc-go measures with one for each message.
        too_many = self.beyond(++self.pings_,
                               2 * (self.opened_ + self.data_frames_ + self.data_received_));
        break;
      case NGHTTP2_WINDOW_UPDATE:
        too_many = self.beyond(++self.window_updates_,
                               2 * self.opened_ + kUpdatesPerData * self.data_frames_);
        break;
      case NGHTTP2_SETTINGS:
        if (!ack && !self.settings_received_) {
          self.settings_received_ = true;
          for (Stream* waiting : self.unsent_) {
            waiting->wake_writer_ = true;
            self.wake_later(*waiting);
          }
        }
        too_many = self.empty_frames_.hit(self.limits_.empty_frames_max, self.limits_.guard_period);
        break;
      default:
        break;
    }
    if (!too_many) return 0;
    self.calm_down(frame->hd.type == NGHTTP2_RST_STREAM ? &LimitStats::http2_resets
                                                        : &LimitStats::http2_frames);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int data_chunk(nghttp2_session* raw, std::uint8_t, std::int32_t id,
                        const std::uint8_t* bytes, std::size_t size, void* data) {
    Session& self = session(data);
    Stream* found = self.find(id);
    if (found == nullptr || found->failed_) {
      nghttp2_session_consume_connection(raw, size);  // nobody else will
      return 0;
    }
    found->quiet_calls_ = 0;
    found->received_.append(reinterpret_cast<const char*>(bytes), size);
    found->wake_reader_ = true;
    self.wake_later(*found);
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* data) {
    Session& self = session(data);
    Stream* found = self.find(id);
    if (found == nullptr) return 0;
    if (found == self.incoming_.get()) {
      drop_incoming(self);
      return 0;
    }
    close_stream(self, *found);
    if (found->end_received_ && found->end_written_) return 0;
    const bool refused = code == NGHTTP2_REFUSED_STREAM && !found->answered_;
    found->fail(refused                 ? Error::kRefused
                : found->reset_by_peer_ ? Error::kReset
                                        : Error::kMalformed);
    return 0;
  }

  static int frame_sent(nghttp2_session* raw, const nghttp2_frame* frame, void* data) {
    Session& self = session(data);
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      if (Stream* found = self.find(frame->hd.stream_id)) {
        found->end_written_ = true;
        found->wake_writer_ = true;
        self.wake_later(*found);
      } else if (self.role_ == Role::kServer &&
                 nghttp2_session_get_stream_remote_close(raw, frame->hd.stream_id) == 0) {
        // RFC 9113 section 8.1: nobody is there any more for the rest of the request.
        nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
      }
    } else if (of_window(*frame)) {
      self.hit(&LimitStats::http2_window);
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
        !self.failed_) {
      self.failed_ = Error::kProtocol;
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && self.role_ == Role::kServer &&
               of_peer(frame->rst_stream.error_code) &&
               self.resets_.hit(self.limits_.resets_max, self.limits_.guard_period)) {
      self.calm_down(&LimitStats::http2_resets);
    }
    return 0;
  }

  /// A frame that nghttp2 refuses: a stream above the limit, with or without the whole connection.
  static int invalid_frame(nghttp2_session* raw, const nghttp2_frame* frame, int reason,
                           void* data) {
    Session& self = session(data);
    const std::int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_HEADERS && self.role_ == Role::kServer &&
        (reason == NGHTTP2_ERR_REFUSED_STREAM ||
         (reason == NGHTTP2_ERR_PROTO && id % 2 == 1 &&
          id > nghttp2_session_get_last_proc_stream_id(raw) &&
          frame->headers.pri_spec.stream_id != id))) {
      self.hit(&LimitStats::http2_streams);
    }
    if (reason != NGHTTP2_ERR_REFUSED_STREAM ||
        !self.empty_frames_.hit(self.limits_.empty_frames_max, self.limits_.guard_period)) {
      return 0;
    }
    self.calm_down(&LimitStats::http2_frames);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static bool of_window(const nghttp2_frame& frame) {
    return (frame.hd.type == NGHTTP2_GOAWAY &&
            frame.goaway.error_code == NGHTTP2_FLOW_CONTROL_ERROR) ||
           (frame.hd.type == NGHTTP2_RST_STREAM &&
            frame.rst_stream.error_code == NGHTTP2_FLOW_CONTROL_ERROR);
  }

  /// Whether a reset that we send was made by what the peer did: as good a way to flood as resets
  /// of its own.
  static bool of_peer(std::uint32_t code) {
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
           code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR;
  }

  /// A request that could not be sent, since the peer is going away; or a head that is too large
  /// for nghttp2.
  static int not_sent(nghttp2_session* raw, const nghttp2_frame* frame, int reason, void* data) {
    Session& self = session(data);
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    Stream* found = self.find(frame->hd.stream_id);
    if (found == nullptr || found->failed_) return 0;
    if (reason == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED || reason == NGHTTP2_ERR_SESSION_CLOSING) {
      close_stream(self, *found);
      found->fail(Error::kNotUsable);
    } else {
      nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, found->id_, NGHTTP2_INTERNAL_ERROR);
      found->fail(Error::kHeadTooLarge);
    }
    return 0;
  }

  static ssize_t read_data(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source*, void* data) {
    Stream* found = session(data).find(id);
    if (found == nullptr || found->failed_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t size = std::min(room, found->sending_.size());
    if (size == 0 && (!found->sending_end_ || found->trailers_alone_)) {
      found->deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    if (size > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == found->sending_.size() && found->sending_end_) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (found->sending_trailers_ != nullptr) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        found->submit_trailers();
      }
    }
    return static_cast<ssize_t>(size);
  }

  /// The frame that read_data() has begun goes to the output in one copy; not now where the output
  /// is full.
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source*, void* data) {
    constexpr std::size_t kFrameHead = 9;
    Session& self = session(data);
    Stream* found = self.find(frame->hd.stream_id);
    if (found == nullptr || found->sending_.size() < size)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (self.output_.size() >= self.limits_.output_bytes) return NGHTTP2_ERR_WOULDBLOCK;
    self.output_.append(reinterpret_cast<const char*>(head), kFrameHead);
    self.output_.append(found->sending_.data(), size);
    found->sending_ = found->sending_.subspan(size);
    found->quiet_calls_ = 0;
    ++self.data_frames_;
    if (found->sending_.empty()) {
      found->wake_writer_ = true;
      self.wake_later(*found);
    }
    return 0;
  }

  static void close_stream(Session& self, Stream& stream) {
    if (!stream.closed_ && self.role_ == Role::kClient) --self.open_;
    stream.closed_ = true;
  }

  static void drop_incoming(Session& self) {
    if (!self.incoming_) return;
    self.incoming_->session_ = nullptr;
    self.incoming_.reset();
  }
};

namespace {
/// nghttp2 is C, and nothing is thrown through it: where there is no memory, the session ends.
template <auto kCallback>
struct Safe;
template <class Result, class... Arguments, Result (*kCallback)(Arguments...)>
struct Safe<kCallback> {
  static Result call(Arguments... arguments) {
    try {
      return kCallback(arguments...);
    } catch (const std::exception&) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }
};
}  // namespace

nghttp2_data_provider data_provider() {
  nghttp2_data_provider out{};
  out.read_callback = Safe<Callbacks::read_data>::call;
  return out;
}

const nghttp2_session_callbacks* session_callbacks() {
  struct Delete {
    void operator()(nghttp2_session_callbacks* callbacks) const {
      nghttp2_session_callbacks_del(callbacks);
    }
  };
  static const std::unique_ptr<nghttp2_session_callbacks, Delete> made = [] {
    nghttp2_session_callbacks* out = nullptr;
    if (nghttp2_session_callbacks_new(&out) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_headers_callback(out,
                                                            Safe<Callbacks::begin_headers>::call);
    nghttp2_session_callbacks_set_on_header_callback(out, Safe<Callbacks::header>::call);
    nghttp2_session_callbacks_set_on_invalid_header_callback(out,
                                                             Safe<Callbacks::invalid_header>::call);
    nghttp2_session_callbacks_set_on_frame_recv_callback(out,
                                                         Safe<Callbacks::frame_received>::call);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out,
                                                              Safe<Callbacks::data_chunk>::call);
    nghttp2_session_callbacks_set_on_stream_close_callback(out,
                                                           Safe<Callbacks::stream_closed>::call);
    nghttp2_session_callbacks_set_on_frame_send_callback(out, Safe<Callbacks::frame_sent>::call);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        out, Safe<Callbacks::invalid_frame>::call);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(out, Safe<Callbacks::not_sent>::call);
    nghttp2_session_callbacks_set_send_data_callback(out, Safe<Callbacks::send_data>::call);
    return std::unique_ptr<nghttp2_session_callbacks, Delete>(out);
  }();
  return made.get();
}

}  // namespace tidegate::proxy::http2
