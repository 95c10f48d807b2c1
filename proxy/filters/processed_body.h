#pragma once

#include <string>

#include "proxy/filters/bodies.h"
#include "proxy/filters/processor.h"

/// Bodies that an external processor sees and changes while they pass.
namespace tidegate::proxy::filters {

/// A part is shown, and goes on when the service has said what becomes of it: one at a time, which
/// bounds memory and holds a fast sender back. Trailers likewise.
class ProcessedBody final : public WrappedBody {
 public:
  /// `chunks`: the body is shown; else its trailers alone.
  ProcessedBody(http::BodySource& inner, Processor& processor, Processor::Side& side, bool chunks);
  /// Never anything but the end: what is at hand has not been seen.
  Result<http::Chunk> poll() override { return http::Chunk{{}, ended_}; }
  Task<Result<http::Chunk>> read() override;
  void abandon() override;
  const http::Fields* trailers() const override {
    return changed_ ? &trailers_ : inner_.trailers();
  }

 private:
  Task<bool> show(const http::Chunk& chunk, bool end_of_stream);
  Task<void> show_trailers();

  Processor& processor_;
  Processor::Side& side_;
  bool chunks_;
  bool ended_ = false;
  bool changed_ = false;  // the trailers
  std::string out_;
  http::Fields trailers_;
};

/// What comes is told to the service as it comes, and what the service sends is the body: how much
/// of one makes how much of the other is its own affair. Memory: HTTP/2's windows, and kInboxMax.
class DuplexBody final : public WrappedBody {
 public:
  DuplexBody(http::BodySource& inner, Processor& processor, Processor::Side& side);
  Result<http::Chunk> poll() override { return http::Chunk{{}, ended_}; }
  Task<Result<http::Chunk>> read() override;
  void abandon() override;
  const http::Fields* trailers() const override {
    return has_trailers_ ? &trailers_ : (passing_ ? inner_.trailers() : nullptr);
  }

  /// Begins to tell. The message's headers have been told, if they are to be.
  void start();
  /// No more of it is told: the service has replaced all of it.
  void stop();

 private:
  static Task<void> tell_all(DuplexBody* self);
  Task<void> tell();

  Processor& processor_;
  Processor::Side& side_;
  bool told_ = false;  // something of it: without the service's answer it is lost
  bool telling_ = false;
  bool stopped_ = false;
  bool passing_ = false;  // the service has gone before it was told anything
  bool ended_ = false;
  bool has_trailers_ = false;
  error_code failed_;  // of the inner source
  std::string out_;
  http::Fields trailers_;
};

}  // namespace tidegate::proxy::filters
