#include "proxy/coding/gzip.h"

#include <zlib.h>

#include <array>
#include <limits>

/// Source: RFC 1952; zlib.
namespace tidegate::proxy::coding {
namespace {

constexpr std::size_t kStep = 16'384;
constexpr int kGzip = 16;  // added to the window's bits: gzip's framing, not zlib's

void give(z_stream& stream, std::span<const char> in) {
  // zlib only reads it.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
}

class Deflate final : public Coder {
 public:
  Deflate() {
    good_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 12 + kGzip, 5,
                         Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflate() override { deflateEnd(&stream_); }
  bool good() const { return good_; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    give(stream_, in);
    const int mode = flush == Flush::kFinish ? Z_FINISH
                     : flush == Flush::kNow  ? Z_SYNC_FLUSH
                                             : Z_NO_FLUSH;
    do {
      const std::size_t before = out.size();
      out.resize(before + kStep);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = kStep;
      int result = deflate(&stream_, mode);
      out.resize(before + kStep - stream_.avail_out);
      if (result == Z_STREAM_ERROR) return false;
    } while (stream_.avail_out == 0);
    return true;
  }

 private:
  z_stream stream_{};
  bool good_ = false;
};

class Inflate final : public Coder {
 public:
  explicit Inflate(const DecodeLimits& limits) : budget_(limits) {
    good_ = inflateInit2(&stream_, 15 + kGzip) == Z_OK;
  }
  ~Inflate() override { inflateEnd(&stream_); }
  bool good() const { return good_; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    budget_.in(in.size());
    give(stream_, in);
    while (stream_.avail_in > 0 || full_) {
      if (ended_) {  // another member may follow (RFC 1952 section 2.2)
        if (inflateReset(&stream_) != Z_OK) return false;
        ended_ = false;
      }
      const std::size_t before = out.size();
      out.resize(before + kStep);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = kStep;
      int result = inflate(&stream_, Z_NO_FLUSH);
      full_ = stream_.avail_out == 0;
      out.resize(before + kStep - stream_.avail_out);
      if (!budget_.out(out.size() - before)) return false;
      if (result == Z_STREAM_END) {
        ended_ = true;
        full_ = false;
      } else if (result == Z_BUF_ERROR) {
        full_ = false;  // it wants more
        break;
      } else if (result != Z_OK) {
        return false;
      }
    }
    return flush != Flush::kFinish || ended_;
  }

 private:
  z_stream stream_{};
  Budget budget_;
  bool good_ = false;
  bool ended_ = false;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<Coder> gzip_encoder() {
  auto out = std::make_unique<Deflate>();
  return out->good() ? std::move(out) : nullptr;
}

std::unique_ptr<Coder> gzip_decoder(const DecodeLimits& limits) {
  auto out = std::make_unique<Inflate>(limits);
  return out->good() ? std::move(out) : nullptr;
}

}  // namespace tidegate::proxy::coding
