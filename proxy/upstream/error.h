#pragma once

#include <boost/system/error_category.hpp>

#include "base/result.h"

namespace tidegate::proxy::upstream {

/// Why an attempt got no answer.
enum class Error {
  kNoEndpoint = 1,  // 503: the cluster has no (healthy) endpoint
  kOverflow,        // 503: a circuit breaker is open
  kConnectFailed,   // 502
  kConnectTimeout,  // 504
  kTimeout,         // 504: no answer in time
  kReset,           // 502: connection closed or reset before the answer was whole
  kBadResponse,     // 502: not HTTP, or framing that cannot be trusted
  kRetriedStatus,   // answered with a status that the route's retry policy names
  kNoSuchName,      // 503: the request names a host that DNS does not know
  kOwnAddress,      // 403: the host that the request names is this process
  kClientGone,      // nobody to answer any more
};

const boost::system::error_category& error_category();

inline error_code make_error_code(Error error) {
  return {static_cast<int>(error), error_category()};
}

/// The status of the reply that tells a client of it, and Envoy's response flag.
int status_of(error_code error);
const char* flag_of(error_code error);

}  // namespace tidegate::proxy::upstream

template <>
struct boost::system::is_error_code_enum<tidegate::proxy::upstream::Error> : std::true_type {};
