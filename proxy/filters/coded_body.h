#pragma once

#include <memory>
#include <string>

#include "proxy/coding/coder.h"
#include "proxy/filters/bodies.h"
#include "proxy/runtime/counters.h"

namespace tidegate::proxy::filters {

/// A body through a coder. What is at hand of the inner source goes through together; where nothing
/// more is at hand the reader gets all of it, so that a slow stream is not held back.
/// Errors: those of the inner source; bad_message where the coder refuses.
class CodedBody final : public WrappedBody {
 public:
  /// Of what goes through; null: it is not counted.
  struct Counted {
    Counter* in;
    Counter* out;
  };
  CodedBody(http::BodySource& inner, std::unique_ptr<coding::Coder> coder)
      : CodedBody(inner, std::move(coder), Counted{nullptr, nullptr}) {}
  CodedBody(http::BodySource& inner, std::unique_ptr<coding::Coder> coder, Counted counted)
      : WrappedBody(inner), coder_(std::move(coder)), counted_(counted) {}
  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;

 private:
  /// Takes what is at hand.
  error_code drain();
  error_code take(const http::Chunk& chunk);
  http::Chunk given() const;

  std::unique_ptr<coding::Coder> coder_;
  Counted counted_;
  std::string out_;
  bool held_ = false;  // the coder may have bytes that it has not given
  bool ended_ = false;
};

}  // namespace tidegate::proxy::filters
