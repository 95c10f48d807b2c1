#include "controlloop/translate/aws_environment.h"

#include <catch2/catch.hpp>
#include <map>

using namespace tidegate::controlloop::translate;

namespace {

using Variables = std::map<std::string, std::string>;

std::string problem_of(const Variables& variables, AwsEndpoints& to) {
  return read_aws_environment(
      [&variables](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
      },
      to);
}
std::string problem_of(const Variables& variables) {
  AwsEndpoints unused;
  return problem_of(variables, unused);
}

}  // namespace

TEST_CASE("the environment says who this process is at Amazon's", "[aws]") {
  AwsEndpoints to;
  CHECK(problem_of({}, to).empty());
  CHECK((to.container_url.empty() && to.role_arn.empty()));
  CHECK(to.instance_url == "http://169.254.169.254");
  CHECK(problem_of({{"AWS_EC2_METADATA_DISABLED", "true"},
                    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"},
                    {"AWS_ROLE_ARN", "arn"},
                    {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"}},
                   to)
            .empty());
  CHECK(to.instance_url.empty());
  CHECK(to.container_url == "http://169.254.170.2/v2/x");
  CHECK((to.role_arn == "arn" && to.role_token_file == "/token"));
}

TEST_CASE("instances are asked, or not, as the environment says", "[aws]") {
  AwsEndpoints to;
  CHECK(problem_of({{"AWS_EC2_METADATA_DISABLED", "TRUE"}}, to).empty());
  CHECK(to.instance_url.empty());
  CHECK(problem_of({{"AWS_EC2_METADATA_DISABLED", "false"}}, to).empty());
  CHECK_FALSE(to.instance_url.empty());
  for (const char* near :
       {"http://[fd00:ec2::254]", "http://169.254.169.254/", "http://[::1]:1338"})
    CHECK(problem_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", near}}).empty());
  CHECK_FALSE(problem_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://any.example"}}).empty());
}

TEST_CASE("credentials are asked for in the clear on this machine only", "[aws]") {
  for (const char* near :
       {"http://127.0.0.1:80/x", "http://[::1]/x", "http://localhost:1", "https://any.example/x",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]:80/v1/credentials"}) {
    INFO(near);
    CHECK(problem_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", near}}).empty());
  }
  for (const char* far : {"http://any.example/x", "http://127.0.0.1.any.example/",
                          "http://10.0.0.1", "http://169.254.170.2.any.example", "no url"}) {
    INFO(far);
    CHECK_FALSE(problem_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", far}}).empty());
  }
  CHECK_FALSE(problem_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ".any.example/x"}}).empty());
  CHECK_FALSE(problem_of({{"AWS_ENDPOINT_URL_EC2", "ftp://x"}}).empty());
}
