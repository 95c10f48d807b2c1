#include "proxy/net/stream.h"

#include <boost/container/small_vector.hpp>

namespace tidegate::proxy::net {

namespace {
Task<error_code> room(Stream& stream, Stall* stall) {
  if (stall != nullptr && stall->after.count() > 0) stall->wheel.arm(stall->timer, stall->after);
  error_code failed = co_await stream.wait_writable();
  if (stall != nullptr) stall->timer.cancel();
  co_return failed;
}
}  // namespace

Task<error_code> write_all(Stream& stream, std::span<const boost::asio::const_buffer> pieces,
                           Stall* stall) {
  Result<std::size_t> sent = stream.try_write(pieces);
  if (!sent) co_return sent.error();
  if (*sent == boost::asio::buffer_size(pieces)) co_return error_code{};
  boost::container::small_vector<boost::asio::const_buffer, 8> left(pieces.begin(), pieces.end());
  std::size_t first = 0;
  std::size_t done = *sent;
  while (true) {
    while (first < left.size() && done >= left[first].size()) done -= left[first++].size();
    if (first == left.size()) co_return error_code{};
    left[first] += done;
    if (error_code failed = co_await room(stream, stall)) co_return failed;
    Result<std::size_t> more =
        stream.try_write(std::span(left.data() + first, left.size() - first));
    if (!more) co_return more.error();
    done = *more;
  }
}

Task<error_code> settle(Stream& stream, Stall* stall) {
  while (stream.is_open() && !stream.settled()) {
    if (error_code failed = co_await room(stream, stall)) co_return failed;
  }
  co_return error_code{};
}

}  // namespace tidegate::proxy::net
