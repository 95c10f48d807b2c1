#pragma once

#include <vector>

#include "config/kinds/kgateway/jwt.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {

std::vector<proxy::JwtAuth::Claim> claims_of(
    const std::vector<config::kgateway::ClaimToHeader>& from);

}  // namespace tidegate::controlloop::policy
