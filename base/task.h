#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tidegate {

using Executor = boost::asio::io_context::executor_type;

/// A coroutine of one worker (or of the control thread). The executor is the concrete one of
/// io_context: no type erasure on the request path.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

/// The completion token inside a Task.
inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

}  // namespace tidegate
