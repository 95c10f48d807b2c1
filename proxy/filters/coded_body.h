#pragma once

#include <memory>
#include <string>

#include "proxy/coding/coder.h"
#include "proxy/filters/bodies.h"

namespace tidegate::proxy::filters {

/// A body through a coder. What is at hand of the inner source goes through together; where nothing
/// more is at hand the reader gets all of it, so that a slow stream is not held back.
/// Errors: those of the inner source; bad_message where the coder refuses.
class CodedBody final : public WrappedBody {
 public:
  CodedBody(http::BodySource& inner, std::unique_ptr<coding::Coder> coder)
      : WrappedBody(inner), coder_(std::move(coder)) {}
  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;

 private:
  /// Takes what is at hand.
  error_code drain();
  error_code take(const http::Chunk& chunk);

  std::unique_ptr<coding::Coder> coder_;
  std::string out_;
  bool held_ = false;  // the coder may have bytes that it has not given
  bool ended_ = false;
};

}  // namespace tidegate::proxy::filters
