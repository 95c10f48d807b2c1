#include "proxy/coding/brotli.h"

#include <brotli/decode.h>
#include <brotli/encode.h>

/// Source: RFC 7932.
namespace tidegate::proxy::coding {
namespace {

constexpr std::size_t kStep = 16'384;

class Encoder final : public Coder {
 public:
  Encoder() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (!state_) return;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, 3);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 18);
  }
  ~Encoder() override {
    if (state_) BrotliEncoderDestroyInstance(state_);
  }
  bool good() const { return state_ != nullptr; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    const BrotliEncoderOperation operation = flush == Flush::kFinish ? BROTLI_OPERATION_FINISH
                                             : flush == Flush::kNow  ? BROTLI_OPERATION_FLUSH
                                                                     : BROTLI_OPERATION_PROCESS;
    std::size_t left = in.size();
    const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
    do {
      const std::size_t before = out.size();
      out.resize(before + kStep);
      std::size_t room = kStep;
      auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
      const bool ok =
          BrotliEncoderCompressStream(state_, operation, &left, &next, &room, &to, nullptr) != 0;
      out.resize(before + kStep - room);
      if (!ok) return false;
    } while (left > 0 || BrotliEncoderHasMoreOutput(state_) != 0);
    return true;
  }

 private:
  BrotliEncoderState* state_;
};

class Decoder final : public Coder {
 public:
  explicit Decoder(const DecodeLimits& limits)
      : budget_(limits), state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~Decoder() override {
    if (state_) BrotliDecoderDestroyInstance(state_);
  }
  bool good() const { return state_ != nullptr; }

  bool put(std::span<const char> in, Flush flush, std::string& out) override {
    budget_.in(in.size());
    std::size_t left = in.size();
    const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
    while (!ended_) {
      const std::size_t before = out.size();
      out.resize(before + kStep);
      std::size_t room = kStep;
      auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
      BrotliDecoderResult result =
          BrotliDecoderDecompressStream(state_, &left, &next, &room, &to, nullptr);
      out.resize(before + kStep - room);
      if (result == BROTLI_DECODER_RESULT_ERROR || !budget_.out(out.size() - before)) return false;
      ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
      if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) break;
    }
    if (left > 0) return false;  // something stands behind the end
    return flush != Flush::kFinish || ended_;
  }

 private:
  Budget budget_;
  BrotliDecoderState* state_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Coder> brotli_encoder() {
  auto out = std::make_unique<Encoder>();
  return out->good() ? std::move(out) : nullptr;
}

std::unique_ptr<Coder> brotli_decoder(const DecodeLimits& limits) {
  auto out = std::make_unique<Decoder>(limits);
  return out->good() ? std::move(out) : nullptr;
}

}  // namespace tidegate::proxy::coding
