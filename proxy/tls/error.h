#pragma once

#include "base/result.h"

namespace tidegate::proxy::tls {

/// What OpenSSL says, as an error_code: its own texts.
const boost::system::error_category& category();

/// The oldest error in this thread's queue, which is emptied; bad_message where it is empty.
error_code take_error();

/// The peer's certificate is valid, but for somebody else.
error_code name_mismatch();

/// Whether the peer went away in the middle, without a word.
bool is_cut_off(error_code failed);
/// Whether the peer began with a request of HTTP in place of TLS.
bool is_plain_http(error_code failed);

}  // namespace tidegate::proxy::tls
