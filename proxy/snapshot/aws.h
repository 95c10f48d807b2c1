#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

/// What is Amazon's. Part of filters.h and cluster.h.
namespace tidegate::proxy {

struct AwsCredentials {
  Secret access_key;
  Secret secret_key;
  Secret session_token;  // empty: none
  bool operator==(const AwsCredentials&) const = default;
};
BOOST_DESCRIBE_STRUCT(AwsCredentials, (), (access_key, secret_key, session_token))

/// Who gives this process the credentials of what it is where it runs.
struct AwsSource {
  enum class Kind { kWebIdentity, kContainer, kInstance };
  Kind kind = Kind::kInstance;
  std::string cluster;     // that is asked; kWebIdentity: of STS
  std::string authority;   // of the requests to it
  Secret path;             // kContainer; who knows it is given the credentials
  std::string role_arn;    // kWebIdentity
  std::string token_file;  // kWebIdentity; kContainer: empty where there is none
  bool operator==(const AwsSource&) const = default;
};
BOOST_DESCRIBE_ENUM(AwsSource::Kind, kWebIdentity, kContainer, kInstance)
BOOST_DESCRIBE_STRUCT(AwsSource, (), (kind, cluster, authority, path, role_arn, token_file))

/// As whom Amazon's services are asked. Source: kgateway AwsAuth.
struct AwsIdentity {
  std::string region;
  std::optional<AwsCredentials> credentials;  // absent: what the environment of the process has
  std::optional<AwsSource> source;            // that is asked where it has none
  std::string role_arn;       // whose temporary credentials are taken in their place; empty: none
  std::string sts_cluster;    // that gives them
  std::string sts_authority;  // of the requests to it
  bool operator==(const AwsIdentity&) const = default;
};
BOOST_DESCRIBE_STRUCT(AwsIdentity, (),
                      (region, credentials, source, role_arn, sts_cluster, sts_authority))

/// A tag that an instance must have.
struct Ec2Tag {
  std::string key;
  std::optional<std::string> value;  // absent: any
  bool operator==(const Ec2Tag&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ec2Tag, (), (key, value))

/// Endpoints are the running instances of a region that have all tags; EC2 is asked for them again
/// and again. Source: kgateway AwsEc2.
struct Ec2Discovery {
  AwsIdentity identity;
  std::string api_cluster;    // that is asked
  std::string api_authority;  // of the requests to it
  std::uint16_t port = 0;     // of each instance
  bool public_address = false;
  std::vector<Ec2Tag> tags;
  std::chrono::milliseconds refresh{30000};
  bool operator==(const Ec2Discovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ec2Discovery, (),
                      (identity, api_cluster, api_authority, port, public_address, tags, refresh))

/// The request becomes the invocation of a function, signed; its answer is what the function says.
/// A filter of one backend, the last one. Source: kgateway AwsLambda; Envoy's aws_lambda and
/// aws_request_signing filters.
struct LambdaInvocation {
  AwsIdentity identity;
  std::string arn;            // of the function, with its qualifier
  std::string authority;      // of the endpoint
  bool asynchronous = false;  // invocation type Event: Lambda answers before the function has run
  bool passthrough = false;   // the body is the payload; else a JSON object tells of the request
  bool operator==(const LambdaInvocation&) const = default;
};
BOOST_DESCRIBE_STRUCT(LambdaInvocation, (), (identity, arn, authority, asynchronous, passthrough))

}  // namespace tidegate::proxy
