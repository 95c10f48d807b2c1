#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/event.h"
#include "proxy/snapshot/aws.h"

namespace tidegate::proxy::upstream {
class Clusters;
}

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
/// One call of a query API: a form ("Action=...&Version=...").
Task<QueryAnswer> ask(upstream::Clusters& clusters, QueryApi api, std::string region,
                      CredentialsPtr credentials, std::string form);

/// The credentials of an identity: as they are written, of the environment, or of a role, which STS
/// gives for an hour; they are asked for by the first who needs them, while others wait for the
/// same answer, and again before they expire, while those that are there serve others. Workers
/// share it.
class Identity {
 public:
  explicit Identity(AwsIdentity config);
  /// The name of what does not change about it; it shows no credentials.
  static std::string key_of(const AwsIdentity& config);

  /// Null: there are none; why is in the log, and in problem().
  Task<CredentialsPtr> credentials(upstream::Clusters& clusters);
  std::string problem() const;

 private:
  using Clock = std::chrono::system_clock;
  /// One that waits for what another has asked for, perhaps on another loop, which outlives the
  /// question.
  struct Waiting {
    boost::asio::io_context* io = nullptr;
    std::shared_ptr<Event> over;
  };
  Task<CredentialsPtr> assume(upstream::Clusters& clusters);
  void answered(std::shared_ptr<const AwsCredentials> found, Clock::time_point expires,
                std::string problem);
  CredentialsPtr current() const;

  const AwsIdentity config_;
  CredentialsPtr own_;        // null: none
  mutable std::mutex mutex_;  // over what follows
  CredentialsPtr role_;
  Clock::time_point expires_;
  Clock::time_point not_before_;  // the next call to STS, after one that failed
  bool asking_ = false;
  std::vector<Waiting> waiting_;
  std::string problem_;  // of the last call that failed
};

}  // namespace tidegate::proxy::aws
