#include "proxy/rpc/call.h"

#include <charconv>

#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::rpc {
namespace {

Task<bool> converse(http::ClientStream& stream, const http::RequestHead& head,
                    std::string_view body, std::size_t answer_max, Answer& out, Arena& arena) {
  if (co_await stream.send_head(head, http::Chunk{{body.data(), body.size()}, true}))
    co_return false;
  const http::ResponseHead* answer = nullptr;
  while (!answer) {
    Result<http::ResponseHead*> next = co_await stream.receive_head();
    if (!next) co_return false;
    if ((*next)->status >= 200) answer = *next;
  }
  out.status = answer->status;
  out.fields = answer->fields;
  while (true) {
    Result<http::Chunk> chunk = co_await stream.response_body().read();
    if (!chunk || out.body.size() + chunk->bytes.size() > answer_max) co_return false;
    out.body.append(chunk->bytes.data(), chunk->bytes.size());
    if (!chunk->end) continue;
    if (const http::Fields* trailers = stream.response_body().trailers()) {
      for (const http::Field& field : *trailers) out.fields.append(field.name, field.value);
    }
    break;
  }
  out.fields.own(arena);
  co_return true;
}

}  // namespace

Task<Answer> call(upstream::Clusters& clusters, const std::string& cluster_name,
                  const http::RequestHead& head, std::string_view body, CallOptions options,
                  Arena& arena) {
  std::shared_ptr<upstream::ClusterState> cluster = clusters.find(cluster_name);
  if (!cluster) co_return Answer();
  upstream::Lease lease;
  upstream::Host::Waiting waiting;
  bool late = false;
  auto expired = [&] {
    late = true;
    if (lease) return lease.stream().cancel(make_error_code(upstream::Error::kTimeout));
    waiting.cancel(make_error_code(upstream::Error::kTimeout));
  };
  CallTimer<decltype(expired)> deadline(expired);
  cluster->loop().wheel.arm(deadline, options.timeout);
  for (const bool fresh : {false, true}) {
    upstream::Choice choice;
    choice.waiting = &waiting;
    choice.most = cluster->loop().wheel.left(deadline);
    Result<upstream::Lease> got = co_await cluster->acquire(fresh, true, choice);
    if (!got || late) break;
    lease = std::move(*got);
    Answer out;
    out.whole = co_await converse(lease.stream(), head, body, options.answer_max, out, arena);
    lease.count(out.status);
    // Closed while it idled: once more, on a connection of its own.
    const bool stale = !out.whole && !late && lease.stream().reused() && !lease.stream().answered();
    lease.finish();
    out.late = late;
    if (!stale) co_return out;
  }
  Answer out;
  out.late = late;
  co_return out;
}

std::string grpc_frame(std::string_view message) {
  std::string frame(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    frame += static_cast<char>(message.size() >> shift & 0xffU);
  frame += message;
  return frame;
}

http::RequestHead grpc_head(std::string_view authority, std::string_view path) {
  http::RequestHead head;
  head.method = "POST";
  head.scheme = "http";
  head.authority = authority;
  head.path = path;
  head.te_trailers = true;
  head.body = {http::BodyLength::Kind::kUnknown, 0};
  return head;
}

Task<GrpcAnswer> grpc_call(upstream::Clusters& clusters, const std::string& cluster,
                           std::string_view path, std::string_view message, GrpcOptions options,
                           Arena& arena) {
  const std::string frame = grpc_frame(message);
  http::RequestHead head =
      grpc_head(options.authority.empty() ? std::string_view(cluster) : options.authority, path);
  if (options.metadata) head.fields = *options.metadata;
  head.fields.append("content-type", "application/grpc");
  const CallOptions call_options{options.timeout, options.answer_max};
  const Answer answer = co_await call(clusters, cluster, head, frame, call_options, arena);
  GrpcAnswer out;
  out.late = answer.late;
  if (!answer.whole || answer.status != 200) co_return out;
  const std::string_view status = answer.fields.get("grpc-status");
  int code = 2;  // UNKNOWN
  std::from_chars(status.data(), status.data() + status.size(), code);
  out.status = code;
  if (code != 0) co_return out;
  const std::string_view came = answer.body;
  if (came.size() < 5 || came[0] != 0) {  // no message, or a compressed one that we never asked for
    out.status = 13;                      // INTERNAL
    out.nothing = came.empty();
    co_return out;
  }
  out.message = came.substr(5);
  co_return out;
}

}  // namespace tidegate::proxy::rpc
