#pragma once

#include <memory>
#include <string>

#include "proxy/aws/temporary.h"

namespace tidegate::proxy::aws {

/// The role of an identity, for whoever asks. Source: STS API, AssumeRole.
std::unique_ptr<Temporary> assumed_role(const AwsIdentity& identity);

/// What this process is, where it runs. Source: AWS SDKs and Tools Reference Guide, "Assume role
/// with web identity", "Container credential provider", "IMDS credential provider" (version 2).
std::unique_ptr<Temporary> own_credentials(const AwsSource& source);

}  // namespace tidegate::proxy::aws
