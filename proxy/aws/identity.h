#pragma once

#include <memory>
#include <string>

#include "proxy/aws/temporary.h"

namespace tidegate::proxy::aws {

/// The credentials of an identity: as they are written, of the environment or of what this process
/// is where it runs; or those of a role, which they may take. Workers share it.
class Identity {
 public:
  explicit Identity(AwsIdentity config);
  /// The name of what does not change about it; it shows no credentials.
  static std::string key_of(const AwsIdentity& config);

  /// Null: there are none; why is in the log, and in problem().
  Task<CredentialsPtr> credentials(upstream::Clusters& clusters);
  std::string problem() const;

 private:
  CredentialsPtr written_;             // null: none
  std::unique_ptr<Temporary> source_;  // null: there is nobody to ask, or no need to
  std::unique_ptr<Temporary> role_;    // null: none
};

}  // namespace tidegate::proxy::aws
