#pragma once

#include <optional>
#include <string>

#include "base/task.h"
#include "proxy/http/body.h"

namespace tidegate::proxy::filters {

/// A source in front of another: the base of what compresses, counts or copies a body. What it does
/// not say otherwise is the inner source's business.
class WrappedBody : public http::BodySource {
 public:
  explicit WrappedBody(http::BodySource& inner) : inner_(inner) {}
  Result<http::Chunk> poll() override { return inner_.poll(); }
  Task<Result<http::Chunk>> read() override { return inner_.read(); }
  void abandon() override { inner_.abandon(); }
  const http::Fields* trailers() const override { return inner_.trailers(); }

 protected:
  http::BodySource& inner_;
};

/// Bytes that are here already, and then what is left of another source, if anything is.
class KeptBody final : public http::BodySource {
 public:
  explicit KeptBody(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<http::Chunk> poll() override {
    if (given_) return rest_ ? rest_->poll() : Result<http::Chunk>(http::Chunk{{}, true});
    given_ = true;
    return http::Chunk{{bytes_.data(), bytes_.size()}, rest_ == nullptr};
  }
  Task<Result<http::Chunk>> read() override {
    if (given_ && rest_) co_return co_await rest_->read();
    co_return poll();
  }
  void abandon() override {
    if (rest_) rest_->abandon();
  }
  const http::Fields* trailers() const override { return rest_ ? rest_->trailers() : trailers_; }

  /// More of the body follows, in `rest`.
  void then(http::BodySource& rest) { rest_ = &rest; }
  /// The body ended with these (null: none), which outlive it.
  void ended(const http::Fields* trailers) { trailers_ = trailers; }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
  http::BodySource* rest_ = nullptr;
  const http::Fields* trailers_ = nullptr;
  bool given_ = false;
};

/// All of a body of our own that filters have changed; nothing where it breaks off or is longer
/// than 4 MiB.
Task<std::optional<std::string>> whole(http::BodySource& body);

}  // namespace tidegate::proxy::filters
