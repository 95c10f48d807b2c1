#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/task.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::rpc {

/// One call of our own to a cluster of the snapshot, and what came of it.
struct Answer {
  bool whole = false;  // false: nothing came, not all of it, or too much
  bool late = false;   // its time was over
  int status = 0;
  http::Fields fields;  // trailers included; in the arena
  std::string body;
};

struct CallOptions {
  std::chrono::milliseconds timeout{2000};
  std::size_t answer_max = 64 * 1024;  // bytes of body; a longer one is not whole
};

/// Sends a request with its whole body and reads the whole answer. A connection that was closed
/// while it idled is replaced once; nothing else is tried again.
Task<Answer> call(upstream::Clusters& clusters, const std::string& cluster,
                  const http::RequestHead& head, std::string_view body, CallOptions options,
                  Arena& arena);

/// Metadata of a gRPC call; names in lower case.
using Metadata = http::Fields;

/// A unary gRPC call. `status` is gRPC's (0: OK); 14 (UNAVAILABLE) where nothing came, 4
/// (DEADLINE_EXCEEDED) is not told from it. Source: gRPC over HTTP/2.
struct GrpcAnswer {
  int status = 14;
  std::string message;   // of the response, as it stands on the wire
  bool late = false;     // with 14: its time was over
  bool nothing = false;  // with 13: the call went well, but there is no message
  bool ok() const { return status == 0; }
};
struct GrpcOptions {
  std::chrono::milliseconds timeout{200};
  std::string_view authority;          // empty: the cluster's name
  const Metadata* metadata = nullptr;  // null: none
  std::size_t answer_max = 256 * 1024;
};
Task<GrpcAnswer> grpc_call(upstream::Clusters& clusters, const std::string& cluster,
                           std::string_view path, std::string_view message, GrpcOptions options,
                           Arena& arena);

/// The head of a gRPC call.
http::RequestHead grpc_head(std::string_view authority, std::string_view path);

/// A message with gRPC's prefix: not compressed, and its length.
std::string grpc_frame(std::string_view message);

}  // namespace tidegate::proxy::rpc
