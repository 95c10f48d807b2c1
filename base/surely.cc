#include "base/surely.h"

#include <exception>

#include "base/log.h"

namespace tidegate {

void tell_failure(std::string_view what, std::string_view why) noexcept {
  try {
    log::error(log::Component::kMain, "{}: {}", what, why);
  } catch (const std::exception&) {  // there is not even memory to say so
  }
}

}  // namespace tidegate
