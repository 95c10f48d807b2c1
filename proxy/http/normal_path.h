#pragma once

#include <optional>
#include <string_view>

#include "proxy/runtime/arena.h"

namespace tidegate::proxy::http {

/// The one form of a path that routes, policies and backends see, its query left as it is:
/// escaped unreserved characters are themselves, backslashes are slashes, slashes next to each
/// other one, and segments "." and ".." resolved (above the root there is nothing).
/// Shape:  `target` is in origin-form. A path in normal form, as a rule it is, comes back itself;
///         else the result is in `arena`. Twice is as once.
/// Errors: nullopt where a backend might read another path than we do, for 400: an escape that is
///         none, %00, "." or ".." beside an escaped slash or backslash or with a parameter
///         ("..;x").
/// Source: RFC 3986 sections 5.2.4 and 6.2.2; Envoy's normalize_path and merge_slashes.
std::optional<std::string_view> normal_path(std::string_view target, Arena& arena);

}  // namespace tidegate::proxy::http
