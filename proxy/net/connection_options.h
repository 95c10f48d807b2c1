#pragma once

#include "proxy/snapshot/http_options.h"

namespace tidegate::proxy::net {

/// Sets what a listener wants of its accepted sockets: keepalive probes, sizes of the kernel's
/// buffers. What the kernel refuses stays as it was.
void set_options(int fd, const ConnectionOptions& options);

}  // namespace tidegate::proxy::net
