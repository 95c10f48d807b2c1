#pragma once

#include <nghttp2/nghttp2.h>

namespace tidegate::proxy::http2 {

/// What nghttp2 calls, with the Session as its user data. Made once.
const nghttp2_session_callbacks* session_callbacks();

}  // namespace tidegate::proxy::http2
