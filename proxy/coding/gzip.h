#pragma once

#include "proxy/coding/budget.h"

namespace tidegate::proxy::coding {

std::unique_ptr<Coder> gzip_encoder();
std::unique_ptr<Coder> gzip_decoder(const DecodeLimits& limits);

}  // namespace tidegate::proxy::coding
