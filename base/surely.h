#pragma once

#include <new>
#include <string_view>

/// What is done where memory or the like is short.
namespace tidegate {

/// Says in the log that something has been given up for want of memory or the like. Never throws.
void tell_failure(std::string_view what, std::string_view why) noexcept;

/// Makes a small call that everything later depends on: once more where there is no memory at this
/// very moment. `call` must have had no effect where it throws.
/// Errors: std::bad_alloc, where there is none for good.
template <class Call>
void surely(Call call) {
  constexpr int kTries = 100;
  for (int left = kTries;; --left) {
    try {
      call();
      return;
    } catch (const std::bad_alloc&) {
      if (left == 0) throw;
    }
  }
}

}  // namespace tidegate
