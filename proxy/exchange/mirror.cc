#include "proxy/exchange/mirror.h"

#include <string>

namespace tidegate::proxy::exchange {

namespace {
constexpr std::size_t kBodyMax = 1024 * 1024;
constexpr std::chrono::seconds kTimeout{15};
}  // namespace

/// A request with strings of its own.
struct Mirrors::Copy {
  std::shared_ptr<upstream::ClusterState> cluster;
  Arena arena;
  http::RequestHead head;
  std::string body;

  static Task<void> send(std::unique_ptr<Copy> copy) {
    Result<upstream::Lease> lease = co_await copy->cluster->acquire(false, true);
    if (!lease) co_return;
    http::ClientStream& stream = lease->stream();
    auto late = [&stream] { stream.cancel(make_error_code(upstream::Error::kTimeout)); };
    CallTimer<decltype(late)> deadline(late);
    copy->cluster->loop().wheel.arm(deadline, kTimeout);
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
};

Mirrors::Mirrors() = default;
Mirrors::~Mirrors() = default;

void Mirrors::add(const Context& context, const RequestMirror& mirror,
                  const http::RequestHead& request) {
  std::shared_ptr<upstream::ClusterState> cluster = context.clusters.find(mirror.cluster);
  if (!cluster || !request.upgrade.empty() || mirror.denominator == 0) return;
  if (context.loop.random.below(mirror.denominator) >= mirror.numerator) return;
  auto copy = std::make_unique<Copy>();
  copy->cluster = std::move(cluster);
  copy->head = request;
  copy->head.method = copy->arena.copy(request.method);
  copy->head.scheme = copy->arena.copy(request.scheme);
  copy->head.authority = copy->arena.copy(
      mirror.authority.empty() ? request.authority : std::string_view(mirror.authority));
  copy->head.path = copy->arena.copy(request.path);
  copy->head.fields.own(copy->arena);
  copies_.push_back(std::move(copy));
}

void Mirrors::add_all(const Context& context, const Rule& rule, const WeightedCluster& backend,
                      const http::RequestHead& request) {
  for (const std::vector<Filter>* all : {&rule.filters, &backend.filters}) {
    for (const Filter& filter : *all) {
      if (const auto* copy = std::get_if<RequestMirror>(&filter)) add(context, *copy, request);
    }
  }
}

void Mirrors::body(http::Chunk chunk) {
  if (copies_.empty()) return;
  for (auto& copy : copies_) copy->body.append(chunk.bytes.data(), chunk.bytes.size());
  if (copies_.front()->body.size() > kBodyMax) copies_.clear();
  if (!chunk.end) return;
  for (auto& copy : copies_) {
    boost::asio::io_context& io = copy->cluster->loop().io;
    spawn(io, Copy::send(std::move(copy)));
  }
  copies_.clear();
}

}  // namespace tidegate::proxy::exchange
