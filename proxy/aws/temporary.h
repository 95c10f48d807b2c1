#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/task.h"
#include "proxy/runtime/event.h"
#include "proxy/snapshot/aws.h"

namespace tidegate::proxy {
struct Loop;
}
namespace tidegate::proxy::upstream {
class Clusters;
}

namespace tidegate::proxy::aws {

using CredentialsPtr = std::shared_ptr<const AwsCredentials>;

/// Credentials that a service gives for a time. They are asked for by the first who needs them,
/// while others wait for the same answer, and again before they expire, while those that are there
/// serve others. Workers share it.
class Temporary {
 public:
  using Clock = std::chrono::system_clock;
  struct Fresh {
    CredentialsPtr credentials;  // null: there are none
    Clock::time_point expires{};
    std::string problem;  // why there are none; it shows no credentials
  };

  Temporary() = default;
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  virtual ~Temporary() = default;

  /// Null: there are none; why is in the log, and in problem(). `own`: who asks; may be null where
  /// the service does not want to know.
  Task<CredentialsPtr> get(upstream::Clusters& clusters, CredentialsPtr own);
  std::string problem() const;

 private:
  /// Asks the service; takes some seconds at most. Without a problem there are credentials.
  virtual Task<Fresh> fetch(upstream::Clusters& clusters, CredentialsPtr own) = 0;

  /// One that waits for what another has asked for, perhaps on another loop, which outlives the
  /// question.
  struct Waiting {
    Loop* loop = nullptr;
    std::shared_ptr<Event> over;
  };
  void answered(Fresh fresh);
  CredentialsPtr current() const;

  mutable std::mutex mutex_;  // over what follows
  CredentialsPtr given_;
  Clock::time_point expires_;
  Clock::time_point not_before_;  // the next call
  bool asking_ = false;
  std::vector<Waiting> waiting_;
  std::string problem_;  // of the last call that failed
};

}  // namespace tidegate::proxy::aws
