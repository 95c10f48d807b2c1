#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::test {

/// The other side of an HTTP/2 connection, as a script: it sends what it is told, valid or not, and
/// notes what it hears. No sockets: bytes go in by take(), come out by give().
class Http2Peer {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  enum class Side { kClient, kServer };
  struct Heard {
    std::vector<Fields> heads;  // trailers too, in order
    std::string body;
    bool ended = false;
    int reset = -1;  // code of RST_STREAM; -1: none

    std::string field(std::string_view name, std::size_t head = 0) const {
      if (head >= heads.size()) return "(no head)";
      for (const auto& [key, value] : heads[head]) {
        if (key == name) return value;
      }
      return "(none)";
    }
    std::string status(std::size_t head = 0) const { return field(":status", head); }
  };

  /// `own_windows`: nothing that comes is given back but by window().
  explicit Http2Peer(Side side, bool own_windows = false) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, own_windows ? 1 : 0);
    nghttp2_option_set_no_http_messaging(options, 1);
    nghttp2_option_set_max_settings(options, 100);
    if (side == Side::kClient) {
      nghttp2_session_client_new2(&session_, callbacks, this, options);
    } else {
      nghttp2_session_server_new2(&session_, callbacks, this, options);
    }
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
  }
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;
  ~Http2Peer() { nghttp2_session_del(session_); }

  void settings(std::vector<nghttp2_settings_entry> entries = {}) {
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  }
  static Fields get(const std::string& path = "/", const std::string& authority = "example.com") {
    return {{":method", "GET"}, {":scheme", "http"}, {":authority", authority}, {":path", path}};
  }
  /// A request; with `open` its body follows by send().
  std::int32_t request(const Fields& fields, bool open = false) {
    std::vector<nghttp2_nv> list = block(fields);
    nghttp2_data_provider provider{{.ptr = this}, provide};
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                  open ? &provider : nullptr, nullptr);
  }
  void respond(std::int32_t id, const Fields& fields, bool open = false) {
    std::vector<nghttp2_nv> list = block(fields);
    nghttp2_data_provider provider{{.ptr = this}, provide};
    nghttp2_submit_response(session_, id, list.data(), list.size(), open ? &provider : nullptr);
  }
  void inform(std::int32_t id, const Fields& fields) {
    std::vector<nghttp2_nv> list = block(fields);
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, list.data(), list.size(),
                           nullptr);
  }
  void send(std::int32_t id, std::string_view bytes, bool end) {
    bodies_[id].bytes += bytes;
    bodies_[id].end = end;
    nghttp2_session_resume_data(session_, id);
  }
  void end_with(std::int32_t id, const Fields& trailers) {
    bodies_[id].end = true;
    bodies_[id].trailers = trailers;
    nghttp2_session_resume_data(session_, id);
  }
  void reset(std::int32_t id, std::uint32_t code = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
  }
  void go_away(std::int32_t last, std::uint32_t code = NGHTTP2_NO_ERROR) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, code, nullptr, 0);
  }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  /// Gives back that many bytes of a stream, and of the connection.
  void window(std::int32_t id, std::size_t bytes) { nghttp2_session_consume(session_, id, bytes); }

  std::string give() {
    std::string out;
    const std::uint8_t* bytes = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return out;
  }
  bool take(std::string_view bytes) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                    bytes.size()) >= 0;
  }

  Heard& heard(std::int32_t id) { return heard_[id]; }
  bool knows(std::int32_t id) const { return heard_.contains(id); }
  const std::vector<std::pair<std::int32_t, std::uint32_t>>& goaways() const {
    return goaways_;
  }  // last stream, code
  int pings_answered() const { return pings_answered_; }
  int pings() const { return pings_; }  // that came

  /// A frame's nine bytes and what follows them, as any peer may write it. Source: RFC 9113
  /// section 4.1.
  static std::string raw_frame(int type, int flags, std::int32_t stream, std::string_view payload) {
    std::string out;
    const std::size_t size = payload.size();
    for (const std::size_t byte : {size >> 16U, size >> 8U, size})
      out.push_back(static_cast<char>(byte & 0xFFU));
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(flags));
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(stream >> shift & 0xFF));
    out += payload;
    return out;
  }

 private:
  struct Body {
    std::string bytes;
    bool end = false;
    Fields trailers;
  };

  static std::vector<nghttp2_nv> block(const Fields& fields) {
    std::vector<nghttp2_nv> out;
    for (const auto& [name, value] : fields) {
      out.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                     value.size(), 0});
    }
    return out;
  }
  static Http2Peer& self(void* data) { return *static_cast<Http2Peer*>(data); }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    self(data).heard_[frame->hd.stream_id].heads.emplace_back();
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* data) {
    self(data).heard_[frame->hd.stream_id].heads.back().emplace_back(
        std::string(reinterpret_cast<const char*>(name), name_size),
        std::string(reinterpret_cast<const char*>(value), value_size));
    return 0;
  }
  static int data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                        std::size_t size, void* data) {
    self(data).heard_[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Http2Peer& me = self(data);
    const int type = frame->hd.type;
    const bool data_or_head = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS;
    if (data_or_head && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      me.heard_[frame->hd.stream_id].ended = true;
    if (type == NGHTTP2_RST_STREAM)
      me.heard_[frame->hd.stream_id].reset = static_cast<int>(frame->rst_stream.error_code);
    if (type == NGHTTP2_GOAWAY)
      me.goaways_.emplace_back(frame->goaway.last_stream_id, frame->goaway.error_code);
    if (type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++me.pings_answered_;
    if (type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) ++me.pings_;
    return 0;
  }
  static ssize_t provide(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                         std::size_t room, std::uint32_t* flags, nghttp2_data_source*, void* data) {
    Body& body = self(data).bodies_[id];
    const std::size_t size = body.bytes.copy(reinterpret_cast<char*>(into), room);
    body.bytes.erase(0, size);
    if (size == 0 && !body.end) return NGHTTP2_ERR_DEFERRED;
    if (body.bytes.empty() && body.end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!body.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        std::vector<nghttp2_nv> list = block(body.trailers);
        nghttp2_submit_trailer(session, id, list.data(), list.size());
      }
    }
    return static_cast<ssize_t>(size);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Heard> heard_;
  std::map<std::int32_t, Body> bodies_;
  std::vector<std::pair<std::int32_t, std::uint32_t>> goaways_;
  int pings_answered_ = 0;
  int pings_ = 0;
};

}  // namespace tidegate::test
