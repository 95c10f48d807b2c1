#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/task.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::rpc {

struct GrpcStreamOptions {
  std::string authority;                      // empty: the cluster's name
  std::uint32_t retries = 0;                  // tries after the first, where nothing came back
  std::chrono::milliseconds backoff{1000};    // before the second try; doubles, with jitter
  std::size_t message_max = 4 * 1024 * 1024;  // bytes of one that comes; a longer one ends it
};

/// A gRPC call with messages both ways at any time, over a cluster of the snapshot. It has no
/// deadline of its own: whoever waits for a message destroys it when that takes too long, also
/// while it still connects. Memory: one message that comes and one a sender, and HTTP/2's window.
/// Source: gRPC over HTTP/2.
class GrpcStream {
 public:
  /// Hears of the stream, in the midst of its work: it notes what it is told and wakes others
  /// later.
  class Receiver {
   public:
    /// The first message is on its way to an endpoint; again where it had to be sent again.
    virtual void opened() = 0;
    /// False: no more before read_on().
    virtual bool received(std::string_view message) = 0;
    /// Nothing comes any more. `status` is gRPC's: 0 OK; 14 (UNAVAILABLE) where there was no
    /// answer.
    virtual void ended(int status) = 0;

   protected:
    ~Receiver() = default;
  };

  /// Connects, and sends `first`. `receiver` outlives the stream.
  GrpcStream(Loop& loop, upstream::Clusters& clusters, const std::string& cluster,
             std::string_view path, GrpcStreamOptions options, std::string_view first,
             Receiver& receiver);
  /// Tells the service that nothing follows, and lets it end in its own time, which is short; ends
  /// every send().
  ~GrpcStream();
  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  /// Returns when the message is on its way. Several may wait; they take turns. False: the stream
  /// is over, or was destroyed meanwhile.
  Task<bool> send(std::string message);
  void read_on();

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace tidegate::proxy::rpc
