#include "proxy/telemetry/utf8_text.h"

#include <algorithm>
#include <string>

namespace tidegate::proxy::telemetry {
namespace {

/// Of the sequence that `text` begins with; 0: it is none. Source: RFC 3629 section 4.
std::size_t length_of(std::string_view text) {
  auto byte = [text](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  auto tail = [byte](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

void write_text(rpc::ProtoWriter& out, std::uint32_t field, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; }))
    return out.text(field, text);
  std::string clean(text);
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t length = length_of(std::string_view(clean).substr(at));
    if (length == 0) clean[at] = '!';
    at += std::max<std::size_t>(length, 1);
  }
  out.text(field, clean);
}

}  // namespace tidegate::proxy::telemetry
