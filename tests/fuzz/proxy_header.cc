#include "proxy/net/proxy_protocol.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy::net;

/// The PROXY protocol's header, as it comes: what has been decided stays.
void proxy_header(std::string_view bytes) {
  bytes = bytes.substr(0, 2 * kProxyHeaderMax);
  const ProxyHeader whole = read_proxy_header({bytes.data(), bytes.size()});
  if (whole.state == ProxyHeader::State::kWhole) {
    must(whole.size > 0 && whole.size <= bytes.size(), "a header is within the bytes");
    must(whole.size <= kProxyHeaderMax, "a header has a limit");
    must(whole.source.has_value() == whole.destination.has_value(), "both ends are told, or none");
  } else {
    must(!whole.source, "what is no header tells nothing");
  }
  must(whole.state != ProxyHeader::State::kPartial || bytes.size() < kProxyHeaderMax,
       "waiting has an end");
  std::size_t here = 0;
  for (const std::string_view piece : pieces(bytes)) {
    here += piece.size();
    const ProxyHeader part = read_proxy_header({bytes.data(), here});
    if (part.state == ProxyHeader::State::kPartial) continue;
    must(part.state == whole.state && part.size == whole.size && part.source == whole.source &&
             part.destination == whole.destination,
         "what a header says does not depend on how it comes");
    break;
  }
}

}  // namespace tidegate::fuzz
