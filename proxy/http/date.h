#pragma once

#include <string_view>

namespace tidegate::proxy::http {

/// The value of Date, now; made once a second a thread. Valid until this thread's next call.
/// Source: RFC 9110 section 6.6.1.
std::string_view date();

}  // namespace tidegate::proxy::http
