#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/rpc/protobuf.h"

namespace tidegate::proxy::telemetry {

/// Writes a string field, also an empty one. Whoever reads Protocol Buffers refuses a whole message
/// for one string that is not UTF-8, and clients send what they like: a byte that does not fit is
/// written as '!'.
void write_text(rpc::ProtoWriter& out, std::uint32_t field, std::string_view text);

}  // namespace tidegate::proxy::telemetry
