#include <algorithm>
#include <chrono>

#include "proxy/filters/answers.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/request_values.h"
#include "proxy/filters/service.h"
#include "proxy/format/format.h"
#include "proxy/http/characters.h"
#include "proxy/http/percent.h"
#include "proxy/http/query.h"
#include "proxy/rpc/ext_authz.h"

namespace tidegate::proxy::filters {
namespace {

constexpr std::size_t kAnswerMax = 256 * 1024;

bool in(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& one) { return http::iequals(one, name); });
}

/// What the service said; texts are in the arena.
struct Decision {
  enum class Kind { kFailed, kAllowed, kDenied };
  Kind kind = Kind::kFailed;  // kFailed: it could not be asked, or its answer makes no sense
  int status = 403;           // of a denial
  http::Fields set;           // on the request; of a denial: the answer's fields
  http::Fields append;        // to the request
  http::Fields to_client;     // of an answer to a request that is allowed
  std::vector<std::string_view> remove;  // from the request
  std::string_view body;                 // of a denial
  bool changes_query = false;
};

/// What the answer to an allowed request gets besides.
struct Told {
  http::Fields fields;
};

/// Fields of the call to the service, whose values are made for each request.
using AddedFields = std::vector<std::pair<std::string, format::Format>>;

/// A value that is empty, or none of a field, is not added.
void add_made(const AddedFields& from, Call& call, http::Fields& to) {
  if (from.empty()) return;
  const format::Values values = request_values(call);
  for (const auto& [name, made] : from) {
    std::string value;
    made.render(values, format::Missing::kNothing, value);
    if (!value.empty() && http::all_of(value, http::kValue)) to.set(name, call.arena.copy(value));
  }
}

Task<Decision> ask_http(Call& call, const ExternalAuth& auth, const AddedFields& added,
                        std::string_view body) {
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
  add_made(added, call, head.fields);
  const rpc::CallOptions options{auth.service.timeout, kAnswerMax};
  std::chrono::milliseconds pause = auth.service.backoff;
  rpc::Answer answer;
  for (std::uint32_t tries_left = auth.service.retries;; --tries_left) {
    answer =
        co_await rpc::call(call.clusters, auth.service.cluster, head, body, options, call.arena);
    if ((answer.whole && answer.status < 500) || tries_left == 0) break;
    co_await pause_between(call, auth.service, pause);
  }
  Decision out;
  // A server's own failure says nothing about the request.
  if (!answer.whole || answer.status >= 500) co_return out;
  if (answer.status == 200) {
    out.kind = Decision::Kind::kAllowed;
    for (const http::Field& field : answer.fields) {
      // What describes the answer itself would not be true of the request.
      const bool own = http::iequals(field.name, "content-type") ||
                       http::iequals(field.name, "content-encoding") ||
                       http::iequals(field.name, "date") || http::iequals(field.name, "server");
      if (auth.all_headers_to_backend ? !own : in(auth.headers_to_backend, field.name))
        out.set.append(field.name, field.value);
      if (in(auth.headers_to_client_on_success, field.name))
        out.to_client.append(field.name, field.value);
    }
    co_return out;
  }
  out.kind = Decision::Kind::kDenied;
  for (const http::Field& field : answer.fields) {
    if (auth.all_headers_to_client || in(auth.headers_to_client, field.name) ||
        http::iequals(field.name, "content-type"))
      out.set.append(field.name, field.value);
  }
  out.body = call.arena.copy(answer.body);
  if (answer.status >= 300) out.status = answer.status;  // another 2xx is no success either
  co_return out;
}

void check_fields(Call& call, const ExternalAuth& auth, rpc::CheckRequest& check) {
  for (const http::Field& field : call.request.fields) {
    if (!auth.request_headers.empty() && !in(auth.request_headers, field.name)) continue;
    std::string name(lower(field.name, call.arena));
    auto known = std::find_if(check.fields.begin(), check.fields.end(),
                              [&name](const auto& one) { return one.first == name; });
    if (known == check.fields.end()) {
      check.fields.emplace_back(std::move(name), field.value);
    } else {
      known->second.append(",").append(field.value);
    }
  }
}

void change_query(Call& call, const rpc::CheckResponse& response) {
  std::string_view path = call.request.path;
  for (const std::string& name : response.query_remove)
    path = http::without_parameter(path, name, call.arena);
  for (const auto& [name, value] : response.query_set) {
    path = http::without_parameter(path, name, call.arena);
    const std::string_view mark = path.find('?') == path.npos ? "?" : "&";
    path =
        call.arena.join(path, mark, http::percent_encode(name), "=", http::percent_encode(value));
  }
  call.request.path = path;
}

Task<Decision> ask_grpc(Call& call, const ExternalAuth& auth, std::string_view body) {
  rpc::CheckRequest check;
  check.request = &call.request;
  check.body = body;
  check.body_as_bytes = auth.body_as_bytes;
  check.context_extensions = &auth.context_extensions;
  check.client_ip = call.client_ip();
  check.client_port = call.client_port();
  const std::string local = call.facts.local.address().to_string();
  check.local_ip = local;
  check.local_port = call.facts.local.port();
  check.sni = call.facts.sni;
  check_fields(call, auth, check);
  const std::string message = rpc::encode(check);
  const rpc::GrpcAnswer answer = co_await ask(call, auth.service, rpc::kCheckPath, message);
  Decision out;
  rpc::CheckResponse response;
  if (!answer.ok() || !rpc::decode(answer.message, response)) co_return out;
  out.kind = response.allowed ? Decision::Kind::kAllowed : Decision::Kind::kDenied;
  out.status = response.status;
  add_fields(response.set, out.set, call.arena);
  add_fields(response.append, out.append, call.arena);
  add_fields(response.to_client, out.to_client, call.arena);
  for (const std::string& name : response.remove) out.remove.push_back(call.arena.copy(name));
  out.body = call.arena.copy(response.body);
  if (!response.metadata.empty())
    call.metadata("envoy.filters.http.ext_authz") = std::move(response.metadata);
  out.changes_query =
      response.allowed && !(response.query_set.empty() && response.query_remove.empty());
  if (out.changes_query) change_query(call, response);
  co_return out;
}

class ExternalAuthFilter final : public Filter {
 public:
  explicit ExternalAuthFilter(ExternalAuth config) : config_(std::move(config)) {
    for (const auto& [name, text] : config_.headers_to_add) {
      format::Problem problem;  // translation has looked for it
      added_.emplace_back(name, format::Format::compile(text, problem));
    }
  }

  Verdict request(Call& call) const override {
    const std::uint32_t percent = config_.percent_enabled;
    if (percent < 100 && call.loop.random.below(100) >= percent) {
      call.stats.ext_authz.of(config_.stat_prefix).disabled.add();
      return Verdict::kContinue;
    }
    return Verdict::kWait;
  }

  Task<Verdict> request_waiting(Call& call) const override {
    std::string_view body;
    if (config_.body_max > 0) {
      Result<Gathered> gathered = co_await gather(call);
      if (!gathered) {
        call.reply = Reply{400, {}, "bad request\n", "DPE"};
        co_return Verdict::kReply;
      }
      if (!gathered->whole && !config_.body_partial) co_return answer_request_too_large(call);
      body = gathered->bytes.substr(0, config_.body_max);
    }
    Decision decision;
    if (config_.protocol == ExternalAuth::Protocol::kGrpc) {
      decision = co_await ask_grpc(call, config_, body);
    } else {
      decision = co_await ask_http(call, config_, added_, body);
    }
    co_return carry_out(call, decision);
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    for (const http::Field& field : call.state<Told>(*this).fields)
      head.fields.append(field.name, field.value);
    return Verdict::kContinue;
  }

 private:
  /// A body that is known to be too long is not read.
  Task<Result<Gathered>> gather(Call& call) const {
    const http::BodyLength& length = call.request.body;
    const bool too_long =
        length.kind == http::BodyLength::Kind::kExact && length.bytes > config_.body_max;
    if (too_long && !config_.body_partial) co_return Gathered{{}, false};
    co_return co_await call.gather_request(config_.body_max);
  }

  /// Of the listener, and of the cluster that the request is for.
  void count(Call& call, const Decision& decision) const {
    auto add = [&](auto& counted) {
      (decision.kind == Decision::Kind::kAllowed  ? counted.ok
       : decision.kind == Decision::Kind::kDenied ? counted.denied
                                                  : counted.error)
          .add();
      if (decision.kind == Decision::Kind::kFailed && config_.fail_open)
        counted.failure_mode_allowed.add();
    };
    add(call.stats.ext_authz.of(config_.stat_prefix));
    if (ClusterStats* cluster = charged(call)) add(cluster->ext_authz.of(config_.stat_prefix));
  }

  Verdict carry_out(Call& call, Decision& decision) const {
    count(call, decision);
    if (decision.kind == Decision::Kind::kFailed) {
      if (config_.fail_open) return Verdict::kContinue;
      call.reply = Reply{config_.status_on_error, {}, {}, "UAEX", "ext_authz_error"};
      return Verdict::kReply;
    }
    if (decision.kind == Decision::Kind::kDenied) {
      call.reply = Reply{decision.status, std::move(decision.set), decision.body, "UAEX",
                         "ext_authz_denied"};
      return Verdict::kReply;
    }
    http::Fields& fields = call.request.fields;
    for (const http::Field& field : decision.set) {
      if (!http::iequals(field.name, "host") && !field.name.starts_with(':'))
        fields.set(field.name, field.value);
    }
    for (const http::Field& field : decision.append) fields.append(field.name, field.value);
    for (const std::string_view name : decision.remove) fields.remove(name);
    const bool changed = decision.changes_query || !decision.set.empty() ||
                         !decision.append.empty() || !decision.remove.empty();
    call.reroute = call.reroute || (config_.reroute && changed);
    if (!decision.to_client.empty()) call.state<Told>(*this).fields = std::move(decision.to_client);
    return Verdict::kContinue;
  }

  ExternalAuth config_;
  AddedFields added_;
};

}  // namespace

FilterPtr compile(const ExternalAuth& from, const CompileContext&) {
  return std::make_shared<ExternalAuthFilter>(from);
}

}  // namespace tidegate::proxy::filters
