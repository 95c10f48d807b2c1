#include "controlloop/translate/aws_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/url.h"

namespace tidegate::controlloop::translate {
namespace {

constexpr const char* kContainers = "http://169.254.170.2";
constexpr const char* kInstances = "http://169.254.169.254";

/// Hosts that are asked for credentials in the clear: none that could be elsewhere.
bool is_near(std::string_view authority) {
  static constexpr std::array<std::string_view, 7> kHosts{
      "localhost",      "[::1]",           "169.254.170.2",  "169.254.170.23",
      "[fd00:ec2::23]", "169.254.169.254", "[fd00:ec2::254]"};
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  const std::string_view host = has_port ? authority.substr(0, colon) : authority;
  const bool loopback =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
  return loopback || std::find(kHosts.begin(), kHosts.end(), host) != kHosts.end();
}

/// In any case, as Amazon's own clients take it.
bool is_true(std::string value) {
  for (char& c : value) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return value == "true";
}

}  // namespace

std::string read_aws_environment(const std::function<std::string(const char*)>& variable,
                                 AwsEndpoints& to) {
  std::string problem;
  auto url = [&](const char* name) {
    std::string value = variable(name);
    if (!value.empty() && !parse_url(value)) problem = fmt::format("{} is no URL", name);
    return value;
  };
  to.sts = url("AWS_ENDPOINT_URL_STS");
  to.ec2 = url("AWS_ENDPOINT_URL_EC2");
  to.role_arn = variable("AWS_ROLE_ARN");
  to.role_token_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  to.container_url = url("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative.empty()) {
    to.container_url = kContainers + relative;
    if (!relative.starts_with('/') || !parse_url(to.container_url))
      problem = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path";
  }
  auto check = [&problem](const std::string& value, const char* name) {
    const std::optional<Url> parsed = parse_url(value);
    if (parsed && parsed->scheme == "http" && !is_near(parsed->authority))
      problem = fmt::format("{} must be https, or a place on this machine", name);
  };
  check(to.container_url, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  to.container_token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  to.instance_url = url("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  check(to.instance_url, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (to.instance_url.empty()) to.instance_url = kInstances;
  if (is_true(variable("AWS_EC2_METADATA_DISABLED"))) to.instance_url.clear();
  return problem;
}

}  // namespace tidegate::controlloop::translate
