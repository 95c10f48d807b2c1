#include "proxy/exchange/one_exchange.h"
#include "proxy/relay/pair.h"

namespace tidegate::proxy::exchange {

Task<bool> Exchange::carry(ClusterStats& counted, error_code& failed, Result<http::Chunk>& chunk) {
  http::BodySource& request = stream_.request_body();
  if (&call_.request_body() != &request ||
      &call_.response_body() != &lease_.stream().response_body())
    co_return false;
  net::Stream* upstream = lease_.stream().raw();
  if (!upstream) co_return false;
  const http::ServerStream::Raw client = stream_.raw();
  if (!client.stream) co_return false;
  std::string early;  // sent before our 101 was there
  if (Result<http::Chunk> come = request.poll(); come)
    early.assign(come->bytes.data(), come->bytes.size());
  net::Stall stall{context_.loop.wheel, *client.stalled, client.stalls_after};
  HttpStats& stats = context_.stats;
  relay::Pair pair(
      context_.loop,
      {*client.stream, stats.downstream_cx_rx_bytes_total, stats.downstream_cx_tx_bytes_total,
       &stall},
      {*upstream, counted.upstream_cx_rx_bytes_total, counted.upstream_cx_tx_bytes_total},
      idle_after_);
  pair.end_with_upstream();
  idle_.cancel();
  co_await pair.run(std::move(early));
  received_ += pair.from_downstream;
  sent_ += pair.from_upstream;
  request_ended();
  if (pair.left == upstream) lease_.stream().raw_left();
  if (pair.idled) {
    idled_ = true;
    chunk = make_error_code(upstream::Error::kTimeout);
  } else if (pair.failed == upstream) {
    chunk = given_up_ ? given_up_ : make_error_code(upstream::Error::kReset);
  } else if (pair.failed) {
    failed = pair.why;
  }
  co_return true;
}

}  // namespace tidegate::proxy::exchange
