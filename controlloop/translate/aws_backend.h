#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "config/kinds/kgateway/backend.h"
#include "config/object_set.h"
#include "proxy/snapshot/aws.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What the process's environment says, see read_aws_environment(); empty: nothing.
struct AwsEndpoints {
  // URLs that stand for Amazon's own.
  std::string sts;
  std::string ec2;
  // Who gives the process its own credentials, where they do not stand in the environment; the
  // first that is known.
  std::string role_arn, role_token_file;            // STS, for a token
  std::string container_url, container_token_file;  // the token may be empty
  std::string instance_url;
  std::chrono::milliseconds ec2_refresh{30000};  // how often EC2 is asked for instances
};

/// Backends of type AWS, on their way into a snapshot.
/// Source: kgateway AwsBackend; guides destination-types/backends/lambda and ec2.
class AwsBackends {
 public:
  /// `objects` and `snapshot` outlive it.
  AwsBackends(const config::ObjectSet& objects, proxy::Snapshot& snapshot, AwsEndpoints endpoints)
      : objects_(objects), snapshot_(snapshot), endpoints_(std::move(endpoints)) {}

  /// What of it cannot be served, and the path of the field; empty: all can.
  struct Problem {
    std::string path;
    std::string message;
  };
  Problem problem(const config::kgateway::Backend& backend) const;
  /// Where a cluster's endpoints are. The backend has no problem.
  void set_hosts(const config::kgateway::Backend& backend, proxy::Cluster& cluster);
  /// The filter that makes a request for a lambda the function's invocation: its name among the
  /// snapshot's shared filters.
  std::string invocation(const config::kgateway::Backend& backend);

 private:
  std::optional<proxy::AwsSource> source(const std::string& region);
  std::string local_cluster(const char* name, const std::string& url, std::string& authority);
  proxy::AwsIdentity identity(const config::kgateway::Backend& backend);
  /// The cluster of an API, which is there once for all who ask it. `url` empty: Amazon's.
  std::string api_cluster(const std::string& service, const std::string& region,
                          const std::string& url, std::string& authority);

  const config::ObjectSet& objects_;
  proxy::Snapshot& snapshot_;
  const AwsEndpoints endpoints_;
};

}  // namespace tidegate::controlloop::translate
