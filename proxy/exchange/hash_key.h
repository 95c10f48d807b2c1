#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/loop.h"
#include "proxy/snapshot/load_balancing.h"

namespace tidegate::proxy::exchange {

/// What decides which endpoint a request goes to, where a cluster hashes.
struct HashKey {
  std::optional<std::uint64_t> hash;      // absent: the request has nothing that is named
  std::vector<std::string_view> cookies;  // Set-Cookie values to answer with; in the arena
};

/// Source: Envoy's RouteAction.HashPolicy: the hashes of all policies together, up to the first
/// terminal one that gave any.
HashKey hash_key(const std::vector<HashPolicy>& policies, const http::RequestHead& request,
                 std::string_view client_ip, Random& random, Arena& arena);

}  // namespace tidegate::proxy::exchange
