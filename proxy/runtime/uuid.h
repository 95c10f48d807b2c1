#pragma once

#include <cstddef>

#include "proxy/runtime/loop.h"

namespace tidegate::proxy {

inline constexpr std::size_t kUuidBytes = 36;

/// A random UUID, version 4, in lower case. Not for secrets. Source: RFC 9562 section 5.4.
void write_uuid(Random& random, char (&out)[kUuidBytes]);

}  // namespace tidegate::proxy
