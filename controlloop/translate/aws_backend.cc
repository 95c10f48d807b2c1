#include "controlloop/translate/aws_backend.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/url.h"
#include "config/kinds/core/secret_object.h"

namespace tidegate::controlloop::translate {

namespace kgw = config::kgateway;

namespace {

constexpr const char* kAccessKey = "accessKey";
constexpr const char* kSecretKey = "secretKey";
constexpr const char* kSessionToken = "sessionToken";

struct Place {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
  std::string authority;  // without the port that the scheme has anyway
};

std::optional<Place> place_of(const std::string& text) {
  const std::optional<Url> url = parse_url(text);
  if (!url) return std::nullopt;
  Place out;
  out.tls = url->scheme == "https";
  out.port = out.tls ? 443 : 80;
  std::string_view host = url->authority;
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    const std::string_view digits = host.substr(colon + 1);
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (bad != std::errc() || end != digits.data() + digits.size() || out.port == 0)
      return std::nullopt;
    host = host.substr(0, colon);
  }
  if (host.empty()) return std::nullopt;
  const bool usual = out.port == (out.tls ? 443 : 80);
  out.authority = usual ? std::string(host) : fmt::format("{}:{}", host, out.port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host;
  return out;
}

std::string lambda_url(const kgw::AwsBackend& aws) {
  return aws.lambda->endpoint_url.value_or(
      fmt::format("https://lambda.{}.amazonaws.com", aws.region));
}

void set_place(const Place& place, proxy::Cluster& cluster) {
  cluster.endpoints = {{place.host, place.port, 1, ""}};
  if (place.tls) cluster.tls.emplace().sni = place.host;
}

const config::SecretObject* secret_of(const config::ObjectSet& objects,
                                      const kgw::Backend& backend) {
  const auto& auth = backend.aws->auth;
  if (!auth || !auth->secret_ref) return nullptr;
  return objects.find<config::SecretObject>(backend.meta.namespace_, auth->secret_ref->name);
}

}  // namespace

AwsBackends::Problem AwsBackends::problem(const kgw::Backend& backend) const {
  const kgw::AwsBackend& aws = *backend.aws;
  if (aws.lambda && !place_of(lambda_url(aws)))
    return {"spec.aws.lambda.endpointURL", "aws.lambda.endpointURL is no URL"};
  if (!aws.auth || !aws.auth->secret_ref) return {};
  const std::string& name = aws.auth->secret_ref->name;
  const config::SecretObject* secret = secret_of(objects_, backend);
  if (!secret)
    return {"spec.aws.auth.secretRef",
            fmt::format("Secret {}/{} does not exist", backend.meta.namespace_, name)};
  for (const char* key : {kAccessKey, kSecretKey}) {
    const auto found = secret->data.find(key);
    if (found == secret->data.end() || found->second.empty())
      return {"spec.aws.auth.secretRef",
              fmt::format("Secret {}/{} has no key {}", backend.meta.namespace_, name, key)};
  }
  for (const char* key : {kAccessKey, kSecretKey, kSessionToken}) {
    const auto found = secret->data.find(key);
    if (found == secret->data.end()) continue;
    for (const char c : found->second.reveal()) {
      if (c > ' ' && c < 0x7F) continue;
      return {"spec.aws.auth.secretRef",
              fmt::format("Secret {}/{}, key {}: it has white space or characters that are not "
                          "ASCII, such as a line's end",
                          backend.meta.namespace_, name, key)};
    }
  }
  return {};
}

std::string AwsBackends::api_cluster(const std::string& service, const std::string& region,
                                     const std::string& url, std::string& authority) {
  const std::optional<Place> place =
      place_of(url.empty() ? fmt::format("https://{}.{}.amazonaws.com", service, region) : url);
  if (!place) return {};
  authority = place->authority;
  std::string name = fmt::format("aws_{}_{}", service, region);
  proxy::Cluster& cluster = snapshot_.clusters[name];
  if (cluster.name.empty()) {
    cluster.name = name;
    set_place(*place, cluster);
  }
  return name;
}

/// The cluster of a service of this machine.
std::string AwsBackends::local_cluster(const char* name, const std::string& url,
                                       std::string& authority) {
  const std::optional<Place> place = place_of(url);
  if (!place) return {};
  authority = place->authority;
  proxy::Cluster& cluster = snapshot_.clusters[name];
  cluster.name = name;
  cluster.connect_timeout = std::chrono::seconds(1);
  set_place(*place, cluster);
  return name;
}

std::optional<proxy::AwsSource> AwsBackends::source(const std::string& region) {
  using Kind = proxy::AwsSource::Kind;
  proxy::AwsSource out;
  if (!endpoints_.role_arn.empty() && !endpoints_.role_token_file.empty()) {
    out.kind = Kind::kWebIdentity;
    out.cluster = api_cluster("sts", region, endpoints_.sts, out.authority);
    out.role_arn = endpoints_.role_arn;
    out.token_file = endpoints_.role_token_file;
  } else if (!endpoints_.container_url.empty()) {
    out.kind = Kind::kContainer;
    out.cluster = local_cluster("aws_container", endpoints_.container_url, out.authority);
    out.path = Secret(parse_url(endpoints_.container_url)->path);
    out.token_file = endpoints_.container_token_file;
  } else if (!endpoints_.instance_url.empty()) {
    out.cluster = local_cluster("aws_instance", endpoints_.instance_url, out.authority);
  } else {
    return std::nullopt;
  }
  return out;
}

proxy::AwsIdentity AwsBackends::identity(const kgw::Backend& backend) {
  proxy::AwsIdentity out;
  out.region = backend.aws->region;
  if (const config::SecretObject* secret = secret_of(objects_, backend)) {
    auto value = [secret](const char* key) {
      const auto found = secret->data.find(key);
      return found == secret->data.end() ? Secret() : found->second;
    };
    out.credentials =
        proxy::AwsCredentials{value(kAccessKey), value(kSecretKey), value(kSessionToken)};
  } else {
    out.source = source(out.region);
  }
  if (backend.aws->auth && backend.aws->auth->assume_role) {
    out.role_arn = backend.aws->auth->assume_role->role_arn;
    out.sts_cluster = api_cluster("sts", out.region, endpoints_.sts, out.sts_authority);
  }
  return out;
}

void AwsBackends::set_hosts(const kgw::Backend& backend, proxy::Cluster& cluster) {
  const kgw::AwsBackend& aws = *backend.aws;
  if (aws.lambda) return set_place(*place_of(lambda_url(aws)), cluster);
  proxy::Ec2Discovery& to = cluster.ec2.emplace();
  to.identity = identity(backend);
  to.api_cluster = api_cluster("ec2", aws.region, endpoints_.ec2, to.api_authority);
  to.port = static_cast<std::uint16_t>(aws.ec2->port);
  to.public_address = aws.ec2->address_type == kgw::AwsBackend::Ec2::AddressType::kPublicIp;
  for (const kgw::AwsBackend::Filter& one : aws.ec2->filters) {
    if (one.key) to.tags.push_back({*one.key, std::nullopt});
    if (one.key_value) to.tags.push_back({one.key_value->key, one.key_value->value});
  }
  to.refresh = endpoints_.ec2_refresh;
}

std::string AwsBackends::invocation(const kgw::Backend& backend) {
  const kgw::AwsBackend& aws = *backend.aws;
  const kgw::AwsBackend::Lambda& lambda = *aws.lambda;
  std::string name =
      fmt::format("Backend/{}/{}/lambda", backend.meta.namespace_, backend.meta.name);
  if (snapshot_.shared_filters.contains(name)) return name;
  proxy::LambdaInvocation to;
  to.identity = identity(backend);
  to.arn = fmt::format("arn:aws:lambda:{}:{}:function:{}:{}", aws.region,
                       lambda.account_id.empty() ? aws.account_id : lambda.account_id,
                       lambda.function_name, lambda.qualifier);
  to.authority = place_of(lambda_url(aws))->authority;
  to.asynchronous = lambda.invocation_mode == kgw::AwsBackend::Lambda::Mode::kAsync;
  to.passthrough = lambda.payload_transform_mode == kgw::AwsBackend::Lambda::Payload::kNone;
  snapshot_.shared_filters.emplace(name, proxy::FilterSettings(std::move(to)));
  return name;
}

}  // namespace tidegate::controlloop::translate
