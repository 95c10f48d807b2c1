#include <algorithm>

#include "tests/fuzz/peers.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

Answers::~Answers() {
  if (inflater_) nghttp2_hd_inflate_del(inflater_);
}

void Answers::hear(std::string_view bytes) {
  must(!ended_, "nothing comes after the end");
  in_ += bytes;
  if (!begun_) {
    if (in_.size() < 9) return;
    begun_ = true;
    http2_ = !in_.starts_with("HTTP/1.1 ");
    if (http2_) nghttp2_hd_inflate_new(&inflater_);
  }
  if (http2_) {
    hear_http2();
  } else {
    hear_http1();
  }
}

void Answers::ended() {
  ended_ = true;
  if (begun_ && !http2_) hear_http1();
}

void Answers::hear_http1() {
  while (!in_.empty() && !upgraded_) {
    Http1Message message;
    const std::string method = method_of_(whole_);
    const auto size = read_strictly(in_, {true, method, ended_}, message);
    if (!size) return;
    in_.erase(0, *size);
    upgraded_ = message.upgraded;
    if (message.second[0] == '1' && !upgraded_) continue;
    ++whole_;
  }
}

void Answers::hear_http2() {
  std::string_view left = in_;
  while (left.size() >= 9) {
    auto at = [&left](std::size_t i) { return static_cast<std::uint8_t>(left[i]); };
    const std::size_t size =
        static_cast<std::size_t>(at(0)) << 16U | static_cast<std::size_t>(at(1)) << 8U | at(2);
    must(size <= 16384, "a frame has 16 KiB at most");
    if (left.size() < 9 + size) break;
    const std::uint32_t id = static_cast<std::uint32_t>(at(5)) << 24U |
                             static_cast<std::uint32_t>(at(6)) << 16U |
                             static_cast<std::uint32_t>(at(7)) << 8U | at(8);
    frame(at(3), at(4), id, left.substr(9, size));
    left.remove_prefix(9 + size);
  }
  in_.erase(0, in_.size() - left.size());
}

void Answers::frame(std::uint8_t type, std::uint8_t flags, std::uint32_t id,
                    std::string_view payload) {
  must(settled_ || (type == NGHTTP2_SETTINGS && (flags & NGHTTP2_FLAG_ACK) == 0),
       "SETTINGS come first");
  settled_ = true;
  must(continued_ == 0 || (type == NGHTTP2_CONTINUATION && id == continued_),
       "a block of fields is not broken into");
  must((id & 0x80000000U) == 0, "a reserved bit is 0");
  const bool of_stream = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS ||
                         type == NGHTTP2_RST_STREAM || type == NGHTTP2_CONTINUATION;
  must(!of_stream || id % 2 == 1, "a stream is one of the client's");
  must(of_stream || id == 0 || type == NGHTTP2_WINDOW_UPDATE,
       "what is of the connection has no stream");
  Stream* stream = of_stream ? &streams_[id] : nullptr;
  const bool end = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (type) {
    case NGHTTP2_DATA:
      must(stream->final && !stream->over, "a body comes between its head and its end");
      must((flags & ~NGHTTP2_FLAG_END_STREAM) == 0, "we do not pad");
      stream->body += payload.size();
      if (!end) break;
      stream->over = true;
      ++whole_;
      must(stream->length.empty() || stream->length == std::to_string(stream->body),
           "a body is as long as is said");
      break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      must(type == NGHTTP2_HEADERS || continued_ == id, "what is continued has begun");
      must(!stream->over, "nothing comes after a stream's end");
      if (type == NGHTTP2_HEADERS) {
        must((flags & (NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY)) == 0, "we do not pad");
        continued_end_ = end;
        block_.clear();
      }
      block_ += payload;
      continued_ = id;
      if ((flags & NGHTTP2_FLAG_END_HEADERS) == 0) break;
      continued_ = 0;
      head(*stream, continued_end_);
      break;
    case NGHTTP2_RST_STREAM:
      must(payload.size() == 4, "a frame has its size");
      stream->over = true;
      break;
    case NGHTTP2_SETTINGS:
      must(payload.size() % 6 == 0 && ((flags & NGHTTP2_FLAG_ACK) == 0 || payload.empty()),
           "a frame has its size");
      break;
    case NGHTTP2_PING:
      must(payload.size() == 8, "a frame has its size");
      break;
    case NGHTTP2_GOAWAY:
      must(payload.size() >= 8, "a frame has its size");
      break;
    case NGHTTP2_WINDOW_UPDATE:
      must(payload.size() == 4 && payload != std::string_view("\0\0\0\0", 4),
           "a window grows by something");
      break;
    default:
      must(false, "we send no other frames to clients");
  }
}

void Answers::head(Stream& stream, bool end) {
  std::string status;
  bool regular = false;
  std::string_view left = block_;
  bool last = false;
  while (!last) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used =
        nghttp2_hd_inflate_hd2(inflater_, &field, &flags,
                               reinterpret_cast<const std::uint8_t*>(left.data()), left.size(), 1);
    must(used >= 0, "a block of fields can be read");
    left.remove_prefix(static_cast<std::size_t>(used));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      const std::string name(reinterpret_cast<const char*>(field.name), field.namelen);
      const std::string value(reinterpret_cast<const char*>(field.value), field.valuelen);
      if (name == ":status") {
        must(status.empty() && !regular, "a status comes once, and first");
        status = value;
      } else {
        regular = true;
        check_field(name, value);
        must(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
             "names are in lower case");
        for (const std::string_view no : {"connection", "keep-alive", "proxy-connection",
                                          "transfer-encoding", "upgrade", "host", "te"})
          must(name != no, "no field of HTTP/1's connections");
        if (name == "content-length") stream.length = value;
      }
    }
    last = (flags & NGHTTP2_HD_INFLATE_FINAL) != 0;
    must(last || used > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) != 0, "a block of fields ends");
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  must(left.empty(), "a block of fields ends with its frames");
  if (stream.final) {
    must(status.empty() && end, "trailers end a stream");
  } else {
    must(status.size() == 3 && status[0] >= '1' && status[0] <= '5' && status != "101",
         "an answer has a status");
    stream.final = status[0] != '1';
    must(stream.final || !end, "1xx is no answer");
  }
  if (!end) return;
  stream.over = true;
  ++whole_;
}

}  // namespace tidegate::fuzz
