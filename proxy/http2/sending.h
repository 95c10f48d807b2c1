#pragma once

#include <nghttp2/nghttp2.h>

namespace tidegate::proxy::http2 {

/// Where nghttp2 takes the bytes of a stream's DATA frames from: the Stream of that id.
nghttp2_data_provider data_provider();

}  // namespace tidegate::proxy::http2
