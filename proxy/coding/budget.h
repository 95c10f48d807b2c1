#pragma once

#include "proxy/coding/coder.h"

namespace tidegate::proxy::coding {

/// Counts what a decoder takes and gives.
class Budget {
 public:
  explicit Budget(const DecodeLimits& limits) : limits_(limits) {}
  void in(std::uint64_t bytes) { in_ += bytes; }
  /// False: too much has come out.
  bool out(std::uint64_t bytes) {
    out_ += bytes;
    return out_ <= limits_.free_bytes || out_ / limits_.ratio_max <= in_;
  }

 private:
  DecodeLimits limits_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
};

}  // namespace tidegate::proxy::coding
