#include "proxy/http2/frame_watch.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/http2_peer.h"

namespace tidegate::proxy::http2 {
namespace {

using test::Http2Peer;
using Wrong = FrameWatch::Wrong;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint8_t kData = 0, kHeaders = 1, kPriority = 2, kReset = 3;
constexpr std::uint8_t kEnd = 1, kEndHead = 4;

/// What a server makes of these frames of its client, in one piece or byte by byte.
FrameWatch::Seen watched(const std::string& frames, bool byte_by_byte) {
  FrameWatch watch(true, 2);
  FrameWatch::Seen all;
  const std::string bytes = kPreface + frames;
  const std::size_t step = byte_by_byte ? 1 : bytes.size();
  for (std::size_t at = 0; at < bytes.size() && all.wrong == Wrong::kNothing; at += step) {
    const FrameWatch::Seen seen = watch.feed({bytes.data() + at, step});
    all.good += seen.good;
    all.wrong = seen.wrong;
    all.idle_frames += seen.idle_frames;
  }
  return all;
}

std::string head(int id, std::uint8_t flags) {
  return Http2Peer::raw_frame(kHeaders, flags, id, "\x82\x86\x84");
}

}  // namespace

TEST_CASE("a stream that the peer has ended takes no more", "[http2][rfc9113-5.1]") {
  const bool bytes = GENERATE(false, true);
  const std::string data = Http2Peer::raw_frame(kData, 0, 1, "more");
  const std::string reset = Http2Peer::raw_frame(kReset, 0, 1, std::string("\0\0\0\x08", 4));
  for (const std::string& ended :
       {head(1, kEnd | kEndHead), head(1, kEndHead) + Http2Peer::raw_frame(kData, kEnd, 1, "x"),
        head(1, kEndHead) + reset}) {
    CHECK(watched(ended, bytes).wrong == Wrong::kNothing);
    CHECK(watched(ended + reset, bytes).wrong == Wrong::kNothing);
    CHECK(watched(ended + data, bytes).wrong == Wrong::kStreamClosed);
    CHECK(watched(ended + head(1, kEnd | kEndHead), bytes).wrong == Wrong::kStreamClosed);
  }
  // What comes before the wrong frame is for nghttp2 to see.
  const std::string ended = head(1, kEnd | kEndHead);
  if (!bytes) CHECK(watched(ended + data, false).good == 24 + ended.size());
  CHECK(watched(head(1, kEndHead) + data + data, bytes).wrong == Wrong::kNothing);
}

TEST_CASE("stream ids only grow", "[http2][rfc9113-5.1.1]") {
  const bool bytes = GENERATE(false, true);
  CHECK(watched(head(5, kEndHead) + head(3, kEndHead), bytes).wrong == Wrong::kProtocol);
  CHECK(watched(head(3, kEndHead) + head(1, kEndHead), bytes).wrong == Wrong::kProtocol);
  CHECK(watched(head(1, kEndHead) + head(3, kEndHead) + head(1, kEnd | kEndHead), bytes).wrong ==
        Wrong::kNothing);  // trailers
}

TEST_CASE("CONTINUATION is counted by frames, not by the pieces they come in",
          "[http2][cve-2024-28182]") {
  const bool bytes = GENERATE(false, true);
  const std::string begun = head(1, 0);
  const std::string more = Http2Peer::raw_frame(9, 0, 1, "\x84");
  const std::string last = Http2Peer::raw_frame(9, kEndHead, 1, "");
  CHECK(watched(begun + more + last, bytes).wrong == Wrong::kNothing);
  CHECK(watched(begun + more + last + head(3, 0) + more + last, bytes).wrong == Wrong::kNothing);
  CHECK(watched(begun + more + more + last, bytes).wrong == Wrong::kTooMany);
}

TEST_CASE("a push is wrong from either side", "[http2][rfc9113-8.4]") {
  const std::string push = Http2Peer::raw_frame(5, kEndHead, 1, std::string("\0\0\0\2\x82", 5));
  CHECK(watched(head(1, kEnd | kEndHead) + push, false).wrong == Wrong::kProtocol);
  FrameWatch of_server(false, 2);
  CHECK(of_server.feed({push.data(), push.size()}).wrong == Wrong::kProtocol);
}

TEST_CASE("PRIORITY is read, and counted with the unknown frames", "[http2][rfc9113-6.3]") {
  const bool bytes = GENERATE(false, true);
  const std::string on_three("\0\0\0\x03\x0f", 5);
  CHECK(watched(Http2Peer::raw_frame(kPriority, 0, 1, on_three), bytes).wrong == Wrong::kNothing);
  CHECK(watched(Http2Peer::raw_frame(kPriority, 0, 3, on_three), bytes).wrong == Wrong::kProtocol);
  CHECK(watched(Http2Peer::raw_frame(kPriority, 0, 0, on_three), bytes).wrong == Wrong::kProtocol);
  const FrameWatch::Seen seen = watched(Http2Peer::raw_frame(kPriority, 0, 1, on_three) +
                                            Http2Peer::raw_frame(0x42, 0, 0, "unknown") +
                                            Http2Peer::raw_frame(0x43, 0, 9, ""),
                                        bytes);
  CHECK(seen.wrong == Wrong::kNothing);
  CHECK(seen.idle_frames == 3);
}

}  // namespace tidegate::proxy::http2
