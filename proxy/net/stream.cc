#include "proxy/net/stream.h"

#include <boost/container/small_vector.hpp>

namespace tidegate::proxy::net {

Task<error_code> write_all(Stream& stream, std::span<const boost::asio::const_buffer> pieces) {
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
    if (error_code failed = co_await stream.wait_writable()) co_return failed;
    Result<std::size_t> more =
        stream.try_write(std::span(left.data() + first, left.size() - first));
    if (!more) co_return more.error();
    done = *more;
  }
}

}  // namespace tidegate::proxy::net
