#pragma once

#include <string_view>

#include "proxy/http/message.h"

namespace tidegate::proxy::http {

/// A version as Envoy writes it in logs, spans and requests to services.
inline std::string_view version_name(Version version) {
  constexpr std::string_view kNames[] = {"HTTP/1.0", "HTTP/1.1", "HTTP/2"};
  return kNames[static_cast<std::size_t>(version)];
}

}  // namespace tidegate::proxy::http
