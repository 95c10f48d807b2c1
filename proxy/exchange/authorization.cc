#include "proxy/exchange/authorization.h"

#include <algorithm>
#include <chrono>

#include "proxy/http/characters.h"
#include "proxy/rpc/ext_authz.h"

namespace tidegate::proxy::exchange {
namespace {

constexpr std::chrono::seconds kTimeout{2};
constexpr std::size_t kAnswerMax = 64 * 1024;

bool in(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& one) { return http::iequals(one, name); });
}

/// One call: its head and body, and whether all of it came.
struct Answer {
  bool whole = false;
  int status = 0;
  http::Fields fields;  // trailers included
  std::string body;
};

Task<bool> converse(http::ClientStream& stream, const http::RequestHead& head,
                    std::string_view body, Answer& out, Arena& arena) {
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
    if (!chunk || out.body.size() + chunk->bytes.size() > kAnswerMax) co_return false;
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

Task<Answer> call(const Context& context, const std::string& cluster_name,
                  const http::RequestHead& head, std::string_view body, Arena& arena) {
  std::shared_ptr<upstream::ClusterState> cluster = context.clusters.find(cluster_name);
  if (!cluster) co_return Answer();
  upstream::Lease lease;
  bool late = false;
  auto expired = [&] {
    late = true;
    if (lease) lease.stream().cancel(make_error_code(upstream::Error::kTimeout));
  };
  CallTimer<decltype(expired)> deadline(expired);
  context.loop.wheel.arm(deadline, kTimeout);
  for (const bool fresh : {false, true}) {
    Result<upstream::Lease> got = co_await cluster->acquire(fresh, true);
    if (!got || late) break;
    lease = std::move(*got);
    Answer out;
    out.whole = co_await converse(lease.stream(), head, body, out, arena);
    lease.count(out.status);
    // Closed while it idled: once more, on a connection of its own.
    const bool stale = !out.whole && !late && lease.stream().reused() && !lease.stream().answered();
    lease.finish();
    if (!stale) co_return out;
  }
  co_return Answer();
}

Task<Verdict> ask_http(const Context& context, const ExternalAuth& auth,
                       const http::RequestHead& request, std::string_view body, Arena& arena) {
  http::RequestHead head;
  head.method = request.method;
  head.scheme = request.scheme;
  head.authority = request.authority;
  head.path = arena.join(auth.path_prefix, request.path);
  head.body = {http::BodyLength::Kind::kExact, body.size()};
  for (const http::Field& field : request.fields) {
    if (http::iequals(field.name, "authorization") || in(auth.request_headers, field.name))
      head.fields.append(field.name, field.value);
  }
  const Answer answer = co_await call(context, auth.cluster, head, body, arena);
  Verdict out;
  if (!answer.whole) co_return out;
  out.allowed = answer.status == 200;
  if (out.allowed) {
    for (const http::Field& field : answer.fields) {
      // What describes the answer itself would not be true of the request.
      const bool own = http::iequals(field.name, "content-type") ||
                       http::iequals(field.name, "content-encoding") ||
                       http::iequals(field.name, "date") || http::iequals(field.name, "server");
      const bool wanted =
          auth.response_headers.empty() ? !own : in(auth.response_headers, field.name);
      if (wanted) out.fields.append(field.name, field.value);
    }
    co_return out;
  }
  out.fields = answer.fields;
  out.body = arena.copy(answer.body);
  if (answer.status >= 300) out.status = answer.status;  // another 2xx is no success either
  co_return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

Task<Verdict> ask_grpc(const Context& context, const ExternalAuth& auth,
                       const http::RequestHead& request, std::string_view body, Arena& arena) {
  rpc::CheckRequest check;
  check.request = &request;
  check.body = body;
  check.client_ip = context.facts.remote_ip;
  check.client_port = context.facts.remote.port();
  const std::string local = context.facts.local.address().to_string();
  check.local_ip = local;
  check.local_port = context.facts.local.port();
  check.sni = context.facts.sni;
  for (const http::Field& field : request.fields) {
    if (!auth.request_headers.empty() && !in(auth.request_headers, field.name)) continue;
    std::string name = lower(field.name);
    auto known = std::find_if(check.fields.begin(), check.fields.end(),
                              [&name](const auto& one) { return one.first == name; });
    if (known == check.fields.end()) {
      check.fields.emplace_back(std::move(name), field.value);
    } else {
      known->second.append(",").append(field.value);
    }
  }
  const std::string message = rpc::encode(check);
  std::string frame(1, '\0');  // not compressed
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    frame += static_cast<char>(message.size() >> shift & 0xffU);
  frame += message;

  http::RequestHead head;
  head.method = "POST";
  head.scheme = "http";
  head.authority = auth.cluster;
  head.path = rpc::kCheckPath;
  head.te_trailers = true;
  head.body = {http::BodyLength::Kind::kUnknown, 0};
  head.fields.append("content-type", "application/grpc");
  const Answer answer = co_await call(context, auth.cluster, head, frame, arena);
  Verdict out;
  rpc::CheckResponse response;
  const std::string_view came = answer.body;
  if (!answer.whole || answer.status != 200 || answer.fields.get("grpc-status") != "0" ||
      came.size() < 5 || came[0] != 0 || !rpc::decode(came.substr(5), response))
    co_return out;
  out.allowed = response.allowed;
  if (!out.allowed) out.status = response.status;
  for (const auto& [name, value] : response.set) {
    if (!name.empty() && http::all_of(name, http::kToken) && http::all_of(value, http::kValue) &&
        !http::frames_message(name))
      out.fields.append(arena.copy(lower(name)), arena.copy(value));
  }
  for (const std::string& name : response.remove) out.remove.push_back(arena.copy(name));
  out.body = arena.copy(response.body);
  co_return out;
}

}  // namespace

Task<Verdict> ask(const Context& context, const ExternalAuth& auth,
                  const http::RequestHead& request, std::string_view body, Arena& arena) {
  return auth.protocol == ExternalAuth::Protocol::kGrpc
             ? ask_grpc(context, auth, request, body, arena)
             : ask_http(context, auth, request, body, arena);
}

}  // namespace tidegate::proxy::exchange
