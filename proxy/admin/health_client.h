#pragma once

#include <string>

namespace tidegate::proxy::admin {

/// Asks the readiness port of a running gateway, for health checks of containers. Blocks, 2 s at
/// most. `says` is the state, or what went wrong.
bool ask_ready(const std::string& address, std::string& says);

}  // namespace tidegate::proxy::admin
