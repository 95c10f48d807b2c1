#pragma once

#include <memory>
#include <span>
#include <string>

#include "proxy/coding/negotiate.h"

namespace tidegate::proxy::coding {

/// What becomes of the bytes that were put in.
enum class Flush {
  kNone,   // may wait for more: the best ratio
  kNow,    // all of it comes out, decodable so far
  kFinish  // that was all
};

/// A stream of bytes through a coding, one direction. One worker.
class Coder {
 public:
  virtual ~Coder() = default;
  /// Appends what comes out of `in` to `out`. Decoding: `flush` is ignored but for kFinish, which
  /// says that nothing follows. False: not this coding, cut short, or more comes out than the
  /// limits allow; the coder is of no use any more.
  virtual bool put(std::span<const char> in, Flush flush, std::string& out) = 0;
};

/// With the settings that Envoy's compressors have by default: gzip level 6 in a window of 4 KiB,
/// Brotli quality 3, Zstandard level 3. nullptr: no memory.
std::unique_ptr<Coder> encoder(Coding coding);

/// Against bodies that are small on the wire and huge in memory. Envoy's limit is a ratio, too.
struct DecodeLimits {
  std::uint64_t ratio_max = 100;      // bytes out for one in
  std::uint64_t free_bytes = 65'536;  // that come out before the ratio counts
};
std::unique_ptr<Coder> decoder(Coding coding, const DecodeLimits& limits = {});

}  // namespace tidegate::proxy::coding
