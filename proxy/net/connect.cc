#include "proxy/net/connect.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>

namespace tidegate::proxy::net {

namespace asio = boost::asio;

Task<Result<Socket>> connect(asio::io_context& io, asio::ip::tcp::endpoint to, TimerWheel& wheel,
                             std::chrono::milliseconds timeout) {
  Socket socket(io.get_executor());
  auto late = [&socket] {
    error_code ignored;
    socket.close(ignored);
  };
  CallTimer<decltype(late)> deadline(late);
  wheel.arm(deadline, timeout);
  auto [failed] = co_await socket.async_connect(to, asio::as_tuple(use_task));
  if (!deadline.armed()) co_return error_code(asio::error::timed_out);
  if (failed) co_return failed;
  co_return std::move(socket);
}

}  // namespace tidegate::proxy::net
