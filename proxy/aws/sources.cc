#include "proxy/aws/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <utility>

#include "proxy/aws/requests.h"
#include "proxy/aws/xml.h"
#include "proxy/http/characters.h"
#include "proxy/http/percent.h"
#include "proxy/rpc/call.h"

namespace tidegate::proxy::aws {

namespace json = boost::json;
using Fresh = Temporary::Fresh;
using std::chrono::system_clock;

namespace {

constexpr std::size_t kAnswerMax = 256UL * 1024;  // bytes
constexpr std::size_t kTokenMax = 64UL * 1024;    // bytes of a file
constexpr std::chrono::seconds kLocalTimeout{2};  // of a service of this machine
constexpr std::string_view kNothing = "the answer has no credentials";

/// "2026-11-26T06:00:00Z"; the epoch where it is none.
system_clock::time_point time_of(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%d-%d-%dT%d:%d:%d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
    return {};
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  // What does not fit into the clock is as late as it can be told.
  constexpr std::time_t kLatest = 7'258'118'400;  // 2200
  return system_clock::from_time_t(std::clamp<std::time_t>(timegm(&parts), 0, kLatest));
}

/// Without a key, a secret and time left there are none.
Fresh fresh_of(AwsCredentials found, std::string_view expiration) {
  Fresh out;
  out.expires = time_of(expiration);
  if (found.access_key.empty() || found.secret_key.empty() || out.expires <= system_clock::now()) {
    out.problem = kNothing;
  } else {
    out.credentials = std::make_shared<const AwsCredentials>(std::move(found));
  }
  return out;
}

/// `result`: the element below the answer's own.
Fresh of_sts(const QueryAnswer& answer, std::string_view result) {
  Fresh out;
  out.problem = answer.problem;
  if (!out.problem.empty()) return out;
  const std::unique_ptr<XmlElement> document = parse_xml(answer.body);
  const XmlElement* in = document ? document->find(result) : nullptr;
  const XmlElement* given = in ? in->find("Credentials") : nullptr;
  if (!given) {
    out.problem = kNothing;
    return out;
  }
  AwsCredentials found{Secret(std::string(given->value("AccessKeyId"))),
                       Secret(std::string(given->value("SecretAccessKey"))),
                       Secret(std::string(given->value("SessionToken")))};
  return fresh_of(std::move(found), given->value("Expiration"));
}

/// As containers and instances are told.
Fresh of_json(std::string_view text) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), failed);
  const json::object* object = failed ? nullptr : parsed.if_object();
  auto member = [object](const char* name) {
    const json::value* found = object ? object->if_contains(name) : nullptr;
    const json::string* value = found ? found->if_string() : nullptr;
    return value ? std::string(*value) : std::string();
  };
  AwsCredentials found{Secret(member("AccessKeyId")), Secret(member("SecretAccessKey")),
                       Secret(member("Token"))};
  return fresh_of(std::move(found), member("Expiration"));
}

/// A token that may be written anew at any time; empty: there is none that could be sent.
std::string read_token(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string out(kTokenMax, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(file.gcount()));
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r' || out.back() == ' '))
    out.pop_back();
  return http::all_of(out, http::kValue) ? out : std::string();
}

class AssumedRole final : public Temporary {
 public:
  explicit AssumedRole(const AwsIdentity& identity)
      : region_(identity.region),
        role_(identity.role_arn),
        cluster_(identity.sts_cluster),
        authority_(identity.sts_authority) {}

 private:
  Task<Fresh> fetch(upstream::Clusters& clusters, CredentialsPtr own) override {
    std::string form =
        fmt::format("Action=AssumeRole&Version=2011-06-15&RoleSessionName=tidegate&RoleArn={}",
                    http::percent_encode(role_));
    QueryApi api{cluster_, authority_, "sts", kAnswerMax};
    const QueryAnswer answer =
        co_await ask(clusters, std::move(api), region_, std::move(own), std::move(form));
    Fresh out = of_sts(answer, "AssumeRoleResult");
    if (!out.problem.empty())
      out.problem = fmt::format("the role {} was not given: {}", role_, out.problem);
    co_return out;
  }

  const std::string region_, role_, cluster_, authority_;
};

/// Source: STS API, AssumeRoleWithWebIdentity.
class WebIdentity final : public Temporary {
 public:
  explicit WebIdentity(AwsSource source) : source_(std::move(source)) {}

 private:
  Task<Fresh> fetch(upstream::Clusters& clusters, CredentialsPtr) override {
    Fresh out;
    const Secret token(read_token(source_.token_file));
    if (token.empty()) {
      out.problem = fmt::format("there is no token in {}", source_.token_file);
      co_return out;
    }
    const char* session = std::getenv("AWS_ROLE_SESSION_NAME");
    std::string form = fmt::format(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName={}&RoleArn={}"
        "&WebIdentityToken={}",
        http::percent_encode(session && *session ? session : "tidegate"),
        http::percent_encode(source_.role_arn), http::percent_encode(token.reveal()));
    QueryApi api{source_.cluster, source_.authority, "sts", kAnswerMax};
    const QueryAnswer answer =
        co_await ask(clusters, std::move(api), std::string(), nullptr, std::move(form));
    out = of_sts(answer, "AssumeRoleWithWebIdentityResult");
    if (!out.problem.empty())
      out.problem = fmt::format("the role {} was not given: {}", source_.role_arn, out.problem);
    co_return out;
  }

  const AwsSource source_;
};

/// What a service of this machine answers; empty, with a `problem`: nothing.
Task<std::string> ask_local(upstream::Clusters& clusters, const AwsSource& source,
                            std::string_view method, std::string path, http::Field field,
                            std::string& problem) {
  Arena arena;
  http::RequestHead head;
  head.method = method;
  head.scheme = "http";
  head.authority = source.authority;
  head.path = path;
  if (method == "PUT") head.body = {http::BodyLength::Kind::kExact, 0};
  if (!field.value.empty()) head.fields.append(field.name, field.value);
  rpc::CallOptions options;
  options.timeout = kLocalTimeout;
  options.answer_max = kAnswerMax;
  rpc::Answer answer =
      co_await rpc::call(clusters, source.cluster, head, std::string_view(), options, arena);
  if (answer.whole && answer.status == 200) co_return std::move(answer.body);
  problem = answer.whole ? fmt::format("{} answered {}", source.authority, answer.status)
                         : fmt::format("{} did not answer", source.authority);
  problem = fmt::format("there are no credentials of this machine: {}", problem);
  co_return std::string();
}

class Container final : public Temporary {
 public:
  explicit Container(AwsSource source) : source_(std::move(source)) {}

 private:
  Task<Fresh> fetch(upstream::Clusters& clusters, CredentialsPtr) override {
    Fresh out;
    std::string token;
    if (!source_.token_file.empty()) {
      token = read_token(source_.token_file);
      if (token.empty()) {
        out.problem = fmt::format("there is no token in {}", source_.token_file);
        co_return out;
      }
    } else if (const char* given = std::getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
      if (http::all_of(given, http::kValue)) token = given;
    }
    const Secret secret(std::move(token));
    const http::Field field{"authorization", secret.reveal()};
    const std::string answer = co_await ask_local(
        clusters, source_, "GET", std::string(source_.path.reveal()), field, out.problem);
    if (out.problem.empty()) out = of_json(answer);
    co_return out;
  }

  const AwsSource source_;
};

class Instance final : public Temporary {
 public:
  explicit Instance(AwsSource source) : source_(std::move(source)) {}

 private:
  Task<Fresh> fetch(upstream::Clusters& clusters, CredentialsPtr) override {
    Fresh out;
    http::Field field{"x-aws-ec2-metadata-token-ttl-seconds", "300"};
    std::string text =
        co_await ask_local(clusters, source_, "PUT", "/latest/api/token", field, out.problem);
    const Secret token(std::move(text));
    if (!out.problem.empty()) co_return out;
    if (token.empty() || !http::all_of(token.reveal(), http::kValue)) {
      out.problem = "the instance's metadata have no token";
      co_return out;
    }
    field = {"x-aws-ec2-metadata-token", token.reveal()};
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    std::string role = co_await ask_local(clusters, source_, "GET", roles, field, out.problem);
    if (!out.problem.empty()) co_return out;
    role = role.substr(0, role.find_first_of("\r\n"));
    if (role.empty() || !http::all_of(role, http::kTarget)) {
      out.problem = "the instance has no role";
      co_return out;
    }
    const std::string answer =
        co_await ask_local(clusters, source_, "GET", roles + role, field, out.problem);
    if (out.problem.empty()) out = of_json(answer);
    co_return out;
  }

  const AwsSource source_;
};

}  // namespace

std::unique_ptr<Temporary> assumed_role(const AwsIdentity& identity) {
  return std::make_unique<AssumedRole>(identity);
}

std::unique_ptr<Temporary> own_credentials(const AwsSource& source) {
  switch (source.kind) {
    case AwsSource::Kind::kWebIdentity:
      return std::make_unique<WebIdentity>(source);
    case AwsSource::Kind::kContainer:
      return std::make_unique<Container>(source);
    case AwsSource::Kind::kInstance:
      return std::make_unique<Instance>(source);
  }
  return nullptr;
}

}  // namespace tidegate::proxy::aws
