#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/task.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/aws.h"

namespace tidegate::proxy::upstream {
class Clusters;
}

/// Requests of our own to Amazon's services.
namespace tidegate::proxy::aws {

using CredentialsPtr = std::shared_ptr<const AwsCredentials>;

/// Adds the fields that say who asks, when, and for what. All fields that begin with "x-amz-" are
/// signed, and Content-Type; none is to be changed any more. Texts are in `arena`.
void sign(http::RequestHead& request, std::string_view payload, const AwsCredentials& credentials,
          std::string_view region, std::string_view service, Arena& arena);

/// Where a query API is asked.
struct QueryApi {
  std::string cluster;
  std::string authority;
  std::string_view service;  // "ec2"
  std::size_t answer_max;    // bytes
};
struct QueryAnswer {
  std::string body;     // XML
  std::string problem;  // why there is none; empty: there is one. It shows no credentials.
  std::string code;     // the service's word for it; empty: it did not say
};
/// One call of a query API: a form ("Action=...&Version=..."). `credentials` null: it is not
/// signed.
Task<QueryAnswer> ask(upstream::Clusters& clusters, QueryApi api, std::string region,
                      CredentialsPtr credentials, std::string form);

}  // namespace tidegate::proxy::aws
