#pragma once

#include <cstddef>

namespace tidegate::proxy::http {

/// What a peer may ask of us. Each is reported by name where it is hit.
struct HeadLimits {
  std::size_t head_bytes_max = 32 * 1024 - 512;  // start line and fields; 431
  std::size_t target_bytes_max = 16 * 1024;      // 414
  std::size_t fields_max = 100;                  // 431
  std::size_t trailer_bytes_max = 8 * 1024;      // 431
};

}  // namespace tidegate::proxy::http
