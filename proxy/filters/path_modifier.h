#pragma once

#include <string_view>

#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::filters {

/// The path (query kept) after a modifier. `match` is what led to the rule: a prefix is replaced by
/// segment, so that
/// "/foo" -> "/xyz" makes "/xyz/bar" of "/foo/bar", and an empty or "/" replacement never gives
/// "//" or "". Source: HTTPPathModifier.
std::string_view modified_path(const PathModifier& modifier, const Match& match,
                               std::string_view path, Arena& arena);

/// The Location of a redirect. Source: HTTPRequestRedirectFilter.
std::string_view location(const Redirect& redirect, const Match& match,
                          const http::RequestHead& request, Arena& arena);

}  // namespace tidegate::proxy::filters
