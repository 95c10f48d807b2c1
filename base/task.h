#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/frames.h"

// Sanitizers have to see each frame come and go.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace boost::asio::detail {

template <>
inline void* thread_info_base::allocate<thread_info_base::awaitable_frame_tag>(awaitable_frame_tag,
                                                                               thread_info_base*,
                                                                               std::size_t size,
                                                                               std::size_t) {
  return tidegate::Frames::take(size);
}
template <>
inline void thread_info_base::deallocate<thread_info_base::awaitable_frame_tag>(awaitable_frame_tag,
                                                                                thread_info_base*,
                                                                                void* at,
                                                                                std::size_t size) {
  tidegate::Frames::give(at, size);
}

}  // namespace boost::asio::detail
#endif

namespace tidegate {

using Executor = boost::asio::io_context::executor_type;

/// A coroutine of one worker (or of the control thread). The executor is the concrete one of
/// io_context: no type erasure on the request path.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

/// The completion token inside a Task.
inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

}  // namespace tidegate
