#pragma once

#include <span>

#include "base/result.h"
#include "base/task.h"
#include "proxy/http/fields.h"

namespace tidegate::proxy::http {

/// Some bytes of a body. With `end` nothing follows but, perhaps, trailers.
struct Chunk {
  std::span<const char> bytes;
  bool end = false;
};

/// Where a body comes from. It is pulled: nothing is read from the peer until somebody asks, which
/// is the whole of back pressure. A filter may wrap a source in another.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// What is here already, without waiting: the bytes that came with the head, as a rule. An empty
  /// chunk that is not the end says that read() has to wait.
  virtual Result<Chunk> poll() = 0;
  /// The next bytes, at least one unless it is the end. The view is valid until the next poll() or
  /// read(). Errors: the peer's framing is broken, it left, or a timeout.
  virtual Task<Result<Chunk>> read() = 0;
  /// Ends a pending read() with operation_aborted: the reader is not interested any more.
  virtual void abandon() {}
  /// After the end: the trailers; nullptr where there are none.
  virtual const Fields* trailers() const { return nullptr; }
};

/// A source without bytes.
class NoBody final : public BodySource {
 public:
  Result<Chunk> poll() override { return Chunk{{}, true}; }
  Task<Result<Chunk>> read() override { co_return Chunk{{}, true}; }
};

}  // namespace tidegate::proxy::http
