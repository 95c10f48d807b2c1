#pragma once

#include <string_view>

namespace tidegate::proxy::exchange {

/// Envoy's RESPONSE_CODE_DETAILS of an answer of our own, by its response flag and status; where
/// neither tells, that it is an answer of ours. Source: access-log.md, "Response flags".
std::string_view details_of(std::string_view flag, int status);

}  // namespace tidegate::proxy::exchange
