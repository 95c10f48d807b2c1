#pragma once

#include <optional>
#include <string_view>

#include "proxy/snapshot/aws.h"

namespace tidegate::proxy::aws {

/// What the process's environment has: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN; without them the profile AWS_PROFILE ("default") of the file
/// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). Nothing where there is neither.
/// Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
std::optional<AwsCredentials> of_environment();

/// A profile of a shared credentials file; nothing where it is not there or has no key.
std::optional<AwsCredentials> of_profile(std::string_view file, std::string_view profile);

}  // namespace tidegate::proxy::aws
