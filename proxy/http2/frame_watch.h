#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tidegate::proxy::http2 {

/// Follows the frames that a peer sends, ahead of nghttp2, for what that passes over in silence:
/// PRIORITY, frames of unknown types, frames on streams that the peer has ended itself, and pushes.
/// A connection has one for each direction that it receives; 300 bytes.
/// Source: RFC 9113 sections 5.1, 5.1.1, 5.3.1 (as RFC 7540 has it), 6.3, 8.4.
class FrameWatch {
 public:
  enum class Wrong : std::uint8_t { kNothing, kProtocol, kStreamClosed, kTooMany };
  struct Seen {
    std::size_t good = 0;  // bytes ahead of the frame that is wrong; all where nothing is
    Wrong wrong = Wrong::kNothing;
    std::uint32_t idle_frames = 0;  // PRIORITY and unknown ones
  };

  /// `opens_streams`: the peer is a client, which sends its preface first. `continuations_max`: of
  /// one head.
  FrameWatch(bool opens_streams, std::size_t continuations_max);

  /// Takes the next bytes, up to the first frame that is wrong.
  Seen feed(std::span<const char> bytes);

 private:
  static constexpr std::size_t kRemembered = 64;  // streams; older ones are nghttp2's to ignore
  struct Gap {
    std::uint32_t first = 1;
    std::uint32_t last = 0;
  };

  Wrong begin(std::uint8_t type, std::uint8_t flags, std::uint32_t id);
  void end(std::uint32_t id);

  bool opens_streams_;
  std::size_t continuations_max_;
  std::size_t continuations_ = 0;  // in a row
  std::size_t skip_;               // bytes up to the next head
  std::array<char, 13> head_{};    // of a frame, and where it depends on what
  std::size_t have_ = 0;           // bytes of it
  std::size_t wanted_ = 9;
  std::uint32_t highest_ = 0;  // stream that the peer has opened
  std::uint32_t ended_max_ = 0;
  std::size_t ended_next_ = 0;
  std::size_t gap_next_ = 0;
  std::array<std::uint32_t, kRemembered> ended_{};  // 0: none
  std::array<Gap, 4> gaps_{};                       // ids that the peer has passed over
};

}  // namespace tidegate::proxy::http2
