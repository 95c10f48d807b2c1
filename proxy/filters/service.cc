#include "proxy/filters/service.h"

#include "proxy/http/characters.h"
#include "proxy/runtime/event.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::filters {

Task<rpc::GrpcAnswer> ask(Call& call, const ServiceCall& service, std::string_view path,
                          std::string_view message) {
  rpc::GrpcOptions options;
  options.timeout = service.timeout;
  options.authority = service.authority;
  std::chrono::milliseconds pause = service.backoff;
  for (std::uint32_t tries_left = service.retries;; --tries_left) {
    rpc::GrpcAnswer answer =
        co_await rpc::grpc_call(call.clusters, service.cluster, path, message, options, call.arena);
    constexpr int kUnavailable = 14;
    if (answer.status != kUnavailable || tries_left == 0) co_return answer;
    co_await pause_between(call, service, pause);
  }
}

Task<void> pause_between(Call& call, const ServiceCall& service, std::chrono::milliseconds& pause) {
  Event over;
  auto notify = [&over] { over.notify(); };
  CallTimer<decltype(notify)> timer(notify);
  call.loop.wheel.arm(timer, std::chrono::milliseconds(call.loop.random.below(
                                 static_cast<std::uint64_t>(pause.count()) + 1)));
  co_await over.wait();
  pause = std::min(pause * 2, service.backoff_max);
}

ClusterStats* charged(Call& call) {
  const Forward* forward = call.rule ? std::get_if<Forward>(&call.rule->action) : nullptr;
  if (forward == nullptr || forward->clusters.empty()) return nullptr;
  const auto cluster = call.clusters.find(forward->clusters.front().cluster);
  return cluster ? &cluster->stats() : nullptr;
}

bool acceptable(std::string_view name, std::string_view value) {
  return !name.empty() && http::all_of(name, http::kToken) && http::all_of(value, http::kValue) &&
         !http::frames_message(name) && !http::iequals(name, "host");
}

std::string_view lower(std::string_view text, Arena& arena) {
  char* out = arena.allocate(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    out[i] = static_cast<char>(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
  return {out, text.size()};
}

void add_fields(const std::vector<std::pair<std::string, std::string>>& from, http::Fields& to,
                Arena& arena) {
  for (const auto& [name, value] : from) {
    if (acceptable(name, value)) to.append(lower(name, arena), arena.copy(value));
  }
}

}  // namespace tidegate::proxy::filters
