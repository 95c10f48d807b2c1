#include "proxy/telemetry/trace_context.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace tidegate::proxy::telemetry {
namespace {

/// -1: it is no lower-case hexadecimal digit.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <std::size_t N>
bool any(const std::array<std::uint8_t, N>& bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
}

template <std::size_t N>
void fill(Random& random, std::array<std::uint8_t, N>& out) {
  do {
    for (std::size_t i = 0; i < N; i += 8) {
      const std::uint64_t word = random.next();
      std::memcpy(out.data() + i, &word, 8);
    }
  } while (!any(out));
}

}  // namespace

TraceId TraceId::draw(Random& random) {
  TraceId out;
  fill(random, out.bytes);
  return out;
}
bool TraceId::valid() const { return any(bytes); }

SpanId SpanId::draw(Random& random) {
  SpanId out;
  fill(random, out.bytes);
  return out;
}
bool SpanId::valid() const { return any(bytes); }

std::optional<TraceParent> TraceParent::parse(std::string_view text) {
  if (text.size() < kBytes) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::uint8_t version = 0;
  std::uint8_t flags = 0;
  TraceParent out;
  if (!read_hex(text, {&version, 1}) || !read_hex(text.substr(3), out.trace.bytes) ||
      !read_hex(text.substr(36), out.span.bytes) || !read_hex(text.substr(53), {&flags, 1}))
    return std::nullopt;
  if (version == 0xff || !out.trace.valid() || !out.span.valid()) return std::nullopt;
  if (text.size() > kBytes && (version == 0 || text[kBytes] != '-')) return std::nullopt;
  out.sampled = (flags & 1) != 0;
  return out;
}

void TraceParent::print(char (&out)[kBytes]) const {
  std::memcpy(out, "00-", 3);
  print_hex(trace.view(), out + 3);
  out[35] = '-';
  print_hex(span.view(), out + 36);
  std::memcpy(out + 52, sampled ? "-01" : "-00", 3);
}

Incoming incoming(const http::Fields& fields) {
  Incoming out;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, "traceparent")) continue;
    if (out.state != Incoming::State::kNone) {
      out.state = Incoming::State::kMalformed;
      return out;
    }
    const std::optional<TraceParent> parent = TraceParent::parse(field.value);
    out.state = parent ? Incoming::State::kValid : Incoming::State::kMalformed;
    if (parent) out.parent = *parent;
  }
  return out;
}

void print_hex(std::string_view bytes, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *out++ = kDigits[byte >> 4];
    *out++ = kDigits[byte & 15];
  }
}

}  // namespace tidegate::proxy::telemetry
