#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tidegate::controlloop::translate {

/// Tells of a member that has no effect, or not all of it; `path` is below the settings' own.
using WarnOfSetting = std::function<void(std::string_view path, std::string message)>;

}  // namespace tidegate::controlloop::translate
