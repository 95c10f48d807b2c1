#pragma once

#include <functional>
#include <string>

#include "controlloop/translate/aws_backend.h"

namespace tidegate::controlloop::translate {

/// Reads what the process's environment says of Amazon's services and of who it is there.
/// `variable` gives a variable's value, or nothing. What is wrong; empty: nothing.
/// Source: AWS SDKs and Tools Reference Guide, "Settings reference".
std::string read_aws_environment(const std::function<std::string(const char*)>& variable,
                                 AwsEndpoints& to);

}  // namespace tidegate::controlloop::translate
