#include "proxy/format/response_flags.h"

#include <iterator>

namespace tidegate::proxy::format {
namespace {

struct Name {
  std::string_view brief;
  std::string_view full;
};
// In the order of Envoy's enumeration, which is the order in which several are printed.
constexpr Name kNames[] = {
    {"LH", "FailedLocalHealthCheck"},
    {"UH", "NoHealthyUpstream"},
    {"UT", "UpstreamRequestTimeout"},
    {"LR", "LocalReset"},
    {"UR", "UpstreamRemoteReset"},
    {"UF", "UpstreamConnectionFailure"},
    {"UC", "UpstreamConnectionTermination"},
    {"UO", "UpstreamOverflow"},
    {"NR", "NoRouteFound"},
    {"DI", "DelayInjected"},
    {"FI", "FaultInjected"},
    {"RL", "RateLimited"},
    {"UAEX", "UnauthorizedExternalService"},
    {"RLSE", "RateLimitServiceError"},
    {"DC", "DownstreamConnectionTermination"},
    {"URX", "UpstreamRetryLimitExceeded"},
    {"SI", "StreamIdleTimeout"},
    {"IH", "InvalidEnvoyRequestHeaders"},
    {"DPE", "DownstreamProtocolError"},
    {"UMSDR", "UpstreamMaxStreamDurationReached"},
    {"RFCF", "ResponseFromCacheFilter"},
    {"NFCF", "NoFilterConfigFound"},
    {"DT", "DurationTimeout"},
    {"UPE", "UpstreamProtocolError"},
    {"NC", "NoClusterFound"},
    {"OM", "OverloadManagerTerminated"},
    {"DF", "DnsResolutionFailed"},
    {"DO", "DropOverload"},
    {"DR", "DownstreamRemoteReset"},
    {"UDO", "UnconditionalDropOverload"},
};
constexpr std::size_t kCount = std::size(kNames);
static_assert(kCount <= 32);

std::size_t index_of(std::string_view name) {
  std::size_t at = 0;
  while (at < kCount && kNames[at].brief != name) ++at;
  return at;
}

}  // namespace

bool is_response_flag(std::string_view name) { return index_of(name) < kCount; }

ResponseFlags ResponseFlags::parse(std::string_view text) {
  ResponseFlags out;
  if (text == "-") return out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::size_t index = index_of(text.substr(0, comma));
    if (index < kCount) out.bits_ |= std::uint32_t{1} << index;
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  return out;
}

void ResponseFlags::print(bool long_names, std::string& out) const {
  bool first = true;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!bit(i)) continue;
    if (!first) out += ',';
    first = false;
    out += long_names ? kNames[i].full : kNames[i].brief;
  }
}

}  // namespace tidegate::proxy::format
