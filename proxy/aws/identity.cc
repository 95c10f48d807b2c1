#include "proxy/aws/identity.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "proxy/aws/credentials.h"
#include "proxy/aws/sigv4.h"
#include "proxy/aws/xml.h"
#include "proxy/http/percent.h"
#include "proxy/rpc/call.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::aws {

using std::chrono::system_clock;

namespace {

constexpr std::chrono::seconds kTimeout{10};
constexpr std::size_t kRoleAnswerMax = 256UL * 1024;
constexpr std::chrono::minutes kEarly{5};  // before credentials expire, new ones are asked for
constexpr std::chrono::seconds kRetry{2};  // after a call that failed

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// "2026-11-26T06:00:00Z"; the epoch where it is none.
system_clock::time_point time_of(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%d-%d-%dT%d:%d:%d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
    return {};
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return system_clock::from_time_t(timegm(&parts));
}

}  // namespace

void sign(http::RequestHead& request, std::string_view payload, const AwsCredentials& credentials,
          std::string_view region, std::string_view service, Arena& arena) {
  http::Fields& fields = request.fields;
  const std::string date = date_of(system_clock::now());
  const std::string hash = hash_of(payload);
  fields.set("x-amz-date", arena.copy(date));
  fields.set("x-amz-content-sha256", arena.copy(hash));
  if (!credentials.session_token.empty())
    fields.set("x-amz-security-token", arena.copy(credentials.session_token.reveal()));
  Signable signable;
  signable.method = request.method;
  signable.path = request.path;
  signable.payload_hash = hash;
  signable.fields.emplace_back("host", request.authority);
  for (const http::Field& field : fields) {
    std::string name = lower(field.name);
    if (name == "content-type" || name.starts_with("x-amz-"))
      signable.fields.emplace_back(std::move(name), field.value);
  }
  fields.set("authorization",
             arena.copy(authorization(signable, credentials, {region, service}, date)));
}

Task<QueryAnswer> ask(upstream::Clusters& clusters, QueryApi api, std::string region,
                      CredentialsPtr credentials, std::string form) {
  QueryAnswer out;
  Arena arena;
  http::RequestHead head;
  head.method = "POST";
  head.scheme = "https";
  head.authority = api.authority;
  head.path = "/";
  head.body = {http::BodyLength::Kind::kExact, form.size()};
  head.fields.append("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  sign(head, form, *credentials, region, api.service, arena);
  const rpc::CallOptions options{kTimeout, api.answer_max};
  rpc::Answer answer = co_await rpc::call(clusters, api.cluster, head, form, options, arena);
  if (answer.whole && answer.status == 200) {
    out.body = std::move(answer.body);
    co_return out;
  }
  out.problem = fmt::format("{} did not answer", api.authority);
  if (answer.whole) {
    const std::unique_ptr<XmlElement> error = parse_xml(answer.body);
    const XmlElement* code = error ? error->find("Error/Code") : nullptr;
    if (error && !code) code = error->find("Errors/Error/Code");
    if (code) out.code = code->text.substr(0, 100);
    out.problem = fmt::format("{} answered {}{}{}", api.authority, answer.status,
                              out.code.empty() ? "" : " ", out.code);
  }
  co_return out;
}

Identity::Identity(AwsIdentity config) : config_(std::move(config)) {
  if (config_.credentials) {
    own_ = std::make_shared<const AwsCredentials>(*config_.credentials);
  } else if (std::optional<AwsCredentials> found = of_environment()) {
    own_ = std::make_shared<const AwsCredentials>(std::move(*found));
  } else {
    problem_ = "there are no credentials in the environment of this process";
    log::warning(log::Component::kUpstream, "AWS: {}", problem_);
  }
}

std::string Identity::key_of(const AwsIdentity& config) {
  std::string secret;
  if (config.credentials) {
    for (const Secret* one : {&config.credentials->access_key, &config.credentials->secret_key,
                              &config.credentials->session_token})
      secret += hash_of(one->reveal());
  }
  return fmt::format("{} {} {} {} {}", config.region, config.role_arn, config.sts_cluster,
                     config.sts_authority, hash_of(secret));
}

Task<CredentialsPtr> Identity::credentials(upstream::Clusters& clusters) {
  if (config_.role_arn.empty() || !own_) co_return own_;
  std::shared_ptr<Event> over;
  {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    const bool valid = role_ && now < expires_;
    if (valid && (asking_ || now < expires_ - kEarly || now < not_before_)) co_return role_;
    if (!valid && now < not_before_) co_return nullptr;
    if (asking_) {
      const std::shared_ptr<upstream::ClusterState> api = clusters.find(config_.sts_cluster);
      if (!api) co_return nullptr;
      over = std::make_shared<Event>();
      waiting_.push_back({&api->loop().io, over});
    }
    asking_ = true;
  }
  if (!over) co_return co_await assume(clusters);
  co_await over->wait();  // as long as a call takes at most
  co_return current();
}

CredentialsPtr Identity::current() const {
  const std::lock_guard lock(mutex_);
  return role_ && Clock::now() < expires_ ? role_ : nullptr;
}

std::string Identity::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

/// Source: STS API, AssumeRole.
Task<CredentialsPtr> Identity::assume(upstream::Clusters& clusters) {
  std::string form =
      fmt::format("Action=AssumeRole&Version=2011-06-15&RoleSessionName=tidegate&RoleArn={}",
                  http::percent_encode(config_.role_arn));
  QueryApi api{config_.sts_cluster, config_.sts_authority, "sts", kRoleAnswerMax};
  const QueryAnswer answer =
      co_await ask(clusters, std::move(api), config_.region, own_, std::move(form));
  std::string problem = answer.problem;
  std::shared_ptr<AwsCredentials> found;
  Clock::time_point expires{};
  if (problem.empty()) {
    const std::unique_ptr<XmlElement> document = parse_xml(answer.body);
    const XmlElement* given = document ? document->find("AssumeRoleResult/Credentials") : nullptr;
    if (given) {
      found = std::make_shared<AwsCredentials>();
      found->access_key = Secret(std::string(given->value("AccessKeyId")));
      found->secret_key = Secret(std::string(given->value("SecretAccessKey")));
      found->session_token = Secret(std::string(given->value("SessionToken")));
      expires = time_of(given->value("Expiration"));
    }
    if (!found || found->access_key.empty() || found->secret_key.empty() ||
        expires <= Clock::now()) {
      found.reset();
      problem = "the answer has no credentials";
    }
  }
  if (!problem.empty()) {
    problem = fmt::format("the role {} was not given: {}", config_.role_arn, problem);
    log::warning(log::Component::kUpstream, "AWS: {}", problem);
  }
  answered(std::move(found), expires, std::move(problem));
  co_return current();
}

void Identity::answered(std::shared_ptr<const AwsCredentials> found, Clock::time_point expires,
                        std::string problem) {
  const std::lock_guard lock(mutex_);
  asking_ = false;
  problem_ = std::move(problem);
  if (found) {
    role_ = std::move(found);
    expires_ = expires;
  } else {
    not_before_ = Clock::now() + kRetry;
  }
  for (const Waiting& one : std::exchange(waiting_, {}))
    boost::asio::post(*one.io, [over = one.over] { over->notify(); });
}

}  // namespace tidegate::proxy::aws
