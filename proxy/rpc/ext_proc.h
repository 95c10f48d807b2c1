#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/fields.h"
#include "proxy/rpc/protobuf.h"

/// Source: envoy.service.ext_proc.v3.ExternalProcessor.
namespace tidegate::proxy::rpc {

inline constexpr std::string_view kProcessPath =
    "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

/// What a message of either side is about. kImmediate: the service's own answer to the client.
enum class ProcessingPart : std::uint8_t {
  kNone,
  kRequestHeaders,
  kResponseHeaders,
  kRequestBody,
  kResponseBody,
  kRequestTrailers,
  kResponseTrailers,
  kImmediate,
};

/// Source: envoy.extensions.filters.http.ext_proc.v3.ProcessingMode, its numbers.
struct WireMode {
  std::uint8_t request_headers = 0;  // 0 DEFAULT, 1 SEND, 2 SKIP
  std::uint8_t response_headers = 0;
  std::uint8_t request_body = 0;  // 0 NONE, 1 STREAMED, 2 BUFFERED, 3 .._PARTIAL, 4 FULL_DUPLEX_..
  std::uint8_t response_body = 0;
  std::uint8_t request_trailers = 0;
  std::uint8_t response_trailers = 0;
  bool operator==(const WireMode&) const = default;
};

/// A message to the service. What it points to outlives encode().
struct ProcessingRequest {
  ProcessingPart part = ProcessingPart::kNone;
  std::vector<http::Field> pseudo;       // before the fields: ":path", "content-length"
  const http::Fields* fields = nullptr;  // of headers and trailers
  std::string_view body;                 // of a body
  bool end_of_stream = false;            // of headers and bodies: nothing follows, no trailers
  boost::json::object metadata;          // objects by name space
  boost::json::object attributes;        // by name; empty: none are sent
  const WireMode* first = nullptr;       // of the first message: body modes that it tells
};
std::string encode(const ProcessingRequest& request);

/// What the service wants changed about headers or trailers.
struct HeaderMutation {
  /// Numbers of envoy.config.core.v3.HeaderValueOption.HeaderAppendAction, but kOverwrite: Envoy's
  /// filter replaces where `append` does not say otherwise.
  enum class Action : std::uint8_t { kOverwrite, kAddIfAbsent, kOverwriteIfExists, kAppend };
  struct Set {
    std::string name;
    std::string value;
    Action action = Action::kOverwrite;
  };
  std::vector<Set> set;
  std::vector<std::string> remove;
  bool ambiguous = false;  // a header with `value` and `raw_value`
  bool empty() const { return set.empty() && remove.empty() && !ambiguous; }
};

/// A message of the service.
struct ProcessingResponse {
  enum class Body : std::uint8_t { kKept, kReplaced, kStreamed };

  ProcessingPart part = ProcessingPart::kNone;
  bool replace = false;  // CONTINUE_AND_REPLACE: nothing more of this message is shown
  HeaderMutation headers;
  Body body_change = Body::kKept;
  std::string body;            // kReplaced, kStreamed, kImmediate
  bool end_of_stream = false;  // kStreamed
  bool clear_route_cache = false;
  std::optional<WireMode> mode_override;
  std::optional<std::chrono::milliseconds> message_timeout;  // more time; the rest has no meaning

  // kImmediate
  int status = 0;
  std::optional<std::uint32_t> grpc_status;
  std::string details;
};
/// False: it is malformed.
bool decode(std::string_view bytes, ProcessingResponse& out);

}  // namespace tidegate::proxy::rpc
