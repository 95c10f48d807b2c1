#pragma once

#include <string_view>

namespace tidegate::proxy::server {

/// Tells systemd (or whoever set NOTIFY_SOCKET) how the service is: "READY=1", "STOPPING=1". Does
/// nothing where nobody asked. Source: sd_notify(3).
void tell_service_manager(std::string_view state);

}  // namespace tidegate::proxy::server
