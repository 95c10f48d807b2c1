#pragma once

#include <boost/describe/class.hpp>
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

/// As whom Amazon's services are asked. Source: kgateway AwsAuth.
struct AwsIdentity {
  std::string region;
  std::optional<AwsCredentials> credentials;  // absent: what the environment of the process has
  std::string role_arn;       // whose temporary credentials are taken in their place; empty: none
  std::string sts_cluster;    // that gives them
  std::string sts_authority;  // of the requests to it
  bool operator==(const AwsIdentity&) const = default;
};
BOOST_DESCRIBE_STRUCT(AwsIdentity, (), (region, credentials, role_arn, sts_cluster, sts_authority))

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
