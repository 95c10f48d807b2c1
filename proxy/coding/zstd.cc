#include "proxy/coding/zstd.h"

#include <zstd.h>

/// Source: RFC 8878; RFC 9659 (a window of at most 8 MiB in HTTP).
namespace tidegate::proxy::coding {
namespace {

constexpr std::size_t kStep = 16'384;
constexpr int kWindowLogMax = 23;

class Encoder final : public Coder {
 public:
  Encoder() : context_(ZSTD_createCCtx()) {
    if (!context_) return;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 18);
  }
  ~Encoder() override { ZSTD_freeCCtx(context_); }
  bool good() const { return context_ != nullptr; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    const ZSTD_EndDirective mode = flush == Flush::kFinish ? ZSTD_e_end
                                   : flush == Flush::kNow  ? ZSTD_e_flush
                                                           : ZSTD_e_continue;
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    std::size_t remaining = 0;
    do {
      const std::size_t before = out.size();
      out.resize(before + kStep);
      ZSTD_outBuffer to{out.data() + before, kStep, 0};
      remaining = ZSTD_compressStream2(context_, &to, &from, mode);
      out.resize(before + to.pos);
      if (ZSTD_isError(remaining) != 0U) return false;
    } while (from.pos < from.size || (mode != ZSTD_e_continue && remaining > 0));
    return true;
  }

 private:
  ZSTD_CCtx* context_;
};

class Decoder final : public Coder {
 public:
  explicit Decoder(const DecodeLimits& limits) : budget_(limits), context_(ZSTD_createDCtx()) {
    if (context_) ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kWindowLogMax);
  }
  ~Decoder() override { ZSTD_freeDCtx(context_); }
  bool good() const { return context_ != nullptr; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    budget_.in(in.size());
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    bool full = true;
    while (from.pos < from.size || (full && !ended_)) {
      const std::size_t before = out.size();
      out.resize(before + kStep);
      ZSTD_outBuffer to{out.data() + before, kStep, 0};
      const std::size_t position = from.pos;
      std::size_t result = ZSTD_decompressStream(context_, &to, &from);
      out.resize(before + to.pos);
      if (ZSTD_isError(result) != 0U || !budget_.out(to.pos)) return false;
      if (from.pos != position || to.pos > 0) ended_ = result == 0;  // of this frame; more may come
      full = to.pos == kStep;
    }
    return flush != Flush::kFinish || ended_;
  }

 private:
  Budget budget_;
  ZSTD_DCtx* context_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Coder> zstd_encoder() {
  auto out = std::make_unique<Encoder>();
  return out->good() ? std::move(out) : nullptr;
}

std::unique_ptr<Coder> zstd_decoder(const DecodeLimits& limits) {
  auto out = std::make_unique<Decoder>(limits);
  return out->good() ? std::move(out) : nullptr;
}

}  // namespace tidegate::proxy::coding
