#pragma once

#include "proxy/coding/budget.h"

namespace tidegate::proxy::coding {

std::unique_ptr<Coder> brotli_encoder();
std::unique_ptr<Coder> brotli_decoder(const DecodeLimits& limits);

}  // namespace tidegate::proxy::coding
