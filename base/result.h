#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace tidegate {

using error_code = boost::system::error_code;

/// A value, or the error_code that says why there is none.
template <class T>
using Result = boost::system::result<T>;

}  // namespace tidegate
