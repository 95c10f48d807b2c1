#include <algorithm>

#include "proxy/aws/identity.h"
#include "proxy/aws/lambda_payload.h"
#include "proxy/aws/requests.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/service.h"
#include "proxy/snapshot/aws.h"

namespace tidegate::proxy::filters {
namespace {

constexpr std::uint64_t kPayloadMax = 6UL * 1024 * 1024;  // bytes; Lambda's quota, both ways
constexpr std::string_view kFunctionError = "x-amz-function-error";

/// What a client says to Lambda itself, or what would not be true of the new body.
bool is_dropped(std::string_view name, bool passthrough) {
  constexpr std::string_view kAmazon = "x-amz-";
  if (name.size() >= kAmazon.size() && http::iequals(name.substr(0, kAmazon.size()), kAmazon))
    return true;
  if (http::iequals(name, "authorization")) return true;
  return !passthrough && http::iequals(name, "content-encoding");
}

class AwsLambdaFilter final : public Filter {
 public:
  AwsLambdaFilter(LambdaInvocation config, Kept& kept)
      : config_(std::move(config)),
        identity_(kept.get<aws::Identity>(aws::Identity::key_of(config_.identity), [this] {
          return std::make_shared<aws::Identity>(config_.identity);
        })) {}

  Verdict request(Call&) const override { return Verdict::kWait; }

  Task<Verdict> request_waiting(Call& call) const override {
    if (!call.request.upgrade.empty()) co_return refuse(call, 400, "a function takes no upgrade\n");
    const bool too_long = call.request.body.kind == http::BodyLength::Kind::kExact &&
                          call.request.body.bytes > kPayloadMax;
    if (too_long) co_return refuse(call, 413, "request body too large\n");
    const Result<Gathered> body = co_await call.gather_request(kPayloadMax);
    if (!body) {
      call.reply = Reply{400, {}, "bad request\n", "DPE"};
      co_return Verdict::kReply;
    }
    if (!body->whole) co_return refuse(call, 413, "request body too large\n");
    const aws::CredentialsPtr credentials = co_await identity_->credentials(call.clusters);
    if (!credentials) co_return refuse(call, 500, "no credentials for the function\n");
    std::optional<std::string> payload;
    if (config_.passthrough) {
      payload = body->bytes;
    } else {
      payload = aws::payload_of(call.request, body->bytes, kPayloadMax);
    }
    if (!payload) co_return refuse(call, 413, "request body too large\n");
    invoke(call, *credentials, std::move(*payload));
    co_return Verdict::kContinue;
  }

  Verdict response(Call&, http::ResponseHead& head) const override {
    const bool as_it_is = config_.passthrough || config_.asynchronous || head.status >= 300 ||
                          head.fields.has(kFunctionError);
    return as_it_is ? Verdict::kContinue : Verdict::kWait;
  }

  Task<Verdict> response_waiting(Call& call, http::ResponseHead& head) const override {
    const Result<Gathered> body = co_await call.gather_response(head, kPayloadMax);
    std::optional<aws::FunctionAnswer> answer;
    if (body && body->whole) answer = aws::answer_of(body->bytes);
    if (!answer) co_return refuse(call, 500, "the function's answer is none\n");
    head.fields.set("content-type", "application/json");
    for (const auto& [name, value] : answer->fields) {
      if (acceptable(name, value)) head.fields.set(call.arena.copy(name), call.arena.copy(value));
    }
    for (const std::string& cookie : answer->cookies) {
      if (acceptable("set-cookie", cookie))
        head.fields.append("set-cookie", call.arena.copy(cookie));
    }
    if (answer->status != 0) head.status = answer->status;
    if (head.status == 204 || head.status == 304) answer->body.clear();
    call.replace_response_body(head, std::move(answer->body));
    co_return Verdict::kContinue;
  }

 private:
  static Verdict refuse(Call& call, int status, std::string_view text) {
    if (status == 413) {
      call.stats.downstream_rq_too_large.add();
      call.stats.limits.request_body.add();
    }
    call.reply = Reply{status, {}, text, "-", "aws_lambda"};
    return Verdict::kReply;
  }

  /// The request becomes the invocation. Source: Lambda API, Invoke.
  void invoke(Call& call, const AwsCredentials& credentials, std::string payload) const {
    http::RequestHead& request = call.request;
    http::Fields::List& list = request.fields.list();
    list.erase(std::remove_if(list.begin(), list.end(),
                              [this](const http::Field& field) {
                                return is_dropped(field.name, config_.passthrough);
                              }),
               list.end());
    call.own_secrets = true;
    request.method = "POST";
    request.path = call.arena.join("/2015-03-31/functions/", config_.arn, "/invocations");
    request.authority = config_.authority;
    if (!config_.passthrough) request.fields.set("content-type", "application/json");
    request.fields.set("x-amz-invocation-type", config_.asynchronous ? "Event" : "RequestResponse");
    aws::sign(request, payload, credentials, config_.identity.region, "lambda", call.arena);
    call.replace_request_body(std::move(payload));
  }

  LambdaInvocation config_;
  std::shared_ptr<aws::Identity> identity_;
};

}  // namespace

FilterPtr compile(const LambdaInvocation& from, const CompileContext& context) {
  return std::make_shared<AwsLambdaFilter>(from, context.kept);
}

}  // namespace tidegate::proxy::filters
