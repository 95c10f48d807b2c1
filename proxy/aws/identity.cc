#include "proxy/aws/identity.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/log.h"
#include "proxy/aws/credentials.h"
#include "proxy/aws/sigv4.h"
#include "proxy/aws/sources.h"

namespace tidegate::proxy::aws {

namespace {
constexpr const char* kNone = "there are no credentials in the environment of this process";
}  // namespace

Identity::Identity(AwsIdentity config) {
  if (!config.role_arn.empty()) role_ = assumed_role(config);
  if (config.credentials) {
    written_ = std::make_shared<const AwsCredentials>(std::move(*config.credentials));
  } else if (std::optional<AwsCredentials> found = of_environment()) {
    written_ = std::make_shared<const AwsCredentials>(std::move(*found));
  } else if (config.source) {
    source_ = own_credentials(*config.source);
  } else {
    log::warning(log::Component::kUpstream, "AWS: {}", kNone);
  }
}

std::string Identity::key_of(const AwsIdentity& config) {
  std::string secret;
  if (config.credentials) {
    for (const Secret* one : {&config.credentials->access_key, &config.credentials->secret_key,
                              &config.credentials->session_token})
      secret += hash_of(one->reveal());
  }
  const AwsSource source = config.source.value_or(AwsSource());
  return fmt::format("{} {} {} {} {} {} {} {} {} {}", config.region, config.role_arn,
                     config.sts_cluster, config.sts_authority, hash_of(secret), source.cluster,
                     source.authority, hash_of(source.path.reveal()), source.role_arn,
                     source.token_file);
}

Task<CredentialsPtr> Identity::credentials(upstream::Clusters& clusters) {
  CredentialsPtr own = written_;
  if (source_) own = co_await source_->get(clusters, nullptr);
  if (!own || !role_) co_return own;
  co_return co_await role_->get(clusters, std::move(own));
}

std::string Identity::problem() const {
  if (!written_ && !source_) return kNone;
  std::string out;
  if (source_) out = source_->problem();
  if (out.empty() && role_) out = role_->problem();
  return out;
}

}  // namespace tidegate::proxy::aws
