#include "proxy/exchange/mirror.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <string>

namespace tidegate::proxy::exchange {
namespace {

/// A request with strings of its own.
struct Copy {
  Arena arena;
  http::RequestHead head;
  std::string body;
};

Task<void> send(std::shared_ptr<upstream::ClusterState> cluster, std::unique_ptr<Copy> copy) {
  Result<upstream::Lease> lease = co_await cluster->acquire(false, false);
  if (!lease) co_return;
  http::ClientStream& stream = lease->stream();
  auto late = [&stream] { stream.cancel(make_error_code(upstream::Error::kTimeout)); };
  CallTimer<decltype(late)> deadline(late);
  cluster->loop().wheel.arm(deadline, std::chrono::seconds(15));
  http::Chunk body{{copy->body.data(), copy->body.size()}, true};
  if (co_await stream.send_head(copy->head, body)) co_return;
  while (true) {
    Result<http::ResponseHead*> head = co_await stream.receive_head();
    if (!head) co_return;
    if ((*head)->status >= 200) break;
  }
  while (true) {
    Result<http::Chunk> chunk = co_await stream.response_body().read();
    if (!chunk || chunk->end) co_return;
  }
}

}  // namespace

void mirror(const Context& context, const RequestMirror& mirror, const http::RequestHead& request,
            http::Chunk body) {
  std::shared_ptr<upstream::ClusterState> cluster = context.clusters.find(mirror.cluster);
  if (!cluster || !body.end || !request.upgrade.empty()) return;
  if (mirror.denominator == 0 || context.loop.random.below(mirror.denominator) >= mirror.numerator)
    return;
  auto copy = std::make_unique<Copy>();
  copy->head = request;
  copy->head.method = copy->arena.copy(request.method);
  copy->head.scheme = copy->arena.copy(request.scheme);
  copy->head.authority = copy->arena.copy(request.authority);
  copy->head.path = copy->arena.copy(request.path);
  copy->head.fields.own(copy->arena);
  copy->body.assign(body.bytes.begin(), body.bytes.end());
  boost::asio::co_spawn(context.loop.io, send(std::move(cluster), std::move(copy)),
                        boost::asio::detached);
}

}  // namespace tidegate::proxy::exchange
