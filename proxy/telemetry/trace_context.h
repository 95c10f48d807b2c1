#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/fields.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::telemetry {

/// Who a span is. All zeros: nobody.
struct TraceId {
  std::array<std::uint8_t, 16> bytes{};
  static TraceId draw(Random& random);
  bool valid() const;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
  bool operator==(const TraceId&) const = default;
};
struct SpanId {
  std::array<std::uint8_t, 8> bytes{};
  static SpanId draw(Random& random);
  bool valid() const;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 8}; }
  bool operator==(const SpanId&) const = default;
};

/// What a `traceparent` field says.
struct TraceParent {
  static constexpr std::size_t kBytes = 55;  // as it is written
  TraceId trace;
  SpanId span;
  bool sampled = false;

  /// Nothing where it is malformed, of version ff, or one of its ids is all zeros. What later
  /// versions put behind is not looked at. Source: W3C Trace Context section 3.2.
  static std::optional<TraceParent> parse(std::string_view text);
  /// Version 00.
  void print(char (&out)[kBytes]) const;
};

/// What a request brings.
struct Incoming {
  enum class State { kNone, kValid, kMalformed };  // several fields are malformed, too
  State state = State::kNone;
  TraceParent parent;
};
Incoming incoming(const http::Fields& fields);

/// Lower-case hexadecimal; `out` has room for twice the bytes.
void print_hex(std::string_view bytes, char* out);

}  // namespace tidegate::proxy::telemetry
