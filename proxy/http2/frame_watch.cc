#include "proxy/http2/frame_watch.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace tidegate::proxy::http2 {
namespace {

constexpr std::size_t kHead = 9;
constexpr std::size_t kPriorityBytes = 5;

std::uint32_t number(const char* at, int bytes) {
  std::uint32_t out = 0;
  for (int i = 0; i < bytes; ++i) out = out << 8U | static_cast<unsigned char>(at[i]);
  return out;
}

}  // namespace

FrameWatch::FrameWatch(bool opens_streams, std::size_t continuations_max)
    : opens_streams_(opens_streams),
      continuations_max_(continuations_max),
      skip_(opens_streams ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {}

FrameWatch::Seen FrameWatch::feed(std::span<const char> bytes) {
  Seen seen;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (skip_ > 0) {
      const std::size_t size = std::min(skip_, bytes.size() - at);
      skip_ -= size;
      at += size;
      continue;
    }
    const std::size_t size = std::min(wanted_ - have_, bytes.size() - at);
    std::memcpy(head_.data() + have_, bytes.data() + at, size);
    have_ += size;
    at += size;
    if (have_ < wanted_) break;
    const std::uint32_t length = number(head_.data(), 3);
    const auto type = static_cast<std::uint8_t>(head_[3]);
    const std::uint32_t id = number(head_.data() + 5, 4) & 0x7fffffffU;
    if (type == NGHTTP2_PRIORITY && length == kPriorityBytes && wanted_ == kHead) {
      wanted_ = head_.size();
      continue;
    }
    if (wanted_ > kHead) {
      ++seen.idle_frames;
      if (id == 0 || id == (number(head_.data() + kHead, 4) & 0x7fffffffU))
        seen.wrong = Wrong::kProtocol;
    } else {
      if (type > NGHTTP2_CONTINUATION) ++seen.idle_frames;
      seen.wrong = begin(type, static_cast<std::uint8_t>(head_[4]), id);
    }
    if (seen.wrong != Wrong::kNothing) {
      seen.good = at - std::min(at, wanted_);
      return seen;
    }
    skip_ = length - (wanted_ - kHead);
    have_ = 0;
    wanted_ = kHead;
  }
  seen.good = bytes.size();
  return seen;
}

FrameWatch::Wrong FrameWatch::begin(std::uint8_t type, std::uint8_t flags, std::uint32_t id) {
  if (type == NGHTTP2_CONTINUATION)
    return ++continuations_ > continuations_max_ ? Wrong::kTooMany : Wrong::kNothing;
  continuations_ = 0;
  if (id == 0) return Wrong::kNothing;  // nghttp2 knows
  if (type == NGHTTP2_RST_STREAM) {
    // A server's frames may have been on their way when it reset the stream: nghttp2 passes over
    // them.
    if (opens_streams_ && id <= highest_) end(id);
    return Wrong::kNothing;
  }
  // No client of ours wants any, and says so ahead of its first request.
  if (type == NGHTTP2_PUSH_PROMISE) return Wrong::kProtocol;
  if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS) return Wrong::kNothing;
  if (id <= ended_max_ && std::find(ended_.begin(), ended_.end(), id) != ended_.end())
    return Wrong::kStreamClosed;
  if (opens_streams_ && id % 2 == 1) {
    if (id > highest_) {
      if (type == NGHTTP2_DATA) return Wrong::kNothing;  // idle: nghttp2 refuses it
      const std::uint32_t expected = highest_ == 0 ? 1 : highest_ + 2;
      if (id > expected) gaps_[gap_next_++ % gaps_.size()] = {expected, id - 2};
      highest_ = id;
    } else if (std::any_of(gaps_.begin(), gaps_.end(),
                           [id](const Gap& gap) { return gap.first <= id && id <= gap.last; })) {
      return Wrong::kProtocol;  // it is closed, and was never open
    }
  }
  if ((flags & NGHTTP2_FLAG_END_STREAM) != 0) end(id);
  return Wrong::kNothing;
}

void FrameWatch::end(std::uint32_t id) {
  ended_[ended_next_++ % kRemembered] = id;
  ended_max_ = std::max(ended_max_, id);
}

}  // namespace tidegate::proxy::http2
