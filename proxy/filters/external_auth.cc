#include <algorithm>
#include <chrono>

#include "proxy/filters/chain.h"
#include "proxy/http/characters.h"
#include "proxy/rpc/call.h"
#include "proxy/rpc/ext_authz.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::filters {
namespace {

constexpr std::chrono::seconds kTimeout{2};
constexpr std::size_t kAnswerMax = 64 * 1024;

bool in(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& one) { return http::iequals(one, name); });
}

/// What the service said; texts are in the arena.
struct Decision {
  bool allowed = false;
  int status = 403;                      // of a denial
  http::Fields fields;                   // allowed: set on the request; denied: of the answer
  std::vector<std::string_view> remove;  // from the request
  std::string_view body;                 // of a denial
};

Task<Decision> ask_http(Call& call, const ExternalAuth& auth, std::string_view body) {
  http::RequestHead head;
  head.method = call.request.method;
  head.scheme = call.request.scheme;
  head.authority = call.request.authority;
  head.path = call.arena.join(auth.path_prefix, call.request.path);
  head.body = {http::BodyLength::Kind::kExact, body.size()};
  for (const http::Field& field : call.request.fields) {
    if (http::iequals(field.name, "authorization") || in(auth.request_headers, field.name))
      head.fields.append(field.name, field.value);
  }
  const rpc::Answer answer = co_await rpc::call(call.clusters, auth.cluster, head, body,
                                                {kTimeout, kAnswerMax}, call.arena);
  Decision out;
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
  out.body = call.arena.copy(answer.body);
  if (answer.status >= 300) out.status = answer.status;  // another 2xx is no success either
  co_return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

Task<Decision> ask_grpc(Call& call, const ExternalAuth& auth, std::string_view body) {
  rpc::CheckRequest check;
  check.request = &call.request;
  check.body = body;
  check.client_ip = call.facts.remote_ip;
  check.client_port = call.facts.remote.port();
  const std::string local = call.facts.local.address().to_string();
  check.local_ip = local;
  check.local_port = call.facts.local.port();
  check.sni = call.facts.sni;
  for (const http::Field& field : call.request.fields) {
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
  const rpc::Metadata none;
  const rpc::GrpcAnswer answer =
      co_await rpc::grpc_call(call.clusters, auth.cluster, rpc::kCheckPath, message, none,
                              {kTimeout, kAnswerMax}, call.arena);
  Decision out;
  rpc::CheckResponse response;
  if (!answer.ok() || !rpc::decode(answer.message, response)) co_return out;
  out.allowed = response.allowed;
  if (!out.allowed) out.status = response.status;
  for (const auto& [name, value] : response.set) {
    if (!name.empty() && http::all_of(name, http::kToken) && http::all_of(value, http::kValue) &&
        !http::frames_message(name))
      out.fields.append(call.arena.copy(lower(name)), call.arena.copy(value));
  }
  for (const std::string& name : response.remove) out.remove.push_back(call.arena.copy(name));
  out.body = call.arena.copy(response.body);
  co_return out;
}

/// A service that must allow the request. One that cannot be reached, is late (2 s) or answers
/// nonsense denies with 403. Source: HTTPExternalAuthFilter (GEP-1494); Envoy's ext_authz.
class ExternalAuthFilter final : public Filter {
 public:
  explicit ExternalAuthFilter(ExternalAuth config) : config_(std::move(config)) {}

  Verdict request(Call&) const override { return Verdict::kWait; }

  Task<Verdict> request_waiting(Call& call) const override {
    std::string_view body;
    if (config_.body_max > 0) {
      const http::BodyLength& length = call.request.body;
      bool refused =
          length.kind == http::BodyLength::Kind::kExact && length.bytes > config_.body_max;
      if (!refused) {
        Result<Gathered> gathered = co_await call.gather_request(config_.body_max);
        if (!gathered) {
          call.reply = Reply{400, {}, "bad request\n", "DPE"};
          co_return Verdict::kReply;
        }
        refused = !gathered->whole;
        body = gathered->bytes;
      }
      if (refused) {
        call.reply = Reply{413, {}, "request body too large\n", "-", "request_payload_too_large"};
        co_return Verdict::kReply;
      }
    }
    const bool grpc = config_.protocol == ExternalAuth::Protocol::kGrpc;
    Decision decision;
    if (grpc) {
      decision = co_await ask_grpc(call, config_, body);
    } else {
      decision = co_await ask_http(call, config_, body);
    }
    if (!decision.allowed) {
      call.reply = Reply{decision.status, std::move(decision.fields), decision.body, "UAEX",
                         "ext_authz_denied"};
      co_return Verdict::kReply;
    }
    for (const http::Field& field : decision.fields) {
      if (!http::iequals(field.name, "host") && !field.name.starts_with(':'))
        call.request.fields.set(field.name, field.value);
    }
    for (const std::string_view name : decision.remove) call.request.fields.remove(name);
    co_return Verdict::kContinue;
  }

 private:
  ExternalAuth config_;
};

}  // namespace

FilterPtr compile(const ExternalAuth& from, const CompileContext&) {
  return std::make_shared<ExternalAuthFilter>(from);
}

}  // namespace tidegate::proxy::filters
